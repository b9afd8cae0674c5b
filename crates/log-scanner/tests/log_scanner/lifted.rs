//! Exceptions go when nobody in them is exempt any more.

use netns_testbed::Failed;
use serde_json::json;

use crate::support::{Ran, START, Scanner, Sets, line, packet};

crate::trials!(
    who_leaves_the_whitelist_is_banned_with_the_rest,
    what_an_administrator_excepted_stays,
    the_longer_ban_keeps_the_mark,
    what_another_run_excepts_stays,
);

/// A network that breaks the rule, so many seconds long.
fn attack(hits: u32) -> String {
    (0..hits)
        .map(|host| {
            let source = format!("198.51.100.{}", 1 + host % 60);
            line(START + i64::from(host), &packet("BLOCKED", &source, "TCP"))
        })
        .collect()
}

fn scanner(log: &str, at: i64) -> Scanner {
    let scanner = Scanner::new(log).rule();
    scanner.with("--aggregate-v4 24").at(at)
}

fn scan(log: &str, at: i64) -> Ran {
    scanner(log, at).run()
}

const MEMBER: &str = "198.51.100.200";

fn sets() -> Result<Sets, Failed> {
    let sets = Sets::of_networks()?;
    sets.create("whitelist", "hash:ip")?;
    sets.add("whitelist", MEMBER)?;
    Ok(sets)
}

fn is_excepted(sets: &Sets, address: &str) -> bool {
    sets.ipset(&format!("test blacklist {address}")).is_err()
}

fn who_leaves_the_whitelist_is_banned_with_the_rest() -> Result<(), Failed> {
    let sets = sets()?;
    scan(&attack(5), 60)
        .done(0)
        .says("excepted: 198.51.100.200");
    scan(&attack(5), 61).done(0).says("kept: 198.51.100.0/24");
    assert!(is_excepted(&sets, MEMBER), "he is exempt still");
    sets.ipset("del whitelist 198.51.100.200")?;
    let ran = scanner("", 62).with("--dryrun").run();
    ran.done(0).says(
        "  [DRYRUN] 198.51.100.200: not exempt any more, the exception (nomatch) in blacklist would be taken out\n",
    );
    assert!(is_excepted(&sets, MEMBER));
    // Also with the evidence gone from the log.
    let report = scanner("", 63).json(0);
    assert_eq!(
        report["lifted"],
        json!([{ "source": MEMBER, "set": "blacklist", "error": null }])
    );
    assert!(!is_excepted(&sets, MEMBER));
    assert_eq!(sets.names("blacklist")?, ["198.51.100.0/24"]);
    let ran = scan(&attack(5), 64);
    assert!(!ran.done(0).stdout.contains("any more"), "{}", ran.stdout);
    Ok(())
}

fn what_an_administrator_excepted_stays() -> Result<(), Failed> {
    let sets = sets()?;
    for (address, timeout) in [
        ("198.51.100.210", 0),
        ("198.51.100.211", 90_000),
        ("198.51.100.212", 60),
    ] {
        sets.add("blacklist", &format!("{address} nomatch timeout {timeout}"))?;
    }
    scan(&attack(5), 60).done(0);
    sets.add("blacklist", "198.51.100.213 nomatch timeout 3544")?;
    sets.ipset("flush whitelist")?;
    let ran = scan("", 61);
    ran.done(0)
        .says("[ACTION] 198.51.100.200: not exempt any more");
    assert_eq!(ran.stdout.matches("any more").count(), 1, "{}", ran.stdout);
    for host in 210..=213 {
        assert!(is_excepted(&sets, &format!("198.51.100.{host}")), "{host}");
    }
    Ok(())
}

/// However often a ban is prolonged.
fn the_longer_ban_keeps_the_mark() -> Result<(), Failed> {
    let sets = sets()?;
    for hits in [5, 60, 200, 300, 560, 1100] {
        let ran = scan(&attack(hits), 1100);
        ran.done(0).says("excepted: 198.51.100.200");
        scan("", 1100).done(0);
        assert!(is_excepted(&sets, MEMBER));
    }
    sets.ipset("flush whitelist")?;
    scan("", 1100)
        .done(0)
        .says("[ACTION] 198.51.100.200: not exempt any more");
    assert!(!is_excepted(&sets, MEMBER));
    Ok(())
}

fn what_another_run_excepts_stays() -> Result<(), Failed> {
    let sets = sets()?;
    let exempt = scanner(&attack(5), 60)
        .with("--exempt 198.51.100.128/27")
        .run();
    exempt
        .done(0)
        .says("excepted: 198.51.100.128/27")
        .says("excepted: 198.51.100.200");
    scan(&attack(5), 60).done(0);
    assert!(is_excepted(&sets, "198.51.100.130") && is_excepted(&sets, MEMBER));
    Ok(())
}
