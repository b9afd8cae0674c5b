//! `aggregate-auto`: a network of which enough addresses are banned.

use netns_testbed::Failed;
use serde_json::json;

use crate::following::{Follow, banned, lines};
use crate::support::{RULE, Scanner, Sets, V4, V6, blocked, outcomes, violations};

crate::trials!(
    enough_of_a_network_ban_it,
    it_ends_with_the_one_that_leaves_too_few,
    who_is_exempt_is_not_one_of_them,
    while_it_follows,
    a_set_that_takes_no_networks,
);

fn of(network: &str, hosts: std::ops::Range<u32>) -> Vec<String> {
    hosts.map(|host| format!("{network}{host}")).collect()
}

fn log_of(sources: &[String], seconds: std::ops::Range<i64>) -> String {
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    blocked(&sources, seconds)
}

fn enough_of_a_network_ban_it() -> Result<(), Failed> {
    for (set, network, hosts, few) in [
        ("blacklist", "203.0.113.0/24", "203.0.113.", "198.51.100."),
        (
            "blacklist_v6",
            "2001:db8:1::/64",
            "2001:db8:1::",
            "2001:db8:2::",
        ),
    ] {
        let sets = Sets::of_networks()?;
        let many = of(hosts, 10..18);
        let log = log_of(&many, 0..5) + &log_of(&of(few, 10..17), 0..5);
        let scan = || Scanner::new(&log).rule().with("--aggregate-auto").at(60);
        let report = scan().json(0);
        assert_eq!(report["rules"][0]["aggregate_auto"], true);
        let outcome = |source: &str| {
            let mut all = outcomes(&report).into_iter();
            all.find(|(of, _)| of == source).map(|(_, outcome)| outcome)
        };
        assert_eq!(outcome(network).as_deref(), Some("added"));
        assert_eq!(outcome(&many[0]).as_deref(), Some("kept"));
        let names = sets.names(set)?;
        assert!(names.contains(&network.to_owned()), "{names:?}");
        // One of the others is one too few.
        assert_eq!(names.len(), 8, "{names:?}");
        sets.assert_left(set, network, 3544)?;
        sets.ipset(&format!("test {set} {hosts}99"))?;
        assert!(sets.ipset(&format!("test {set} {few}99")).is_err());
        // Again, and nothing changes.
        let before = sets.names(set)?;
        scan().run().done(0).says("networks from 8 addresses on");
        assert_eq!(sets.names(set)?, before);
        sets.ipset("destroy")?;
    }
    Ok(())
}

fn it_ends_with_the_one_that_leaves_too_few() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let log = log_of(&of("203.0.113.", 1..2), 0..5)
        + &log_of(&of("203.0.113.", 2..3), 1000..1005)
        + &log_of(&of("203.0.113.", 3..4), 2000..2005);
    let scan = |second| {
        let scanner = Scanner::new(&log).rule();
        scanner.with("--aggregate-auto --aggregate-at 2").at(second)
    };
    scan(2060).run().done(0);
    // The last has its own ban for longer, the second ends it, the first is not asked.
    assert_eq!(sets.names("blacklist")?, ["203.0.113.0/24", "203.0.113.3"]);
    sets.assert_left("blacklist", "203.0.113.0/24", 1004 + 3600 - 2060)?;
    sets.assert_left("blacklist", "203.0.113.3", 2004 + 3600 - 2060)?;
    // Once one of two is over, so is the network.
    sets.ipset("flush blacklist")?;
    scan(1004 + 3600).run().done(0);
    assert_eq!(sets.names("blacklist")?, ["203.0.113.3"]);
    Ok(())
}

fn who_is_exempt_is_not_one_of_them() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.create("whitelist", "hash:net")?;
    sets.add("whitelist", V4)?;
    sets.create("whitelist_v6", "hash:net family inet6")?;
    sets.add("whitelist_v6", V6)?;
    let scan = |sources: &[&str]| {
        let scanner = Scanner::new(blocked(sources, 0..5)).rule();
        let scanner = scanner.with("--aggregate-auto --aggregate-at 2");
        scanner.at(60).json(0)
    };
    scan(&[V4, "203.0.113.8", V6, "2001:db8:1::8"]);
    assert_eq!(sets.names("blacklist")?, ["203.0.113.8"]);
    assert_eq!(sets.names("blacklist_v6")?, ["2001:db8:1::8"]);
    let report = scan(&[V4, "203.0.113.10", "203.0.113.11"]);
    let mut all = violations(&report).iter();
    let network = all.find(|one| one["source"] == "203.0.113.0/24");
    assert_eq!(network.ok_or("no network")?["except"], json!([V4]));
    assert!(sets.ipset(&format!("test blacklist {V4}")).is_err());
    sets.ipset("test blacklist 203.0.113.12")?;
    Ok(())
}

fn while_it_follows() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let scanner = Scanner::new("").with("follow --aggregate-auto --aggregate-at 3");
    let mut follow = Follow::with(scanner.with(RULE).with("--log fw.log"))?;
    follow.next("start");
    for (set, hosts, network) in [
        ("blacklist", "203.0.113.", "203.0.113.0/24"),
        ("blacklist_v6", "2001:db8:1::", "2001:db8:1::/64"),
    ] {
        for host in of(hosts, 10..13) {
            assert!(!sets.names(set)?.contains(&network.to_owned()));
            follow.write(&lines(&host, 5))?;
            assert_eq!(follow.ban(), banned(&host, "added"));
        }
        assert_eq!(follow.ban(), banned(network, "added"));
        sets.ipset(&format!("test {set} {hosts}99"))?;
    }
    follow.end(0)?;
    // What one knew the next knows by the log.
    sets.ipset("flush blacklist")?;
    let log = follow_log(&of("203.0.113.", 10..12));
    let mut follow = Follow::with(
        Scanner::new(log)
            .with("follow --aggregate-auto --aggregate-at 3 --log fw.log")
            .with(RULE),
    )?;
    follow.next("start");
    follow.write(&lines("203.0.113.12", 5))?;
    assert_eq!(follow.ban(), banned("203.0.113.12", "added"));
    assert_eq!(follow.ban(), banned("203.0.113.0/24", "added"));
    follow.end(0)?;
    Ok(())
}

fn follow_log(sources: &[String]) -> String {
    sources.iter().map(|source| lines(source, 5)).collect()
}

fn a_set_that_takes_no_networks() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let scanner = Scanner::new(blocked(&[V4], 0..5)).rule();
    let ran = scanner.with("--aggregate-auto").at(60).run();
    ran.done(2)
        .complains("takes single addresses and no networks");
    Ok(())
}
