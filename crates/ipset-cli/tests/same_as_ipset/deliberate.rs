//! Where our program means to differ from the stock tool. Everything else has to be equal.
//!
//! - **Every line before a mistake in a restore file is applied.** The stock tool collects lines and loses those that
//!   it has not yet sent when a later one is wrong; how many depends on the sets they belong to. So ours also names the first
//!   mistake, where the stock tool may name one that it meets while it still collects.
//! - **A mistake in a session leaves nothing behind.** After one the stock tool's next line can be taken for its
//!   continuation ("timeout already specified") or get an error that is not its own.
//! - **A mistake that the stock tool crashes on** gets an error and exit status 1.
//! - **`-output json` exists.**

use std::path::PathBuf;

use netns_testbed::{Failed, Tool, Trial, trial};

use crate::pair::ours;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("lines_before_a_mistake_are_applied", lines_before_a_mistake),
        trial("output_json_exists", output_json),
    ]
}

fn lines_before_a_mistake() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    let file = "create x hash:ip initval 1\nadd x 192.0.2.1\nadd x 192.0.2.2\nadd x wrong\nadd x 192.0.2.3\n";
    let header = "create x hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x00000001\n";
    let expect = |program: PathBuf, members: &str| -> Result<(), Failed> {
        let failed = Tool::at(program).input(file).output(&["restore"])?;
        let said = String::from_utf8_lossy(&failed.stderr);
        assert!(said.contains("Error in line 4: "), "{said}");
        assert_eq!(failed.status.code(), Some(1));
        // An older kernel has no bucket size; the members are what counts.
        let saved = stock.run(&["save", "-sorted"])?;
        let (first, rest) = saved.split_once('\n').unwrap_or_default();
        assert!(first.starts_with(&header[..24]), "{first}");
        assert_eq!(rest, members);
        stock.run(&["destroy"])?;
        Ok(())
    };
    expect(stock.path().to_owned(), "")?;
    expect(ours(), "add x 192.0.2.1\nadd x 192.0.2.2\n")
}

fn output_json() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    let refused = stock.output(&["-o", "json", "list"])?;
    assert!(!refused.status.success());
    let create = "create x hash:ip initval 1 timeout 0 comment\nadd x 192.0.2.1 comment \"of \\ and \u{e9}\"\n";
    stock.input(create).run(&["restore"])?;
    let listed = Tool::at(ours()).run(&["-o", "json", "list"])?;
    let listed: serde_json::Value = serde_json::from_str(&listed)?;
    let text = listed.to_string();
    for word in ["\"x\"", "hash:ip", "192.0.2.1", "of \\\\ and \u{e9}"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    Ok(())
}
