//! Arguments, standard input and output, exit status.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use netns_testbed::Failed;

use crate::support::{Ran, Scanner, Sets, V4, V6, blocked, compressed, outcomes};

crate::trials!(
    help_and_version,
    wrong_usage,
    standard_input,
    a_compressed_log,
    a_reader_that_goes_away,
    a_full_disk,
    warnings_beside_json,
    a_forged_name_of_a_log,
    an_empty_log,
);

fn help_and_version() -> Result<(), Failed> {
    for (arguments, text) in [
        ("--help", "--removeafter <DURATION>"),
        ("events --help", "--as-of <TIME>"),
        ("--version", env!("CARGO_PKG_VERSION")),
    ] {
        let ran = Scanner::new("").with(arguments).run();
        ran.done(0).says(text);
        assert_eq!(ran.stderr, "");
    }
    Ok(())
}

fn wrong_usage() -> Result<(), Failed> {
    for (arguments, why) in [
        ("", "required arguments were not provided"),
        ("--rule blocked", "--howmany <N>"),
        ("--nonsense", "unexpected argument"),
        ("events --rule blocked", "unexpected argument"),
        ("events --as-of log-end", "not a time with a zone"),
    ] {
        let ran = Scanner::new("").with(arguments).run();
        ran.done(2).complains(why);
        assert_eq!(ran.stdout, "");
    }
    let refused = |removeafter: &str, ipset: &str| {
        let rule = format!(
            "--rule blocked --type tcp --howmany 5 --within 10s --ipset {ipset} --removeafter {removeafter} \
             --dryrun --log fw.log"
        );
        Scanner::new("").with(&rule).run()
    };
    refused("2147483s", "1234567890123456789012345678").done(0);
    refused("2147484s", "blacklist")
        .done(2)
        .complains("2147483 s");
    refused("0s", "blacklist").done(2);
    refused("1h", "12345678901234567890123456789")
        .done(2)
        .complains("28 leave room");
    Ok(())
}

fn standard_input() -> Result<(), Failed> {
    let scanner = Scanner::new(blocked(&[V4], [0, 1, 2]))
        .rule()
        .with("--log - --dryrun")
        .at(60);
    let mut child = scanner
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    stdin.write_all(blocked(&[V4], [3, 4]).as_bytes())?;
    drop(stdin);
    Ran::new(&child.wait_with_output()?)
        .done(0)
        .says("  -: ")
        .says("[VIOLATION] 203.0.113.7: 5 hits");
    Ok(())
}

fn a_compressed_log() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    // Two members in one file, as `cat a.gz b.gz` makes it.
    let mut gz = compressed(&blocked(&[V4], [0, 1]));
    gz.extend(compressed(&blocked(&[V4], [2])));
    let report = Scanner::new(blocked(&[V4], [3, 4]))
        .write("fw.log.1.gz", gz)
        .with("--log fw.log.1.gz")
        .rule();
    let report = report.at(60).json(0);
    assert_eq!(outcomes(&report), [(V4.to_owned(), "added".to_owned())]);
    assert_eq!(report["logs"][0]["lines"], 3);
    Ok(())
}

fn a_reader_that_goes_away() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let scanner = Scanner::new(blocked(&[V4, V6], 0..2000)).rule().at(2000);
    for more in ["", "--json"] {
        let mut command = scanner.command();
        let child = command
            .args(more.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = child.spawn()?;
        drop(child.stdout.take());
        Ran::new(&child.wait_with_output()?).done(0);
    }
    assert_eq!(
        sets.names("blacklist")?,
        [V4],
        "the sets are filled all the same"
    );

    let events = Scanner::new(blocked(&[V4], 0..2000)).with("events --json --log fw.log");
    let mut child = events
        .command()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdout = child.stdout.take().ok_or("no standard output")?;
    stdout.read_exact(&mut [0; 100])?;
    drop(stdout);
    let ran = Ran::new(&child.wait_with_output()?);
    ran.done(0);
    assert_eq!(ran.stderr, "");
    Ok(())
}

fn a_full_disk() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let full = File::options().write(true).open("/dev/full")?;
    let scanner = Scanner::new(blocked(&[V4], 0..5)).rule().at(60);
    let output = scanner
        .command()
        .stdout(full)
        .stderr(Stdio::piped())
        .output()?;
    Ran::new(&output)
        .done(1)
        .complains("[ERROR] cannot write the report: No space left");
    assert_eq!(sets.names("blacklist")?, [V4]);
    Ok(())
}

fn warnings_beside_json() -> Result<(), Failed> {
    let log = blocked(&[V4], 0..5) + "fw sshd: IPTABLES-BLOCKED: IN= OUT=\n";
    let ran = Scanner::new(log)
        .rule()
        .with("--dryrun --json")
        .at(60)
        .run();
    ran.done(0)
        .complains(
            "[WARNING] not counted: 1 line with a firewall's text that the kernel did not write",
        )
        .complains("[WARNING] cannot add to set \"blacklist\": it does not exist");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(report["logs"][0]["rejected"], 1);
    assert_eq!(report["dry_run"], true);
    Ok(())
}

fn a_forged_name_of_a_log() -> Result<(), Failed> {
    let scanner = Scanner::new("")
        .write("\u{1b}[2Jx", "")
        .rule()
        .with("--dryrun --log \u{1b}[2Jx");
    let ran = scanner.run();
    ran.done(0).says("\\u{1b}[2Jx: 0 bytes, 0 lines");
    assert!(!ran.stdout.contains('\u{1b}'));
    let gone = Scanner::new("").rule().with("--log \u{1b}[2Jx").run();
    gone.done(2).complains("\\u{1b}[2Jx");
    assert!(!gone.stderr.contains('\u{1b}'));
    Ok(())
}

fn an_empty_log() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    Scanner::new("")
        .rule()
        .run()
        .done(0)
        .says("Lines scanned:            0\n")
        .says("  nothing to do\n");
    let report = Scanner::new("").rule().with("--as-of log-end").json(0);
    assert_eq!(report["rules"][0]["violations"], serde_json::json!([]));
    Ok(())
}
