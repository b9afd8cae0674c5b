//! Time stamps of every form, the turn of the year, and the instant that a scan speaks of.

use netns_testbed::Failed;
use serde_json::Value;

use crate::support::{START_TIME, Scanner, Sets, V4, blocked, line, outcomes, packet, violations};

crate::trials!(
    every_form_of_header_is_one_source,
    december_read_in_january,
    local_time,
    the_end_of_the_log,
    lines_after_the_instant_asked_for,
    lines_of_the_future,
    lines_that_arrive_while_it_is_read,
    raw_lines_of_this_boot,
);

fn every_form_of_header_is_one_source() -> Result<(), Failed> {
    let packet = packet("BLOCKED", V4, "TCP");
    let log = format!(
        "Nov 22 08:00:00 fw kernel: [ 1836.585591] {packet}\n\
         Nov 22 08:00:01 fw kernel: {packet}\n\
         2026-11-22T08:00:02.194069+00:00 fw kernel: [ 1836.585591] {packet}\n\
         2026-11-22T10:00:03+02:00 fw kernel: {packet}\n\
         <4>1 2026-11-22T08:00:04.194069Z fw kernel - - - [ 1836.585591] {packet}\n"
    );
    let report = Scanner::new(log).rule().with("--dryrun").at(60).json(0);
    let violation = &violations(&report)[0];
    assert_eq!(report["logs"][0]["events"], 5);
    assert_eq!(violation["hits"], 5);
    assert_eq!(violation["first_seen"], START_TIME);
    assert_eq!(violation["last_seen"], "2026-11-22T08:00:04.194069Z");
    assert_eq!(violation["expires"], "2026-11-22T09:00:04.194069Z");
    assert_eq!(violation["timeout"], 3545, "rounded up");
    Ok(())
}

fn december_read_in_january() -> Result<(), Failed> {
    let packet = packet("BLOCKED", V4, "TCP");
    let stamps = [
        "Dec 31 23:59:56",
        "Dec 31 23:59:58",
        "Dec 31 23:59:59",
        "Jan  1 00:00:01",
        "Jan  1 00:00:02",
    ];
    let log: String = stamps
        .iter()
        .map(|stamp| format!("{stamp} fw kernel: {packet}\n"))
        .collect();
    let scan = |as_of: &str| {
        Scanner::new(&log)
            .rule()
            .with("--dryrun --as-of")
            .with(as_of)
            .json(0)
    };
    let report = scan("2027-01-01T00:01:00Z");
    let violation = &violations(&report)[0];
    assert_eq!(violation["first_seen"], "2026-12-31T23:59:56Z");
    assert_eq!(violation["last_seen"], "2027-01-01T00:00:02Z");
    assert_eq!(violation["outcome"], "would-add");
    // The same log a year later is of the same two nights a year later, and in February long past.
    assert_eq!(
        violations(&scan("2028-01-01T00:01:00Z"))[0]["first_seen"],
        "2027-12-31T23:59:56Z"
    );
    assert_eq!(
        violations(&scan("2027-02-01T00:00:00Z"))[0]["outcome"],
        "expired"
    );
    Ok(())
}

fn local_time() -> Result<(), Failed> {
    let packet = packet("BLOCKED", V4, "TCP");
    let log: String = (0..5)
        .map(|second| format!("Nov 22 10:00:0{second} fw kernel: {packet}\n"))
        .collect();
    let report = Scanner::new(log)
        .zone("XXX-2")
        .rule()
        .with("--dryrun")
        .at(60)
        .json(0);
    assert_eq!(violations(&report)[0]["first_seen"], START_TIME);
    assert_eq!(violations(&report)[0]["outcome"], "would-add");
    Ok(())
}

fn the_end_of_the_log() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    // Forged and damaged lines do not move the end of the log.
    let log = blocked(&[V4], 0..5)
        + &blocked(&["203.0.113.8"], [600])
        + "2026-11-22T09:30:00Z fw sshd[1]: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=9.9.9.9\n";
    let report = Scanner::new(&log).rule().with("--as-of log-end").json(0);
    assert_eq!(report["as_of"], "2026-11-22T08:10:00Z");
    assert_eq!(violations(&report)[0]["timeout"], 3004);
    assert_eq!(violations(&report)[0]["outcome"], "added");
    sets.assert_left("blacklist", V4, 3004)
}

fn lines_after_the_instant_asked_for() -> Result<(), Failed> {
    // With and without a year: a replay as of 08:00:10 does not know of what came later.
    let packet = packet("BLOCKED", "203.0.113.9", "TCP");
    let mut log = blocked(&[V4, "203.0.113.8"], 0..5) + &blocked(&["203.0.113.8"], 11..20);
    for second in 11..16 {
        log.push_str(&format!("Nov 22 08:00:{second} fw kernel: {packet}\n"));
    }
    let scanner = || Scanner::new(&log).rule().with("--dryrun").at(10);
    let report = scanner().json(0);
    let hits: Vec<_> = violations(&report)
        .iter()
        .map(|violation| violation["hits"].clone())
        .collect();
    assert_eq!(hits, [5, 5]);
    assert_eq!(report["rules"][0]["sources"], 2);
    assert_eq!(report["logs"][0]["events"], 24);
    scanner().run().done(0).says(
        "[WARNING] not counted: 14 lines later than the scan, the last at 2026-11-22T08:00:19Z; \
         are clock and time zone right?\n",
    );
    Ok(())
}

fn lines_of_the_future() -> Result<(), Failed> {
    let now = jiff::Timestamp::now().as_second();
    let log: String = (0..5)
        .map(|hit| line(now + 86_400 + hit, &packet("BLOCKED", V4, "TCP")))
        .collect();
    for as_of in ["", "--as-of log-end"] {
        let ran = Scanner::new(&log).rule().with("--dryrun").with(as_of).run();
        ran.done(0)
            .says("[WARNING] not counted: 5 lines later than the scan")
            .says("Lines matching:           0\n");
    }
    Ok(())
}

fn lines_that_arrive_while_it_is_read() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let now = jiff::Timestamp::now().as_second();
    // A clock that runs a minute ahead makes no ban longer than asked for.
    let log: String = (0..5)
        .map(|hit| line(now + 60 + hit, &packet("BLOCKED", V4, "TCP")))
        .collect();
    let rule = "--rule blocked --type tcp --howmany 5 --within 10s --ipset blacklist --removeafter 2147483s";
    let report = Scanner::new(log).with(rule).with("--log fw.log").json(0);
    assert_eq!(outcomes(&report), [(V4.to_owned(), "added".to_owned())]);
    assert_eq!(violations(&report)[0]["timeout"], 2_147_483);
    sets.assert_left("blacklist", V4, 2_147_483)
}

fn raw_lines_of_this_boot() -> Result<(), Failed> {
    let uptime = std::fs::read_to_string("/proc/uptime")?;
    let uptime: f64 = uptime.split(' ').next().ok_or("no uptime")?.parse()?;
    let packet = packet("BLOCKED", V4, "TCP");
    let log: String = (0..5_u8)
        .map(|hit| {
            format!(
                "<4>[{:12.6}] {packet}\n",
                (uptime - 10.0).max(0.0) + f64::from(hit)
            )
        })
        .collect();
    let report = Scanner::new(log).rule().with("--dryrun").json(0);
    let violation: &Value = &violations(&report)[0];
    assert_eq!(violation["hits"], 5);
    let seen: jiff::Timestamp = violation["first_seen"].as_str().ok_or("no time")?.parse()?;
    let age = jiff::Timestamp::now().as_second() - seen.as_second();
    // Slack for a slow machine; a wrong boot instant is off by far more.
    assert!((-60..600).contains(&age), "{age}");
    Ok(())
}
