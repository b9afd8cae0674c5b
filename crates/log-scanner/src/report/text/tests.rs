//! The text to the letter.

use super::super::tests::{report, violation};
use super::*;
use crate::violation::{Banned, Connections, Outcome, Remaining};

fn text(report: &Report<'_>, zone: &TimeZone) -> String {
    let mut text = Vec::new();
    write(report, zone, false, &mut text).expect("written");
    String::from_utf8(text).expect("UTF-8")
}

#[test]
fn every_outcome_to_the_letter() {
    let violations = vec![
        violation("203.0.113.1", Outcome::Added),
        violation("203.0.113.2", Outcome::Refreshed),
        violation("203.0.113.3", Outcome::Kept(Remaining::Seconds(90_000))),
        violation("203.0.113.4", Outcome::Kept(Remaining::Permanent)),
        violation(
            "203.0.113.5",
            Outcome::Exempt("a member of whitelist".to_owned()),
        ),
        violation("203.0.113.6", Outcome::Expired),
        violation("203.0.113.8", Outcome::Connected),
        violation("203.0.113.9", Outcome::BeyondMaxBans),
        violation(
            "2001:db8::7",
            Outcome::Refused(
                "cannot add 2001:db8::7 to set \"blacklist_v6\": the set is full".to_owned(),
            ),
        ),
    ];
    let expected = "\
At least 500 lines of rule blocked, type tcp, within 30m: into blacklist or blacklist_v6 for 1d
As of 2026-11-22 09:00:00 +00:00

Phase 1: read the log
  /ram/iptables.log: 123456 bytes, 700 lines, 690 of them of the firewall
  [WARNING] 2 lines were not written by the kernel

Phase 2: find violators
  [VIOLATION] 203.0.113.1: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.2: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.3: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.4: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.5: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.6: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.8: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.9: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 2001:db8::7: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00

Phase 3: fill the sets
  [WARNING] set \"whitelist\" cannot be asked
  [ACTION] 203.0.113.1: added to blacklist for 23h59m1s, until 2026-11-23 08:59:00 +00:00
  [ACTION] 203.0.113.2: stays longer in blacklist, for 23h59m1s, until 2026-11-23 08:59:00 +00:00
  exempt: 203.0.113.5 is a member of whitelist
  expired: 203.0.113.6 would have left blacklist 2026-11-23 08:59:00 +00:00
  connected: 203.0.113.8 is the other end of a connection that this host has opened, and not banned (--ban-connected)
  [ERROR] cannot add 2001:db8::7 to set \"blacklist_v6\": the set is full
  kept: 2 violators there already, for as long or longer (--all lists them)

Summary
  Lines scanned:            700
  Lines matching:           650
  Unique addresses:         7
  Addresses that triggered: 9
  Addresses actioned:       2
    203.0.113.1 in blacklist until 2026-11-23 08:59:00 +00:00
    203.0.113.2 in blacklist until 2026-11-23 08:59:00 +00:00
";
    assert_eq!(text(&report(false, violations), &TimeZone::UTC), expected);
}

#[test]
fn a_dry_run_says_so_and_times_are_of_the_zone() {
    let mut report = report(true, vec![violation("203.0.113.1", Outcome::WouldAdd)]);
    report.rules[0].counted.sources_exact = false;
    let text = text(&report, &TimeZone::fixed(jiff::tz::offset(1)));
    for line in [
        "As of 2026-11-22 10:00:00 +01:00, dry run: nothing is changed",
        "  [DRYRUN] 203.0.113.1: would be added to blacklist for 23h59m1s, until 2026-11-23 09:59:00 +01:00",
        "  Unique addresses:         7 (estimated)",
        "  Addresses to be added:    1",
        "    203.0.113.1 in blacklist until 2026-11-23 09:59:00 +01:00",
    ] {
        assert!(text.lines().any(|given| given == line), "{line}\n{text}");
    }
    assert!(!text.contains("[ACTION]"), "{text}");
}

#[test]
fn what_became_of_connections() {
    let with = |source, cut, left, error: Option<&str>| Banned {
        connections: Some(Connections {
            cut,
            left,
            error: error.map(str::to_owned),
        }),
        ..violation(source, Outcome::Added)
    };
    let violations = || {
        vec![
            with("203.0.113.1", 1, 0, None),
            with("203.0.113.2", 0, 0, None),
            with("203.0.113.3", 1, 0, Some("no")),
            with("2001:db8::/64", 2, 1, None),
        ]
    };
    let of_connections = |dry_run| {
        let text = text(&report(dry_run, violations()), &TimeZone::UTC);
        let lines = text
            .lines()
            .skip_while(|line| !line.starts_with("Phase 3"))
            .filter(|line| line.contains("cut") || line.contains("[ERROR]"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let left =
        "  left: 1 connection of 2001:db8::/64 older than its first line in the log (--cut-older)";
    assert_eq!(
        of_connections(false),
        [
            "  [ACTION] 203.0.113.1: 1 connection cut",
            "  [ERROR] no",
            left,
            "  [ACTION] 2001:db8::/64: 2 connections cut",
        ]
    );
    assert_eq!(
        of_connections(true),
        [
            "  [DRYRUN] 203.0.113.1: 1 connection would be cut",
            "  [ERROR] no",
            left,
            "  [DRYRUN] 2001:db8::/64: 2 connections would be cut",
        ]
    );
}

#[test]
fn nothing_found_is_said() {
    let text = text(&report(false, Vec::new()), &TimeZone::UTC);
    assert!(text.contains("Phase 2: find violators\n  none\n"), "{text}");
    assert!(text.ends_with("Addresses actioned:       0\n"), "{text}");
}

#[test]
fn the_name_of_a_log_cannot_steer_the_terminal() {
    let mut report = report(false, Vec::new());
    if let Some(log) = report.logs.first_mut() {
        log.path = "\u{1b}[2J".to_owned();
    }
    let text = text(&report, &TimeZone::UTC);
    assert!(
        !text.contains('\u{1b}') && text.contains("\\u{1b}[2J"),
        "{text}"
    );
}

fn all(report: &Report<'_>) -> String {
    let mut text = Vec::new();
    write(report, &TimeZone::UTC, true, &mut text).expect("written");
    String::from_utf8(text).expect("UTF-8")
}

#[test]
fn a_long_report_is_short() {
    let outcomes = [
        (80, Outcome::Added),
        (2055, Outcome::Kept(Remaining::Permanent)),
        (60, Outcome::Refused("full".to_owned())),
        (70, Outcome::BeyondMaxBans),
    ];
    let violations = outcomes.into_iter().flat_map(|(number, outcome)| {
        std::iter::repeat_n(violation("203.0.113.1", outcome), number)
    });
    let report = report(false, violations.collect());
    let (text, all) = (text(&report, &TimeZone::UTC), all(&report));
    let lines = |text: &str, start: &str| {
        let lines = text.lines().map(str::trim_start);
        lines.filter(|line| line.starts_with(start)).count()
    };
    for (start, told, number) in [
        ("[VIOLATION]", 50, 2265),
        ("[ACTION]", 50, 80),
        ("[ERROR] full", 50, 60),
        ("kept: 203", 0, 2055),
        ("not banned: 203", 0, 70),
        ("203.0.113.1 in blacklist until", 50, 80),
    ] {
        assert_eq!(
            (lines(&text, start), lines(&all, start)),
            (told, number),
            "{start}"
        );
    }
    for line in [
        "  and 2215 violators more (--all lists them)\n",
        "  kept: 2055 violators there already, for as long or longer (--all lists them)\n",
        "  and 30 violators more (--all lists them)\n",
        "  [ERROR] and 10 failures more (--all lists them)\n",
        "    and 30 violators more (--all lists them)\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!all.contains("--all"));
    assert!(!report.is_complete());
}

#[test]
fn exceptions_that_went_are_told() {
    let mut report = report(false, Vec::new());
    let lifted = |error: Option<&str>| Lifted {
        source: violation("203.0.113.9", Outcome::Added).ban.source(),
        set: "blacklist".parse().expect("a name"),
        error: error.map(str::to_owned),
    };
    report.lifted = vec![lifted(None)];
    assert!(report.is_complete());
    report.lifted.push(lifted(Some("no")));
    assert!(!report.is_complete());
    let text = text(&report, &TimeZone::UTC);
    for line in [
        "  [ACTION] 203.0.113.9: not exempt any more, the exception (nomatch) in blacklist is taken out\n",
        "  [ERROR] cannot take the exception (nomatch) for 203.0.113.9 out of blacklist, who is not exempt any more: no\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
