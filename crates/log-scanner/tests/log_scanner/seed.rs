//! The practical examples of the manual, over both families.

use std::fmt::Write as _;

use netns_testbed::Failed;

use crate::support::{START, Scanner, Sets, V4, V6, line, outcomes, packet};

crate::trials!(dry_run, hard_throttling, icmp_flood_protection);

/// "See who would be blacklisted for 100 blocked TCP hits in 5 minutes."
fn dry_run() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let before = sets.all()?;
    let mut log = String::new();
    // The first and the hundredth are 300 seconds apart; those of the neighbour 301.
    for hit in 0..100 {
        let second = hit * 300 / 99;
        for source in [V4, V6] {
            log.push_str(&line(START + second, &packet("BLOCKED", source, "TCP")));
        }
        let late = if hit == 99 { 301 } else { second };
        log.push_str(&line(
            START + late,
            &packet("BLOCKED", "203.0.113.8", "TCP"),
        ));
        // What neither rule nor type matches.
        log.push_str(&line(
            START + second,
            &packet("ALLOWED", "203.0.113.9", "TCP"),
        ));
        log.push_str(&line(
            START + second,
            &packet("BLOCKED", "203.0.113.10", "UDP"),
        ));
    }
    let rule =
        "--rule blocked --type tcp --howmany 100 --within 5m --ipset blacklist --removeafter 1d";
    let ran = Scanner::new(&log)
        .with(rule)
        .with("--dryrun --log fw.log")
        .at(3600)
        .run();
    ran.done(0)
        .says("[DRYRUN] 203.0.113.7: would be added to blacklist for 23h5m, until 2026-11-23 08:05:00 +00:00\n")
        .says("[DRYRUN] 2001:db8:1::7: would be added to blacklist_v6 for 23h5m, until 2026-11-23 08:05:00 +00:00\n")
        .says("Lines scanned:            500\n")
        .says("Lines matching:           300\n")
        .says("Unique addresses:         3\n")
        .says("Addresses that triggered: 2\n");
    assert_eq!(ran.stderr, "");
    assert_eq!(sets.all()?, before, "a dry run changes nothing");
    Ok(())
}

/// "Any IP with 500 blocked TCP hits in 30 minutes to the throttle-hard list for 2 hours."
fn hard_throttling() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("throttle-hard", "hash:net timeout 0")?;
    sets.create("throttle-hard_v6", "hash:net family inet6 timeout 0")?;
    let mut log = String::new();
    for hit in 0..500 {
        for (source, second) in [(V4, hit * 3), (V6, hit * 3), ("203.0.113.8", hit * 4)] {
            log.push_str(&line(START + second, &packet("BLOCKED", source, "TCP")));
        }
    }
    let rule = "--rule blocked --type tcp --howmany 500 --within 30m --ipset throttle-hard --removeafter 2h";
    let ran = Scanner::new(&log)
        .with(rule)
        .with("--log fw.log")
        .at(1497)
        .run();
    ran.done(0)
        .says("[VIOLATION] 203.0.113.7: 500 hits, 500 of them within 30m")
        .says("[ACTION] 203.0.113.7: added to throttle-hard for 2h,")
        .says("[ACTION] 2001:db8:1::7: added to throttle-hard_v6 for 2h,");
    assert_eq!(sets.names("throttle-hard")?, [V4]);
    assert_eq!(sets.names("throttle-hard_v6")?, [V6]);
    sets.assert_left("throttle-hard", V4, 7200)?;
    sets.assert_left("throttle-hard_v6", V6, 7200)
}

/// "Any IP sending 200 blocked ICMP packets in 1 minute for 6 hours."
fn icmp_flood_protection() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let mut log = String::new();
    for hit in 0..200 {
        let second = START + hit * 60 / 199;
        let pings = [("ICMP", V4), ("ICMPv6", V6), ("TCP", "203.0.113.8")];
        for (protocol, source) in pings {
            let _ = write!(
                log,
                "{}",
                line(second, &packet("BLOCKED", source, protocol))
            );
        }
    }
    let rule =
        "--rule blocked --type icmp --howmany 200 --within 1m --ipset blacklist --removeafter 6h";
    let scanner = |second| {
        Scanner::new(&log)
            .with(rule)
            .with("--log fw.log")
            .at(second)
    };
    scanner(60).run().done(0);
    assert_eq!(sets.names("blacklist")?, [V4]);
    assert_eq!(sets.names("blacklist_v6")?, [V6]);
    sets.assert_left("blacklist", V4, 21_600)?;

    let again = outcomes(&scanner(360).json(0));
    let kept = |source: &str| (source.to_owned(), "kept".to_owned());
    assert_eq!(again, [kept(V4), kept(V6)], "a second run changes nothing");
    Ok(())
}
