//! Sources counted and banned as networks.

use netns_testbed::{Failed, Tool};
use serde_json::Value;

use crate::support::{RULE, START, Scanner, Sets, V4, blocked, line, outcomes, packet, violations};

crate::trials!(
    neighbours_are_one_source,
    off_unless_asked_for,
    whoever_is_exempt_is_never_banned_along,
    mapped_addresses_count_as_both,
    a_set_that_takes_no_networks,
    a_network_that_is_there,
    exceptions_of_the_set,
    beside_a_rule_for_addresses,
    whitelists_of_other_types,
);

const BOTH: &str = "--aggregate-v4 24 --aggregate-v6 64";

/// One packet each of so many addresses of a network, one a second.
fn spread(start: &str, number: u32) -> String {
    (0..number)
        .map(|host| {
            let source = format!("{start}{host:x}");
            line(START + i64::from(host), &packet("BLOCKED", &source, "TCP"))
        })
        .collect()
}

fn scan(log: &str, more: &str) -> Value {
    let scanner = Scanner::new(log).rule().with(more);
    scanner.at(60).json(0)
}

fn pair(source: &str, outcome: &str) -> (String, String) {
    (source.to_owned(), outcome.to_owned())
}

fn neighbours_are_one_source() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let log = spread("198.51.100.", 5) + &spread("2001:db8:66::", 5) + &spread("203.0.113.", 4);
    let report = scan(&log, BOTH);
    let networks = ["198.51.100.0/24", "2001:db8:66::/64"];
    assert_eq!(
        outcomes(&report),
        networks.map(|network| pair(network, "added"))
    );
    assert_eq!(report["rules"][0]["sources"], 3);
    assert_eq!(report["rules"][0]["aggregate_v4"], 24);
    assert_eq!(violations(&report)[0]["hits"], 5);
    assert_eq!(sets.names("blacklist")?, networks[..1]);
    assert_eq!(sets.names("blacklist_v6")?, networks[1..]);
    sets.assert_left("blacklist", networks[0], 3544)?;
    // Also for whoever has not come yet.
    sets.ipset("test blacklist 198.51.100.255")?;
    assert!(sets.ipset("test blacklist 198.51.101.0").is_err());

    let ran = Scanner::new(&log).rule().with(BOTH).at(360).run();
    ran.done(0)
        .says("At least 5 lines of rule blocked, type tcp, within 10s, IPv4 by /24, IPv6 by /64: into ")
        .says("[VIOLATION] 2001:db8:66::/64: 5 hits, 5 of them within 10s")
        .says("kept: 198.51.100.0/24 is in blacklist for another ")
        .says("Unique sources:           3\n");
    Ok(())
}

fn off_unless_asked_for() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let log = spread("198.51.100.", 5) + &spread("2001:db8:66::", 5);
    for more in ["", "--aggregate-v4 32 --aggregate-v6 128"] {
        let report = scan(&log, more);
        assert!(violations(&report).is_empty(), "{more}");
        assert_eq!(report["rules"][0]["sources"], 10);
    }
    // One family does not make the other.
    let report = scan(&log, "--aggregate-v6 48");
    assert_eq!(outcomes(&report), [pair("2001:db8:66::/48", "added")]);
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}

fn whoever_is_exempt_is_never_banned_along() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.create("whitelist", "hash:net")?;
    sets.create("whitelist_v6", "hash:net family inet6")?;
    let ip = Tool::require("ip")?;
    ip.run(&["address", "add", "192.0.2.77/32", "dev", "lo"])?;
    let log = spread("198.51.100.", 5) + &spread("192.0.2.", 5) + &spread("2001:db8:66::", 5);
    let run = |more: &str| Scanner::new(&log).rule().with(BOTH).with(more).at(60).run();
    sets.add("whitelist", "198.51.100.200")?;
    sets.add("whitelist_v6", "2001:db8:66:0:ffff::/80")?;
    let before = sets.all()?;
    run("")
        .done(0)
        .says("exempt: 192.0.2.0/24 is not banned whole: 192.0.2.77 in it is an address of this host\n")
        .says("exempt: 198.51.100.0/24 is not banned whole: 198.51.100.200 in it is a member of whitelist\n")
        .says("exempt: 2001:db8:66::/64 is not banned whole: 2001:db8:66:0:ffff::/80 in it is a member of whitelist_v6\n");
    assert_eq!(sets.all()?, before, "nobody was locked out");
    // The whole of it whitelisted.
    sets.add("whitelist", "198.51.0.0/16")?;
    sets.ipset("del whitelist 198.51.100.200")?;
    run("")
        .done(0)
        .says("exempt: 198.51.100.0/24 is a member of whitelist\n");
    sets.ipset("flush whitelist")?;
    run("--exempt 198.51.100.64/26")
        .done(0)
        .says("exempt: 198.51.100.0/24 is not banned whole: 198.51.100.64/26 in it is covered by --exempt 198.51.100.64/26\n");
    assert!(sets.names("blacklist")?.is_empty());
    // Smaller networks beside it are banned.
    let report = scan(&log, "--aggregate-v4 25 --exempt 198.51.100.200");
    assert_eq!(outcomes(&report)[1], pair("198.51.100.0/25", "added"));
    Ok(())
}

fn mapped_addresses_count_as_both() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.create("whitelist", "hash:ip")?;
    sets.add("whitelist", "203.0.113.200")?;
    let log = spread("::ffff:203.0.113.", 5);
    let exempt = Scanner::new(&log).rule().with("--aggregate-v6 120").at(60);
    exempt
        .run()
        .done(0)
        .says("exempt: ::ffff:203.0.113.0/120 is not banned whole: 203.0.113.200 in it is a member of whitelist\n");
    // The network of all mapped addresses holds those of no host, too.
    let report = scan(&log, "--aggregate-v6 64");
    assert_eq!(outcomes(&report), [pair("::/64", "exempt")]);
    let report = scan(&log, "--aggregate-v6 90");
    assert_eq!(outcomes(&report), [pair("::ffc0:0:0/90", "exempt")]);
    assert!(sets.names("blacklist_v6")?.is_empty());
    Ok(())
}

fn a_set_that_takes_no_networks() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let log = spread("198.51.100.", 5);
    let run = |more: &str| Scanner::new(&log).rule().with(more).at(60).run();
    run("--aggregate-v4 24")
        .done(2)
        .complains(
            "[ERROR] cannot add to set \"blacklist\": it is of type hash:ip, which takes single addresses and no networks; \
             create it anew as ipset create blacklist hash:net family inet timeout 0",
        )
        .complains("nothing was changed");
    run("--aggregate-v6 64")
        .done(2)
        .complains("create it anew as ipset create blacklist_v6 hash:net family inet6 timeout 0");
    run("--aggregate-v4 24 --dryrun")
        .done(0)
        .says("[WARNING] cannot add to set \"blacklist\": it is of type hash:ip")
        .says("[DRYRUN] 198.51.100.0/24: would be added to blacklist for ");
    // Networks of one address each.
    run("--aggregate-v4 32 --aggregate-v6 128").done(0);
    sets.ipset("destroy blacklist")?;
    run("--aggregate-v4 24")
        .done(2)
        .complains("others: ipset create blacklist hash:net family inet timeout 0");
    Ok(())
}

fn a_network_that_is_there() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.add("blacklist", "198.51.0.0/16 timeout 0")?;
    sets.add("blacklist_v6", "2001:db8:66::/64 timeout 60")?;
    // An address in it does not stand for it.
    sets.add("blacklist", "203.0.113.2 timeout 0")?;
    let log = spread("198.51.100.", 5) + &spread("2001:db8:66::", 5) + &spread("203.0.113.", 5);
    assert_eq!(
        outcomes(&scan(&log, BOTH)),
        [
            pair("198.51.100.0/24", "kept"),
            pair("203.0.113.0/24", "added"),
            pair("2001:db8:66::/64", "refreshed"),
        ]
    );
    sets.assert_left("blacklist_v6", "2001:db8:66::/64", 3544)
}

fn exceptions_of_the_set() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.add("blacklist", "198.51.100.0/24 timeout 0 nomatch")?;
    sets.add("blacklist", "203.0.113.9 timeout 0 nomatch")?;
    let log = spread("198.51.100.", 5) + &spread("203.0.113.", 5);
    assert_eq!(
        outcomes(&scan(&log, BOTH)),
        [
            pair("198.51.100.0/24", "exempt"),
            pair("203.0.113.0/24", "added")
        ]
    );
    // The kernel goes on excepting what is in the network.
    assert!(sets.ipset("test blacklist 203.0.113.9").is_err());
    sets.ipset("test blacklist 203.0.113.8")?;
    Ok(())
}

/// Where a network may not be banned, its addresses can be.
fn beside_a_rule_for_addresses() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.create("whitelist", "hash:net")?;
    sets.add("whitelist", "203.0.113.200")?;
    let rule = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nhowmany = 5\nwithin = \"10s\"\nipset = \"blacklist\"\n\
                removeafter = \"1h\"\n";
    let rules = format!("{rule}{rule}aggregate-v4 = 24\n");
    let run = |log: &str| {
        let scanner = Scanner::new(log).write("rules.toml", &rules);
        scanner.with("--rules rules.toml --log fw.log").at(60).run()
    };
    run(&blocked(&[V4], 0..5))
        .done(0)
        .says("exempt: 203.0.113.0/24 is not banned whole")
        .says("[ACTION] 203.0.113.7: added to blacklist");
    assert_eq!(sets.names("blacklist")?, [V4]);
    // Where it is banned, its addresses need no entries of their own.
    run(&blocked(&["198.51.100.1", "198.51.100.2"], 0..5))
        .done(0)
        .says("[ACTION] 198.51.100.0/24: added to blacklist")
        .says("kept: 198.51.100.1 stays in blacklist by rule 2");
    assert_eq!(sets.names("blacklist")?, ["198.51.100.0/24", V4]);
    Ok(())
}

fn whitelists_of_other_types() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let log = spread("198.51.100.", 5);
    for (options, member) in [
        ("hash:ip", "198.51.100.200"),
        ("hash:ip netmask 28", "198.51.100.200"),
        ("bitmap:ip range 198.51.0.0/16", "198.51.100.200"),
        ("bitmap:ip range 198.51.0.0/16 netmask 28", "198.51.100.192"),
        // Members stand for networks around the one that is looked at.
        ("hash:ip netmask 16", "198.51.1.1"),
    ] {
        sets.create("whitelist", options)?;
        sets.add("whitelist", member)?;
        let scanner = Scanner::new(&log)
            .with(RULE)
            .with("--log fw.log")
            .with(BOTH);
        assert_eq!(
            outcomes(&scanner.at(60).json(0)),
            [pair("198.51.100.0/24", "exempt")],
            "{options}"
        );
        sets.ipset("destroy whitelist")?;
    }
    assert_eq!(
        outcomes(&scan(&log, BOTH)),
        [pair("198.51.100.0/24", "added")]
    );
    Ok(())
}
