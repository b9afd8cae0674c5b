//! A log and what it was before its last rotation.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

use netns_testbed::Failed;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

use crate::support::{RULE, Scanner, Sets, V4, blocked, compressed, outcomes, violations};

crate::trials!(
    both_are_one_stream,
    unless_it_is_no_file_of_its_own,
    one_that_cannot_be_read,
    a_copy_counts_once,
    a_log_that_has_just_begun,
    rotations_lose_and_double_nothing,
    a_log_that_begins_too_late,
    a_log_that_was_never_rotated_says_nothing,
    the_log_of_a_host_that_is_quiet,
);

fn scanner(log: &str, before: impl AsRef<[u8]>) -> Scanner {
    let scanner = Scanner::new(log).write("fw.log.1", before);
    scanner.with(RULE).with("--dryrun").at(60)
}

fn paths(report: &Value) -> Vec<&str> {
    let logs = report["logs"].as_array().expect("a list");
    logs.iter().filter_map(|log| log["path"].as_str()).collect()
}

fn both_are_one_stream() -> Result<(), Failed> {
    let (before, now) = (blocked(&[V4], 0..3), blocked(&[V4], 3..5));
    for before in [before.clone().into_bytes(), compressed(&before)] {
        let scan = || scanner(&now, &before).with("--log fw.log");
        let report = scan().json(0);
        assert_eq!(paths(&report), ["fw.log.1", "fw.log"]);
        assert_eq!(violations(&report)[0]["hits"], 5);
        scan().run().done(0).says("  fw.log.1: ").says("  fw.log: ");
        let report = scan().with("--no-rotated").json(0);
        assert_eq!(paths(&report), ["fw.log"]);
        assert!(violations(&report).is_empty());
    }
    // In the order in which they are read.
    let events = Scanner::new(&now).write("fw.log.1", &before);
    let ran = events.with("events --json --log fw.log").run();
    let first: Value = serde_json::from_str(ran.done(0).stdout.lines().next().ok_or("no line")?)?;
    assert_eq!(ran.stdout.lines().count(), 5);
    assert_eq!(first["time"], crate::support::START_TIME);
    Ok(())
}

fn unless_it_is_no_file_of_its_own() -> Result<(), Failed> {
    let now = blocked(&[V4], 0..5);
    let hits = |scanner: Scanner| {
        let report = scanner.json(0);
        let paths: Vec<_> = paths(&report).into_iter().map(str::to_owned).collect();
        (violations(&report)[0]["hits"].clone(), paths)
    };
    // Named itself, in any order.
    for logs in ["--log fw.log.1 --log fw.log", "--log fw.log --log fw.log.1"] {
        let (hits, paths) = hits(scanner(&now, blocked(&[V4], 5..7)).with(logs));
        assert_eq!((hits, paths.len()), (7.into(), 2), "{logs}");
    }
    // The same file, under its own name and others.
    let linked = || {
        let scanner = Scanner::new(&now).with(RULE).with("--dryrun").at(60);
        scanner.with("--log fw.log")
    };
    let scanner = linked();
    symlink("fw.log", scanner.path("fw.log.1"))?;
    assert_eq!(hits(scanner), (5.into(), vec!["fw.log".to_owned()]));
    let scanner = linked();
    fs::hard_link(scanner.path("fw.log"), scanner.path("fw.log.1"))?;
    assert_eq!(hits(scanner), (5.into(), vec!["fw.log".to_owned()]));
    // Nobody writes into the pipe.
    let scanner = linked();
    mkfifo(&scanner.path("fw.log.1"), Mode::S_IRWXU)?;
    assert_eq!(hits(scanner), (5.into(), vec!["fw.log".to_owned()]));
    let scanner = linked();
    fs::create_dir(scanner.path("fw.log.1"))?;
    assert_eq!(hits(scanner).1, ["fw.log"]);
    // Beside what is no file there is none.
    let scanner = linked().with("--log /dev/null").write("-.1", &now);
    let report = scanner.with("--log -").json(0);
    assert_eq!(paths(&report), ["fw.log", "/dev/null", "-"]);
    Ok(())
}

fn one_that_cannot_be_read() -> Result<(), Failed> {
    let mut half = compressed(&blocked(&[V4], 0..500));
    half.truncate(half.len() - 20);
    for (before, why) in [
        (half.as_slice(), "cannot read log \"fw.log.1\" after line "),
        (b"\xfd7zXZ\0\0\x04", "log \"fw.log.1\" is compressed (xz)"),
    ] {
        let scanner = scanner(&blocked(&[V4], 0..5), before).with("--log fw.log");
        scanner
            .run()
            .done(2)
            .complains(why)
            .complains("nothing was changed");
        scanner.with("--no-rotated").run().done(0);
    }
    Ok(())
}

/// As logrotate's copytruncate leaves it until it has truncated.
fn a_copy_counts_once() -> Result<(), Failed> {
    let log = blocked(&[V4], 0..5);
    for length in [log.len(), log.len() - 100, 100] {
        let copy = log.get(..length).unwrap_or_default();
        let report = scanner(&log, copy).with("--log fw.log").json(0);
        assert_eq!(violations(&report)[0]["hits"], 5, "{length}");
        assert_eq!(paths(&report), ["fw.log"]);
    }
    Ok(())
}

const EACH: usize = 10;

/// A source of its own for each generation of the log.
fn generation(number: usize) -> String {
    let source = format!("198.18.{}.{}", number / 256 % 256, number % 256);
    blocked(&[&source], 0..10)
}

/// Ends the other thread, also when this one fails.
struct Finally<'a>(&'a AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Its first line is under way, and begins as that of the log before did.
fn a_log_that_has_just_begun() -> Result<(), Failed> {
    let before = blocked(&[V4], 0..5);
    for length in [1, 10, 60] {
        let report = scanner(&before[..length], &before)
            .with("--log fw.log")
            .json(0);
        assert_eq!(paths(&report), ["fw.log.1", "fw.log"]);
        assert_eq!(violations(&report)[0]["hits"], 5);
    }
    Ok(())
}

fn rotations_lose_and_double_nothing() -> Result<(), Failed> {
    let scanner = scanner(&generation(1), generation(0)).with("--log fw.log --json");
    let (log, before, next) = (
        scanner.path("fw.log"),
        scanner.path("fw.log.1"),
        scanner.path("next"),
    );
    let done = AtomicBool::new(false);
    let rotate = |number: usize| -> std::io::Result<()> {
        let rename = |from: &Path, to: &Path| fs::rename(from, to);
        fs::write(&next, generation(number))?;
        rename(&log, &before)?;
        rename(&next, &log)
    };
    thread::scope(|scope| {
        let rotations = scope.spawn(|| -> std::io::Result<usize> {
            let mut number = 2;
            while !done.load(Ordering::Relaxed) {
                rotate(number)?;
                number += 1;
                thread::sleep(Duration::from_micros(300));
            }
            Ok(number)
        });
        let scans = || -> Result<(), Failed> {
            for _ in 0..60 {
                let ran = scanner.run();
                let report: Value = serde_json::from_str(&ran.done(0).stdout)?;
                let lines: Vec<_> = report["logs"].as_array().ok_or("no logs")?.iter().collect();
                assert_eq!(lines.len(), 2, "{report}");
                assert!(lines.iter().all(|log| log["lines"] == EACH), "{report}");
                let hits: Vec<_> = violations(&report).iter().map(|one| &one["hits"]).collect();
                assert_eq!(hits, [EACH, EACH]);
                let sources = outcomes(&report);
                let number = |at: usize| -> Result<u32, Failed> {
                    Ok(sources[at].0.parse::<std::net::Ipv4Addr>()?.into())
                };
                assert_eq!(number(0)? + 1, number(1)?, "one after the other");
            }
            Ok(())
        };
        let result = {
            let _done = Finally(&done);
            scans()
        };
        let rotations = rotations.join().map_err(|_| "the rotations failed")??;
        assert!(rotations > 60, "{rotations}");
        result
    })
}

const SHORT: &str = "[WARNING] the log begins at 2026-11-22 08:00:00 +00:00, rules look back 10s: what was rotated away before does not count\n";

fn a_log_that_begins_too_late() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let at = |second: i64, before: &str| {
        let scanner = Scanner::new(blocked(&[V4], 2..6)).write("fw.log.1", before);
        scanner.with(RULE).at(second)
    };
    let before = blocked(&[V4], 0..2);
    at(9, &before)
        .with("--log fw.log")
        .run()
        .done(0)
        .says(SHORT);
    let ran = at(9, &before).with("--log fw.log --json").run();
    ran.done(0).complains(SHORT);
    let ran = at(10, &before).with("--log fw.log").run();
    assert!(!ran.done(0).stdout.contains("begins at"), "{}", ran.stdout);
    // Also where it is not read.
    let ran = at(11, &before).with("--log fw.log --no-rotated").run();
    ran.done(0)
        .says("[WARNING] the log begins at 2026-11-22 08:00:02 +00:00");
    for name in ["fw.log.1.gz", "fw.log.1.xz"] {
        let scanner = Scanner::new(blocked(&[V4], 0..6)).write(name, "");
        scanner.rule().at(9).run().done(0).says(SHORT);
    }
    // The longest of all rules.
    let rule = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nhowmany = 5\nipset = \"blacklist\"\nremoveafter = \"1h\"\n";
    let rules = format!("{rule}within = \"1s\"\n{rule}within = \"30m\"\n{rule}within = \"1m\"\n");
    let scanner = Scanner::new(blocked(&[V4], 2..6)).write("fw.log.1", &before);
    let scanner = scanner.write("rules.toml", rules).at(100);
    let ran = scanner.with("--rules rules.toml --log fw.log").run();
    ran.done(0).says("+00:00, rules look back 30m: ");
    Ok(())
}

/// The firewall has been put up a moment ago.
fn a_log_that_was_never_rotated_says_nothing() -> Result<(), Failed> {
    let scanner = Scanner::new(blocked(&[V4], 0..5)).rule().with("--dryrun");
    let ran = scanner.at(5).run();
    assert!(!ran.done(0).stdout.contains("begins at"), "{}", ran.stdout);
    Ok(())
}

fn the_log_of_a_host_that_is_quiet() -> Result<(), Failed> {
    for (log, before) in [("", String::new()), ("", blocked(&[V4], 0..1))] {
        let ran = scanner(log, before).with("--log fw.log").run();
        assert!(!ran.done(0).stdout.contains("begins at"), "{}", ran.stdout);
    }
    Ok(())
}
