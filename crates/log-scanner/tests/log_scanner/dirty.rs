//! Logs that are not what they should be: every line is accounted for, and what cannot be read is
//! said.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write};
use std::process::{Child, ChildStdin, Stdio};

use netns_testbed::Failed;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};

use crate::support::{
    Ran, START, Scanner, Sets, V4, blocked, compressed, line, packet, violations,
};

crate::trials!(
    a_line_of_a_gigabyte,
    nul_bytes,
    line_ends_of_dos,
    what_is_not_utf_8,
    lines_cut_at_every_byte,
    two_lines_joined,
    an_empty_log_of_any_kind,
    a_fifo,
    a_directory,
    a_log_that_is_replaced_while_it_is_read,
    a_log_that_is_emptied_while_it_is_read,
    a_log_that_grows_while_it_is_read,
    damaged_gzip,
);

/// As `RULE`, whatever the number of hits.
const RULE: &str = "--rule blocked --type tcp --howmany 1 --within 10s --ipset blacklist --removeafter 1h --dryrun";

fn scanner(log: impl AsRef<[u8]>) -> Scanner {
    Scanner::new(log).with(RULE).with("--log fw.log").at(60)
}

fn hit(second: i64) -> String {
    line(START + second, &packet("BLOCKED", V4, "TCP"))
}

/// Lines, events, unparsed and rejected of the first log.
fn counts(report: &Value) -> [u64; 4] {
    ["lines", "events", "unparsed", "rejected"]
        .map(|count| report["logs"][0][count].as_u64().expect("a number"))
}

fn hits(report: &Value) -> u64 {
    violations(report)
        .iter()
        .map(|violation| violation["hits"].as_u64().expect("a number"))
        .sum()
}

fn spawn(scanner: &Scanner) -> Result<(Child, ChildStdin), Failed> {
    let mut child = scanner
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take().ok_or("no standard input")?;
    Ok((child, stdin))
}

/// Its peak of memory, while it has not ended.
fn peak_kilobytes(child: &Child) -> Result<u64, Failed> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = peak.and_then(|peak| peak.split_whitespace().next());
    Ok(number.ok_or("no VmHWM")?.parse()?)
}

fn a_line_of_a_gigabyte() -> Result<(), Failed> {
    let scanner = Scanner::new("").with(RULE).with("--log - --json").at(60);
    let (child, mut stdin) = spawn(&scanner)?;
    stdin.write_all(hit(0).as_bytes())?;
    let block = vec![b'x'; 1 << 20];
    for _ in 0..1024 {
        stdin.write_all(&block)?;
    }
    let peak = peak_kilobytes(&child)?;
    stdin.write_all(b"\n")?;
    stdin.write_all(hit(1).as_bytes())?;
    drop(stdin);
    let ran = Ran::new(&child.wait_with_output()?);
    ran.done(0)
        .complains("[WARNING] not counted: 1 line longer than any the kernel writes");
    let report: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(counts(&report), [3, 2, 0, 0]);
    assert_eq!(report["logs"][0]["bytes"], (1 << 30) + 1 + 2 * hit(0).len());
    assert_eq!(hits(&report), 2);
    assert!(peak < 64 * 1024, "{peak} kB");

    // The same as the last line, which has no end.
    let (child, mut stdin) = spawn(&scanner)?;
    stdin.write_all(hit(0).as_bytes())?;
    for _ in 0..4 {
        stdin.write_all(&block)?;
    }
    drop(stdin);
    let ran = Ran::new(&child.wait_with_output()?);
    let report: Value = serde_json::from_str(&ran.done(0).stdout)?;
    assert_eq!(counts(&report), [2, 1, 0, 0]);
    Ok(())
}

/// A log that is truncated in place while its writer keeps its place begins with a hole.
fn nul_bytes() -> Result<(), Failed> {
    let hole = |bytes: usize| vec![0_u8; bytes];
    // In a line of its own nothing is lost.
    let log = [hit(0).as_bytes(), &hole(5000), b"\n", hit(1).as_bytes()].concat();
    let report = scanner(log).json(0);
    assert_eq!(counts(&report), [3, 2, 0, 0]);
    assert_eq!(hits(&report), 2);
    // Before a line it takes nothing of that line away.
    for bytes in [1, 100, 5000, 100_000] {
        let log = [&hole(bytes), hit(0).as_bytes(), hit(1).as_bytes()].concat();
        let report = scanner(&log).json(0);
        assert_eq!(counts(&report), [2, 2, 0, 0], "{bytes}");
        assert_eq!(hits(&report), 2, "{bytes}");
        let ran = scanner(&log).with("--no-rotated").run();
        assert!(!ran.stdout.contains("not counted"), "{}", ran.stdout);
        let log = [hit(0).as_bytes(), &hole(bytes), hit(1).as_bytes()].concat();
        assert_eq!(counts(&scanner(&log).json(0)), [2, 2, 0, 0], "{bytes}");
    }
    // Sparse, as the kernel leaves it.
    let scanner = scanner("");
    let file = File::options().write(true).open(scanner.path("fw.log"))?;
    file.set_len(50_000_000)?;
    drop(file);
    let mut file = File::options().append(true).open(scanner.path("fw.log"))?;
    write!(file, "{}\n{}", hit(0), hit(1))?;
    let report = scanner.json(0);
    assert_eq!(counts(&report), [3, 2, 0, 0]);
    assert_eq!(hits(&report), 2);
    Ok(())
}

fn line_ends_of_dos() -> Result<(), Failed> {
    let log = blocked(&[V4], 0..5).replace('\n', "\r\n") + "\r\n\r\n";
    let report = scanner(&log).json(0);
    assert_eq!(counts(&report), [7, 5, 0, 0]);
    assert_eq!(report["logs"][0]["bytes"], log.len());
    assert_eq!(hits(&report), 5);
    Ok(())
}

fn what_is_not_utf_8() -> Result<(), Failed> {
    let mut log = hit(0).into_bytes();
    log.extend(b"\xff\xfe\xfd\n");
    log.extend(
        b"2026-11-22T08:00:01Z fw kernel: [ 1.0] IPTABLES-BLOCKED: IN=\xff OUT= SRC=\xff\xff \n",
    );
    log.extend(
        b"2026-11-22T08:00:01Z fw \xc3\x28: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=192.0.2.1 \n",
    );
    log.extend(hit(1).into_bytes());
    let report = scanner(&log).json(0);
    let [lines, events, unparsed, rejected] = counts(&report);
    assert_eq!((lines, events), (5, 2));
    assert_eq!(unparsed + rejected, 2, "{report}");
    assert_eq!(hits(&report), 2);
    let events = Scanner::new(&log).with("events --json --log fw.log").run();
    assert_eq!(events.done(0).stdout.lines().count(), 5);
    Ok(())
}

/// A line that is cut is not taken for another one.
fn lines_cut_at_every_byte() -> Result<(), Failed> {
    let whole = hit(0);
    let text = whole.trim_end_matches('\n');
    let log: String = (0..text.len())
        .map(|end| text.get(..end).unwrap_or_default().to_owned() + "\n")
        .collect();
    let report = scanner(&log).json(0);
    let [lines, events, unparsed, rejected] = counts(&report);
    assert_eq!(lines, u64::try_from(text.len())?);
    assert!(events + unparsed + rejected <= lines);
    assert!(events < 10, "{events} of the pieces count as whole");
    assert_eq!(hits(&report), events);
    for violation in violations(&report) {
        assert_eq!(violation["source"], V4);
    }
    // The last one, while it is being written.
    for end in 0..text.len() - 1 {
        let log = hit(0) + text.get(..end).unwrap_or_default();
        if end % 16 == 0 {
            let report = scanner(&log).json(0);
            assert_eq!(violations(&report).len(), 1, "{end}");
            assert_eq!(violations(&report)[0]["source"], V4);
        }
    }
    Ok(())
}

fn two_lines_joined() -> Result<(), Failed> {
    let joined = |length: usize| {
        let first = hit(0);
        let second = line(START, &packet("BLOCKED", "198.51.100.9", "TCP"));
        first.get(..length).unwrap_or_default().to_owned() + &second
    };
    let whole = hit(0).trim_end().len();
    for length in [whole, whole - 20, whole / 2, 60, 30] {
        let report = scanner(joined(length)).json(0);
        let [lines, events, unparsed, rejected] = counts(&report);
        assert_eq!(lines, 1, "{length}");
        assert_eq!(events + unparsed + rejected, 1, "{length}: {report}");
        // Cut within the prefix it is an event of another prefix.
        assert_eq!(hits(&report), 0, "{length}");
    }
    Ok(())
}

fn an_empty_log_of_any_kind() -> Result<(), Failed> {
    let empty = || {
        scanner("")
            .write("empty.gz", compressed(""))
            .write("nothing.gz", "")
    };
    let report = empty()
        .with("--log empty.gz --log - --log /dev/null")
        .json(0);
    let paths = ["fw.log", "empty.gz", "-", "/dev/null"];
    for (log, path) in paths.into_iter().enumerate() {
        let expected = json!({
            "path": path, "bytes": 0, "lines": 0, "events": 0, "unparsed": 0, "rejected": 0,
        });
        assert_eq!(report["logs"][log], expected);
    }
    // As gzip says of a file without even a header.
    let ran = empty().with("--log nothing.gz").run();
    ran.done(2)
        .complains("cannot read log \"nothing.gz\" after line 0: unexpected end of file");
    Ok(())
}

fn a_fifo() -> Result<(), Failed> {
    let scanner = Scanner::new("").with(RULE).with("--log pipe --json").at(60);
    mkfifo(&scanner.path("pipe"), Mode::S_IRWXU)?;
    let (child, _stdin) = spawn(&scanner)?;
    // Opens when the scanner does.
    let mut pipe = OpenOptions::new().write(true).open(scanner.path("pipe"))?;
    let log = blocked(&[V4], 0..5);
    let (first, rest) = log.split_at(777);
    pipe.write_all(first.as_bytes())?;
    pipe.write_all(rest.as_bytes())?;
    drop(pipe);
    let ran = Ran::new(&child.wait_with_output()?);
    let report: Value = serde_json::from_str(&ran.done(0).stdout)?;
    assert_eq!(counts(&report), [5, 5, 0, 0]);
    assert_eq!(hits(&report), 5);
    assert!(!ran.stderr.contains("was cut"), "{}", ran.stderr);
    Ok(())
}

fn a_directory() -> Result<(), Failed> {
    for name in [".", "directory.gz"] {
        let scanner = Scanner::new("").with(RULE).with("--log").with(name);
        fs::create_dir(scanner.path("directory.gz"))?;
        let ran = scanner.run();
        ran.done(2).complains(&format!(
            "[ERROR] cannot open log \"{name}\": is a directory"
        ));
        assert_eq!(ran.stdout, "");
    }
    Ok(())
}

/// The scanner with a pipe to be read before `fw.log`, so that it has opened the log and not read
/// it yet.
fn while_it_waits(
    log: &str,
    change: impl FnOnce(&Scanner) -> Result<(), Failed>,
) -> Result<(Ran, Value), Failed> {
    let scanner = Scanner::new(log)
        .with(RULE)
        .with("--log first --log fw.log --json")
        .at(60);
    mkfifo(&scanner.path("first"), Mode::S_IRWXU)?;
    let (child, _stdin) = spawn(&scanner)?;
    let mut first = OpenOptions::new().write(true).open(scanner.path("first"))?;
    // More than a pipe holds: once it is written the scanner reads, and has opened both.
    first.write_all(&b"other\n".repeat(50_000))?;
    change(&scanner)?;
    drop(first);
    let ran = Ran::new(&child.wait_with_output()?);
    let report: Value = serde_json::from_str(&ran.done(0).stdout)?;
    assert_eq!(report["logs"][0]["lines"], 50_000);
    Ok((ran, report["logs"][1].clone()))
}

/// As logrotate does without copytruncate: what was opened is read to its end.
fn a_log_that_is_replaced_while_it_is_read() -> Result<(), Failed> {
    let (ran, log) = while_it_waits(&blocked(&[V4], 0..5), |scanner| {
        fs::rename(scanner.path("fw.log"), scanner.path("fw.log.1"))?;
        fs::write(scanner.path("fw.log"), blocked(&["198.51.100.9"], 0..9))?;
        Ok(())
    })?;
    assert_eq!(log["lines"], 5);
    assert_eq!(log["events"], 5);
    assert!(!ran.stderr.contains("was cut"), "{}", ran.stderr);
    let (ran, log) = while_it_waits(&blocked(&[V4], 0..5), |scanner| {
        Ok(fs::remove_file(scanner.path("fw.log"))?)
    })?;
    assert_eq!(log["lines"], 5);
    assert!(!ran.stderr.contains("was cut"), "{}", ran.stderr);
    Ok(())
}

fn a_log_that_is_emptied_while_it_is_read() -> Result<(), Failed> {
    let (ran, log) = while_it_waits(&blocked(&[V4], 0..5), |scanner| {
        File::create(scanner.path("fw.log"))?;
        Ok(())
    })?;
    assert_eq!(log["lines"], 0);
    ran.complains(
        "[WARNING] log \"fw.log\" was cut while it was read: what it held after line 0 was not seen",
    );
    Ok(())
}

fn a_log_that_grows_while_it_is_read() -> Result<(), Failed> {
    let (ran, log) = while_it_waits(&blocked(&[V4], 0..5), |scanner| {
        let mut file = File::options().append(true).open(scanner.path("fw.log"))?;
        Ok(file.write_all(blocked(&[V4], 5..8).as_bytes())?)
    })?;
    assert_eq!(log["lines"], 8);
    assert!(!ran.stderr.contains("was cut"), "{}", ran.stderr);
    Ok(())
}

/// Half a log would let go whom the other half convicts.
fn damaged_gzip() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let log = blocked(&[V4], 0..2000);
    let whole = compressed(&log);
    let with = |place: usize, byte: u8| {
        let mut damaged = whole.clone();
        damaged[place] ^= byte;
        damaged
    };
    let mut trailing = whole.clone();
    trailing.extend(b"rubbish that is no gzip member");
    for (what, damaged) in [
        ("its magic", with(0, 0xff)),
        ("its data", with(whole.len() / 2, 0xff)),
        ("its checksum", with(whole.len() - 8, 0xff)),
        ("its length", with(whole.len() - 1, 0x01)),
        (
            "its end",
            whole.get(..whole.len() - 1).unwrap_or_default().to_vec(),
        ),
        ("what follows", trailing),
    ] {
        let ran = Scanner::new("")
            .write("fw.gz", damaged)
            .with(&RULE.replace(" --dryrun", ""))
            .with("--log fw.gz")
            .at(60)
            .run();
        assert_eq!(ran.status, Some(2), "{what}: {ran:?}");
        ran.complains("[ERROR] cannot read log \"fw.gz\" after line ")
            .complains("nothing was changed");
        assert_eq!(ran.stdout, "", "{what}");
    }
    assert!(sets.names("blacklist")?.is_empty());
    let mut text = String::new();
    flate2::read::GzDecoder::new(whole.as_slice()).read_to_string(&mut text)?;
    assert_eq!(text, log, "undamaged, it can be read");
    Ok(())
}
