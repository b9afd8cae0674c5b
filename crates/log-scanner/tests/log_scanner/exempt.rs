//! Who is never added.

use netns_testbed::{Failed, Tool};

use crate::support::{Scanner, Sets, V4, V6, blocked, outcomes};

crate::trials!(
    members_of_the_whitelists,
    exempt_ranges,
    addresses_of_this_host,
    addresses_of_no_host,
    the_whitelist_also_in_a_dry_run,
    a_whitelist_that_cannot_be_asked,
    a_whitelist_with_an_exception,
);

fn outcome_of(log: &str, arguments: &str) -> Vec<String> {
    let report = Scanner::new(log).rule().with(arguments).at(60).json(0);
    outcomes(&report)
        .into_iter()
        .map(|(_, outcome)| outcome)
        .collect()
}

fn members_of_the_whitelists() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    sets.create("whitelist", "hash:net")?;
    sets.create("whitelist_v6", "hash:net family inet6")?;
    sets.add("whitelist", "203.0.113.0/24")?;
    sets.add("whitelist_v6", "2001:db8::/32")?;
    let log = blocked(&[V4, V6, "198.51.100.1"], 0..5);
    assert_eq!(outcome_of(&log, ""), ["added", "exempt", "exempt"]);
    assert_eq!(sets.names("blacklist")?, ["198.51.100.1"]);
    assert!(sets.names("blacklist_v6")?.is_empty());

    sets.ipset("destroy whitelist")?;
    sets.create("whitelist", "hash:ip")?;
    sets.add("whitelist", V4)?;
    sets.ipset("flush blacklist")?;
    assert_eq!(outcome_of(&log, ""), ["added", "exempt", "exempt"]);
    Ok(())
}

fn a_whitelist_with_an_exception() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    sets.create("whitelist", "hash:net")?;
    sets.add("whitelist", "203.0.113.0/24")?;
    sets.add("whitelist", "203.0.113.7 nomatch")?;
    let log = blocked(&[V4, "203.0.113.8"], 0..5);
    assert_eq!(outcome_of(&log, ""), ["added", "exempt"]);
    Ok(())
}

fn exempt_ranges() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let log = blocked(&[V4, V6, "198.51.100.1"], 0..5);
    let exempt = "--exempt 203.0.113.7 --exempt 2001:db8:1::/64";
    assert_eq!(outcome_of(&log, exempt), ["added", "exempt", "exempt"]);
    assert_eq!(sets.names("blacklist")?, ["198.51.100.1"]);
    let everybody = "--exempt 0.0.0.0/0 --exempt ::/0";
    assert_eq!(outcome_of(&log, everybody), ["exempt", "exempt", "exempt"]);
    Ok(())
}

fn addresses_of_this_host() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let ip = Tool::require("ip")?;
    ip.run(&["address", "add", "203.0.113.7/24", "dev", "lo"])?;
    ip.run(&["address", "add", "2001:db8:1::7/64", "dev", "lo", "nodad"])?;
    let log = blocked(&[V4, V6, "203.0.113.8"], 0..5);
    let ran = Scanner::new(&log).rule().at(60).run();
    ran.done(0)
        .says("exempt: 203.0.113.7 is an address of this host\n")
        .says("exempt: 2001:db8:1::7 is an address of this host\n")
        .says("[ACTION] 203.0.113.8: added");
    assert_eq!(sets.names("blacklist")?, ["203.0.113.8"]);
    assert!(sets.names("blacklist_v6")?.is_empty());
    Ok(())
}

fn addresses_of_no_host() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let sources = [
        "0.0.0.0",
        "127.0.0.1",
        "127.200.0.1",
        "224.0.0.251",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "ff02::1",
    ];
    assert_eq!(outcome_of(&blocked(&sources, 0..5), ""), ["exempt"; 9]);
    assert!(sets.names("blacklist")?.is_empty());
    assert!(sets.names("blacklist_v6")?.is_empty());
    Ok(())
}

fn the_whitelist_also_in_a_dry_run() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    sets.create("whitelist", "hash:ip")?;
    sets.add("whitelist", V4)?;
    sets.add("blacklist_v6", "2001:db8:1::7 timeout 0")?;
    let log = blocked(&[V4, V6, "198.51.100.1"], 0..5);
    assert_eq!(
        outcome_of(&log, "--dryrun"),
        ["would-add", "exempt", "kept"]
    );
    Ok(())
}

fn a_whitelist_that_cannot_be_asked() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    sets.create("whitelist", "hash:ip family inet6")?;
    let scanner = || Scanner::new(blocked(&[V4], 0..5)).rule().at(60);
    scanner().run().done(2).complains(
        "cannot tell who is exempt by set \"whitelist\": it is of family inet6, not inet",
    );
    assert!(sets.names("blacklist")?.is_empty());
    scanner()
        .with("--dryrun")
        .run()
        .done(0)
        .says("[WARNING] cannot tell who is exempt by set \"whitelist\": it is of family inet6");
    sets.ipset("destroy whitelist")?;

    // It takes a port, too, which the log does not give for every packet.
    sets.create("whitelist", "hash:ip,port")?;
    scanner()
        .run()
        .done(2)
        .complains("cannot tell who is exempt by set \"whitelist\": it is of type hash:ip,port");
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}
