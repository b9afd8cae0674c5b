//! Compressed logs, told by what they hold.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use netns_testbed::{Failed, Tool};
use serde_json::Value;

use crate::support::{RULE, Ran, Scanner, V4, blocked, compressed, violations};

crate::trials!(
    gzip_whatever_its_name,
    gzip_from_a_pipe,
    a_damaged_one_of_any_name,
    others_are_refused_with_the_command,
    what_the_command_writes_is_read,
);

fn hits(report: &Value) -> &Value {
    &violations(report)[0]["hits"]
}

fn scanner() -> Scanner {
    Scanner::new("").with(RULE).with("--dryrun").at(60)
}

fn gzip_whatever_its_name() -> Result<(), Failed> {
    let mut members = compressed(&blocked(&[V4], 0..3));
    members.extend(compressed(&blocked(&[V4], 3..5)));
    for name in ["fw.log.gz", "fw.log.gz.1", "old", "fw.log.xz"] {
        let report = scanner().write(name, &members).with("--log").with(name);
        assert_eq!(hits(&report.json(0)), 5, "{name}");
    }
    Ok(())
}

fn gzip_from_a_pipe() -> Result<(), Failed> {
    for bytes in [1, 5, 1_000_000] {
        let log = compressed(&blocked(&[V4], 0..5));
        let scanner = scanner().with("--log - --json");
        let mut child = scanner.command();
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.stderr(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().ok_or("no standard input")?;
        for part in log.chunks(bytes) {
            stdin.write_all(part)?;
        }
        drop(stdin);
        let ran = Ran::new(&child.wait_with_output()?);
        let report: Value = serde_json::from_str(&ran.done(0).stdout)?;
        assert_eq!(hits(&report), 5, "{bytes}");
    }
    Ok(())
}

fn a_damaged_one_of_any_name() -> Result<(), Failed> {
    let mut half = compressed(&blocked(&[V4], 0..500));
    half.truncate(half.len() - 20);
    for name in ["half.gz.1", "half"] {
        let ran = scanner().write(name, &half).with("--log").with(name).run();
        ran.done(2)
            .complains(&format!("[ERROR] cannot read log \"{name}\" after line "));
        assert_eq!(ran.stdout, "");
    }
    Ok(())
}

/// What each begins with, written by the tools themselves where there are any.
const OTHERS: [(&str, &[&str], &[u8], &str); 8] = [
    (
        "xz",
        &["xz", "-c"],
        b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46",
        "xzcat",
    ),
    (
        "zstd",
        &["zstd", "-qc"],
        b"\x28\xb5\x2f\xfd\x04\x58",
        "zstdcat",
    ),
    ("bzip2", &["bzip2", "-c"], b"BZh91AY&SY\x12\x34", "bzcat"),
    (
        "lz4",
        &["lz4", "-qc"],
        b"\x04\x22\x4d\x18\x64\x40",
        "lz4 -dc",
    ),
    (
        "lzma",
        &["xz", "--format=lzma", "-c"],
        b"\x5d\0\0\x80\0\xff\xff",
        "xzcat",
    ),
    ("compress", &["compress", "-c"], b"\x1f\x9d\x90\x68", "zcat"),
    (
        "zip",
        &["zip", "-q", "-", "-"],
        b"PK\x03\x04\x14\0",
        "unzip -p",
    ),
    (
        "journald",
        &[],
        b"LPKSHHRH\0\0\0\0",
        "journalctl -k -o short-iso --file",
    ),
];

fn others_are_refused_with_the_command() -> Result<(), Failed> {
    let log = blocked(&[V4], 0..50);
    for (name, tool, begin, command) in OTHERS {
        let mut all = vec![begin.to_vec()];
        all.extend(piped(tool, log.as_bytes())?.filter(|bytes| !bytes.is_empty()));
        for bytes in all {
            let scanner = scanner().write("fw.log", &bytes).with("--log fw.log");
            scanner
                .run()
                .done(2)
                .complains(&format!(
                    "[ERROR] log \"fw.log\" is compressed ({name}) and not read as text; read it as {command} fw.log | log-scanner --log -\n"
                ))
                .complains("nothing was changed");
            let events = Scanner::new(&bytes).with("events --log fw.log").run();
            events.done(2).complains(command);
        }
    }
    // Words that begin like that.
    let words = "BZh9 is not a log of bzip2\nPKZIP\n7zip\n".to_owned() + &log;
    let report = scanner().write("fw.log", words).with("--log fw.log");
    assert_eq!(hits(&report.json(0)), 50);
    Ok(())
}

fn what_the_command_writes_is_read() -> Result<(), Failed> {
    let Some(xz) = Tool::find("xz") else {
        return Err(netns_testbed::skip("xz is missing"));
    };
    let xz = xz.path().to_str().ok_or("not UTF-8")?;
    let scanner = scanner().with("--log fw.xz");
    let bytes = piped(&[xz, "-c"], blocked(&[V4], 0..5).as_bytes())?;
    let scanner = scanner.write("fw.xz", bytes.ok_or("no xz")?);
    scanner
        .run()
        .done(2)
        .complains("xzcat fw.xz | log-scanner --log -");
    let text = Command::new(xz)
        .args(["-dc", "fw.xz"])
        .current_dir(scanner.path(""))
        .stdout(Stdio::piped())
        .spawn()?;
    let mut command = Command::new(crate::support::PROGRAM);
    let command = command
        .args(RULE.split(' '))
        .args(["--dryrun", "--log", "-"]);
    let output = command.stdin(text.stdout.ok_or("no output")?).output()?;
    Ran::new(&output).done(0).says("203.0.113.7: 5 hits");
    Ok(())
}

/// What a program makes of this, if it is there.
fn piped(words: &[&str], input: &[u8]) -> Result<Option<Vec<u8>>, Failed> {
    let Some((program, arguments)) = words.split_first() else {
        return Ok(None);
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        return Ok(None);
    };
    child.stdin.take().ok_or("no input")?.write_all(input)?;
    let mut bytes = Vec::new();
    child
        .stdout
        .take()
        .ok_or("no output")?
        .read_to_end(&mut bytes)?;
    child.wait()?;
    Ok(Some(bytes))
}
