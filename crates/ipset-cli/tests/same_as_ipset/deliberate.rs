//! Where our program means to differ from the stock tool. Everything else has to be equal.
//!
//! - **Every line before a mistake in a restore file is applied.** The stock tool collects lines
//!   and loses those that it has not yet sent when a later one is wrong; how many depends on the
//!   sets they belong to. So ours also names the first mistake, where the stock tool may name one
//!   that it meets while it still collects.
//! - **A pipe may stay open.** The stock tool keeps a batch back until it is full or the pipe is
//!   closed.
//! - **A mistake in a file always names its line.** The stock tool names none for a command or
//!   argument that does not exist, is missing or is one too many, nor for a quote that is not
//!   closed.
//! - **A line in a session leaves nothing behind.** After a mistake the stock tool still sends what
//!   it has, can take the next line for its continuation ("timeout already specified"), and gives
//!   an entry the counters of the one before.
//! - **A `test` that succeeds does not end a file**, and `quit` loses nothing; the stock tool
//!   leaves without a word.
//! - **A line may be long.** The stock tool takes what is beyond 1,023 bytes for another line.
//! - **A byte 0 in a line is a mistake.** The stock tool does not see what comes after it.
//! - **`-exist destroy` of a set that is not there succeeds** on every kernel; with the stock tool
//!   only on newer ones.
//! - **`-exist` in a line counts from there on.** In the stock tool it depends on which lines it
//!   has collected before.
//! - **A comment is one line**; what the stock tool saves of others, it cannot restore.
//! - **A file that cannot be read is a mistake**, with its reason.
//! - **A mistake that the stock tool crashes on** gets an error and exit status 1.
//! - **A network is the same from whichever of its addresses it is written.** The kernel takes
//!   `0.0.0.1/24` into a set of single addresses and refuses `0.0.0.0/24`; with ours both are
//!   refused. For the same reason a prefix of 0 is called just that, where the kernel may find
//!   something wrong with the address.
//! - **A mistake is told once.** ICMP of the other family is a mistake after which the stock tool
//!   reads on with a line that it has forgotten, and tells what it misses then, or that it has a
//!   bug.
//! - **An address with its whole length as prefix is the address**, also where a set holds single
//!   addresses only; the stock tool says that it has a bug.
//! - **`-output json` exists.**

use std::path::PathBuf;

use netns_testbed::{Failed, Tool, Trial, trial};

use crate::pair::ours;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("lines_before_a_mistake_are_applied", lines_before_a_mistake),
        trial("a_mistake_in_a_file_names_its_line", names_its_line),
        trial("a_test_that_succeeds_does_not_end_a_file", test_in_a_file),
        trial("quit_loses_nothing", quit_in_a_file),
        trial("a_line_may_be_long", long_line),
        trial("a_byte_0_is_a_mistake", byte_0),
        trial("exist_allows_to_destroy_what_is_not_there", destroy_missing),
        trial("exist_in_a_line_counts_from_there_on", exist_in_a_line),
        trial("a_comment_is_one_line", one_line),
        trial("a_file_that_cannot_be_read_is_a_mistake", unreadable_file),
        trial("a_mistake_in_a_session_leaves_nothing_behind", session),
        trial("a_network_is_the_same_from_any_address", network),
        trial("a_mistake_is_told_once", told_once),
        trial(
            "an_address_with_its_whole_length_is_the_address",
            whole_length,
        ),
        trial("output_json_exists", output_json),
    ]
}

fn lines_before_a_mistake() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    let file = "create x hash:ip\nadd x 192.0.2.1\nadd x 192.0.2.2\nadd x wrong\nadd x 192.0.2.3\n";
    let expect = |program: PathBuf, members: &str| -> Result<(), Failed> {
        let failed = Tool::at(program).input(file).output(&["restore"])?;
        let said = String::from_utf8_lossy(&failed.stderr);
        assert!(said.contains("Error in line 4: "), "{said}");
        assert_eq!(failed.status.code(), Some(1));
        let saved = stock.run(&["save", "-sorted"])?;
        let (_, added) = saved.split_once('\n').unwrap_or_default();
        assert_eq!(added, members);
        stock.run(&["destroy"])?;
        Ok(())
    };
    expect(stock.path().to_owned(), "")?;
    expect(ours(), "add x 192.0.2.1\nadd x 192.0.2.2\n")
}

/// Restores `file` with our program and gives the status, what it says, and the members that the
/// stock tool finds.
fn restore(file: impl Into<Vec<u8>>) -> Result<(Option<i32>, String, String), Failed> {
    let stock = Tool::require("ipset")?;
    let output = Tool::at(ours()).input(file).output(&["restore"])?;
    let saved = stock.run(&["save", "-sorted"])?;
    let members = saved.lines().filter(|line| line.starts_with("add "));
    Ok((
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
        members.collect::<Vec<_>>().join("\n"),
    ))
}

fn names_its_line() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    for mistake in [
        "nothing",
        "-s",
        "add x",
        "add x 192.0.2.1 nothing",
        "add x 192.0.2.1 timeout",
        "create y bitmap:ip",
        "destroy x y",
        "test y 192.0.2.0/24",
        "list -f",
        "version",
        "add x 192.0.2.1 comment \"a",
        &"add x 192.0.2.1 ".repeat(12),
    ] {
        let file = format!("create x hash:ip\n\ncreate y bitmap:ip range 192.0.2.0/24\n{mistake}");
        let say = |program: PathBuf| -> Result<_, Failed> {
            let failed = Tool::at(program)
                .input(file.as_str())
                .output(&["restore"])?;
            stock.run(&["destroy"])?;
            Ok((failed.status.code(), String::from_utf8(failed.stderr)?))
        };
        let ((status, said), theirs) = (say(ours())?, say(stock.path().to_owned())?);
        assert!(!theirs.1.contains("line 4"), "{mistake}: {theirs:?}");
        let without = said.replacen("Error in line 4: ", "", 1);
        assert_ne!(said, without, "{mistake}");
        assert_eq!((status, without), theirs, "{mistake}");
    }
    Ok(())
}

fn test_in_a_file() -> Result<(), Failed> {
    let (status, said, members) =
        restore("create x hash:ip\nadd x 192.0.2.1\ntest x 192.0.2.1\nadd x 192.0.2.2\n")?;
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(said, "Warning: 192.0.2.1 is in set x.\n");
    assert_eq!(members, "add x 192.0.2.1\nadd x 192.0.2.2");
    Ok(())
}

fn quit_in_a_file() -> Result<(), Failed> {
    let (status, said, members) =
        restore("create x hash:ip\nadd x 192.0.2.1\nquit\nadd x 192.0.2.2\n")?;
    assert_eq!((status, said.as_str()), (Some(0), ""));
    assert_eq!(members, "add x 192.0.2.1");
    Ok(())
}

fn long_line() -> Result<(), Failed> {
    let file = format!(
        "create x hash:ip\n# {}\nadd x 192.0.2.1{}\n",
        "x".repeat(5000),
        " ".repeat(5000)
    );
    let (status, said, members) = restore(file)?;
    assert_eq!((status, said.as_str()), (Some(0), ""));
    assert_eq!(members, "add x 192.0.2.1");
    Ok(())
}

fn byte_0() -> Result<(), Failed> {
    let (status, said, members) = restore("create x hash:ip\nadd x 192.0.2.1\0 timeout 5\n")?;
    assert_eq!(status, Some(1));
    assert!(said.contains("Error in line 2: "), "{said}");
    assert_eq!(members, "");
    Ok(())
}

fn destroy_missing() -> Result<(), Failed> {
    Tool::at(ours()).run(&["-exist", "destroy", "missing"])?;
    let refused = Tool::at(ours()).output(&["destroy", "missing"])?;
    assert_eq!(refused.status.code(), Some(1));
    Ok(())
}

fn exist_in_a_line() -> Result<(), Failed> {
    let lines = "create x hash:ip\nadd x 192.0.2.1\nadd x 192.0.2.1 -exist\nadd x 192.0.2.2\n";
    let (status, said, members) = restore(lines)?;
    assert_eq!((status, said.as_str()), (Some(0), ""));
    assert_eq!(members, "add x 192.0.2.1\nadd x 192.0.2.2");
    Ok(())
}

fn one_line() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    stock.run(&["create", "x", "hash:ip", "comment"])?;
    let refused = Tool::at(ours()).output(&["add", "x", "192.0.2.1", "comment", "a\nb"])?;
    assert_eq!(refused.status.code(), Some(1));
    Ok(())
}

fn unreadable_file() -> Result<(), Failed> {
    for (name, reason) in [
        ("/nosuchdirectory/file", "/nosuchdirectory/file"),
        ("/", "directory"),
        ("/proc/self/mem", "Error in line 1: Cannot read: "),
    ] {
        let refused = Tool::at(ours()).output(&["restore", "-f", name])?;
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{said}");
        assert!(said.contains(reason), "{said}");
    }
    Ok(())
}

fn session() -> Result<(), Failed> {
    let typed = "save missing\ncreate x hash:ip\nadd x 192.0.2.1 timeout 5\nadd x 192.0.2.2\n";
    let said = Tool::at(ours()).input(typed).output(&["-"])?;
    let lines = String::from_utf8_lossy(&said.stderr).lines().count();
    assert_eq!(lines, 2, "{said:?}");
    let saved = Tool::require("ipset")?.run(&["save"])?;
    assert!(saved.ends_with("\nadd x 192.0.2.2\n"), "{saved}");
    Ok(())
}

fn network() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    stock.run(&["create", "x", "hash:ip"])?;
    stock.run(&["add", "x", "0.0.0.1/30"])?;
    stock.run(&["flush", "x"])?;
    for network in ["0.0.0.1/30", "0.0.0.0/30"] {
        let refused = Tool::at(ours()).output(&["add", "x", network])?;
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("Null-valued element"), "{said}");
    }
    stock.run(&["create", "b", "bitmap:ip", "range", "10.0.0.0/24"])?;
    for entry in ["x 0.0.0.1/0", "x 10.0.0.1/0", "b 10.0.0.1/0", "b 0.0.0.1/0"] {
        let (set, network) = entry.split_once(' ').unwrap_or_default();
        for command in ["add", "del"] {
            let refused = Tool::at(ours()).output(&[command, set, network])?;
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(said.contains("value of the CIDR parameter"), "{said}");
            let theirs = stock.output(&[command, set, network])?;
            assert_eq!(refused.status.code(), theirs.status.code(), "{entry}");
        }
    }
    Ok(())
}

fn told_once() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    stock.run(&["create", "x", "hash:ip,port"])?;
    stock.run(&["create", "y", "hash:ip,port,net", "family", "inet6"])?;
    for (set, entry, family) in [
        ("x", "192.0.2.1,icmpv6:128/0", "inet6"),
        ("x", "192.0.2.1,58:0", "inet6"),
        ("y", "2001:db8::1,icmp:8/0,2001:db8::/64", "inet"),
    ] {
        let protocol = if family == "inet" { "ICMP" } else { "ICMPv6" };
        let mistake = format!(
            "ipset v7.17: Syntax error: Protocol {protocol} can be used with family {family} only\n"
        );
        for command in ["add", "del", "test"] {
            let refused = Tool::at(ours()).output(&[command, set, entry])?;
            assert_eq!(String::from_utf8_lossy(&refused.stderr), mistake);
            let theirs = stock.output(&[command, set, entry])?;
            assert_ne!(String::from_utf8_lossy(&theirs.stderr), mistake);
            assert_eq!(refused.status.code(), theirs.status.code(), "{entry}");
        }
    }
    Ok(())
}

fn whole_length() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    stock.run(&["create", "x", "hash:ip,port,ip"])?;
    let entry = "192.0.2.1,80,192.0.2.2/32";
    let theirs = stock.output(&["add", "x", entry])?;
    assert!(String::from_utf8_lossy(&theirs.stderr).contains("bug"));
    Tool::at(ours()).run(&["add", "x", entry])?;
    let saved = stock.run(&["save", "x"])?;
    assert!(
        saved.ends_with("\nadd x 192.0.2.1,tcp:80,192.0.2.2\n"),
        "{saved}"
    );
    let present = Tool::at(ours()).output(&["test", "x", entry])?;
    assert!(present.status.success(), "{present:?}");
    Tool::at(ours()).run(&["del", "x", entry])?;
    assert!(!stock.run(&["save", "x"])?.contains("add "));
    Ok(())
}

fn output_json() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    let refused = stock.output(&["-o", "json", "list"])?;
    assert!(!refused.status.success());
    let create =
        "create x hash:ip timeout 0 comment\nadd x 192.0.2.1 comment \"of \\ and \u{e9}\"\n";
    stock.input(create).run(&["restore"])?;
    let listed = Tool::at(ours()).run(&["-o", "json", "list"])?;
    let listed: serde_json::Value = serde_json::from_str(&listed)?;
    let text = listed.to_string();
    for word in ["\"x\"", "hash:ip", "192.0.2.1", "of \\\\ and \u{e9}"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    // JSON is UTF-8, whatever names and comments are.
    let odd = b"create m\xff list:set\nadd m\xff x\ncreate n\xe9 hash:net,iface comment\nadd n\xe9 10.0.0.0/8,e\xff comment \"caf\xe9\"\n";
    stock.input(odd).run(&["restore"])?;
    let listed = Tool::at(ours()).output(&["-o", "json", "list"])?;
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout)?;
    let text = listed.to_string();
    for word in ["\"m\u{fffd}\"", "10.0.0.0/8,e\u{fffd}", "caf\u{fffd}"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    Ok(())
}
