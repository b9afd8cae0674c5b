//! Sources counted and banned as networks.

use netns_testbed::{Failed, Tool};
use serde_json::{Value, json};

use crate::support::{RULE, START, Scanner, Sets, V4, blocked, line, outcomes, packet, violations};

crate::trials!(
    neighbours_are_one_source,
    off_unless_asked_for,
    whoever_is_exempt_is_never_banned_along,
    whoever_is_exempt_is_not_counted_along,
    where_nobody_can_be_excepted_nobody_is_banned,
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

    let ran = Scanner::new(&log)
        .rule()
        .with(BOTH)
        .with("--all")
        .at(360)
        .run();
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
    let scanner = |more: &str| Scanner::new(&log).rule().with(BOTH).with(more).at(60);
    sets.add("whitelist", "198.51.100.200")?;
    sets.add("whitelist_v6", "2001:db8:66:0:ffff::/80")?;
    let before = sets.all()?;
    scanner("--dryrun")
        .run()
        .done(0)
        .says("[DRYRUN] 192.0.2.0/24: would be added to blacklist for ")
        .says("\n  excepted: 192.0.2.77 in 192.0.2.0/24 is an address of this host\n");
    assert_eq!(sets.all()?, before);
    scanner("")
        .run()
        .done(0)
        .says("[ACTION] 198.51.100.0/24: added to blacklist for ")
        .says("\n  excepted: 198.51.100.200 in 198.51.100.0/24 is a member of whitelist\n")
        .says("\n  excepted: 2001:db8:66:0:ffff::/80 in 2001:db8:66::/64 is a member of whitelist_v6\n");
    for (set, out, banned) in [
        ("blacklist", "192.0.2.77", "192.0.2.78"),
        ("blacklist", "198.51.100.200", "198.51.100.201"),
        (
            "blacklist_v6",
            "2001:db8:66:0:ffff::1",
            "2001:db8:66:0:fffe::1",
        ),
    ] {
        assert!(sets.ipset(&format!("test {set} {out}")).is_err(), "{out}");
        sets.ipset(&format!("test {set} {banned}"))?;
    }
    // It stays for as long as the network does, and longer.
    sets.assert_left("blacklist", "198.51.100.0/24", 3544)?;
    sets.assert_left("blacklist", "198.51.100.200", 4144)?;
    // A run of a minute later, however long this one has taken: at the same instant anew the ban
    // would end later by what has passed meanwhile.
    let later = Scanner::new(&log).rule().with(BOTH).at(120);
    assert_eq!(
        outcomes(&later.json(0))[1],
        pair("198.51.100.0/24", "kept"),
        "it is there with its exceptions"
    );
    sets.assert_left("blacklist", "198.51.100.0/24", 3544)?;
    sets.assert_left("blacklist", "198.51.100.200", 4144)?;
    // The whole of it whitelisted.
    sets.ipset("flush blacklist")?;
    sets.add("whitelist", "198.51.0.0/16")?;
    scanner("")
        .run()
        .done(0)
        .says("exempt: 198.51.100.0/24 is a member of whitelist\n");
    // And of that again a part not, nor a part of that.
    sets.add("whitelist", "198.51.100.0/23 nomatch")?;
    let report = scanner("--exempt 198.51.100.64/26").json(0);
    assert_eq!(outcomes(&report)[1], pair("198.51.100.0/24", "added"));
    assert_eq!(
        violations(&report)[1]["except"],
        json!(["198.51.100.64/26", "198.51.100.200"])
    );
    Ok(())
}

/// Nor does anybody pay for what comes from there.
fn whoever_is_exempt_is_not_counted_along() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.create("whitelist", "hash:ip")?;
    sets.add("whitelist", "198.51.100.4")?;
    let log = spread("198.51.100.", 5);
    let scanner = |more: &str| Scanner::new(&log).rule().with(BOTH).with(more).at(60);
    let report = scanner("").json(0);
    assert!(violations(&report).is_empty());
    assert_eq!(report["rules"][0]["matched"], 4);
    let report = Scanner::new(log.repeat(3)).rule().with(BOTH);
    let report = report.with("--exempt 198.51.100.2/31").at(60).json(0);
    assert_eq!(outcomes(&report), [pair("198.51.100.0/24", "added")]);
    assert_eq!(violations(&report)[0]["hits"], 6);
    assert_eq!(
        violations(&report)[0]["except"],
        json!(["198.51.100.2/31", "198.51.100.4"])
    );
    // A source by itself is counted and told of.
    let alone = blocked(&[V4], 0..5);
    let alone = Scanner::new(&alone).rule().with("--aggregate-v6 64");
    let report = alone.with("--exempt 203.0.113.0/24").at(60).json(0);
    assert_eq!(outcomes(&report), [pair(V4, "exempt")]);
    Ok(())
}

fn where_nobody_can_be_excepted_nobody_is_banned() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.create("whitelist", "hash:ip")?;
    sets.add("whitelist", "198.51.100.200")?;
    let log = spread("198.51.100.", 5) + &spread("203.0.113.", 5);
    let run = || Scanner::new(&log).rule().with(BOTH).at(60).run();
    sets.add("blacklist", "198.51.100.200 timeout 0")?;
    run().done(0).says(
        "exempt: 198.51.100.0/24 is not banned whole: 198.51.100.200 in it is a member of whitelist, and banned there by itself, \
         ipset del blacklist 198.51.100.200\n",
    );
    for (options, wanted) in [
        (
            "forceadd",
            "exempt: 198.51.100.0/24 is not banned whole: 198.51.100.200 in it is a member of whitelist, and a full blacklist would \
             throw out the exception (forceadd)\n",
        ),
        (
            "",
            "excepted: 198.51.100.200 in 198.51.100.0/24 is a member of whitelist",
        ),
    ] {
        sets.ipset("destroy blacklist")?;
        sets.create("blacklist", &format!("hash:net timeout 0 {options}"))?;
        run()
            .done(0)
            .says(wanted)
            .says("[ACTION] 203.0.113.0/24: added");
    }
    // No room for the exception: nothing is done by half.
    sets.ipset("destroy blacklist")?;
    sets.create("blacklist", "hash:net timeout 0 maxelem 1 hashsize 64")?;
    sets.add("blacklist", "192.0.2.1")?;
    run()
        .done(1)
        .says(
            "[ERROR] cannot add 198.51.100.0/24 to set \"blacklist\": 198.51.100.200 in it is a member of whitelist, and cannot be \
             excepted first: cannot add 198.51.100.200",
        )
        .says("the set is full (maxelem 1)");
    assert_eq!(sets.names("blacklist")?, ["192.0.2.1"]);
    Ok(())
}

fn mapped_addresses_count_as_both() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.create("whitelist", "hash:ip")?;
    sets.add("whitelist", "203.0.113.200")?;
    let log = spread("::ffff:203.0.113.", 5);
    let scan = |more: &str| scan(&log, more);
    let report = scan("--aggregate-v6 120");
    let network = "::ffff:203.0.113.0/120";
    assert_eq!(outcomes(&report), [pair(network, "added")]);
    assert_eq!(
        violations(&report)[0]["except"],
        json!(["::ffff:203.0.113.200"])
    );
    assert!(
        sets.ipset("test blacklist_v6 ::ffff:203.0.113.200")
            .is_err()
    );
    sets.ipset("test blacklist_v6 ::ffff:203.0.113.201")?;
    sets.ipset("flush blacklist_v6")?;
    sets.ipset("flush whitelist")?;
    sets.add("whitelist", "203.0.113.4")?;
    assert!(violations(&scan("--aggregate-v6 120")).is_empty());
    // The network of all mapped addresses holds those of no host, too.
    sets.ipset("flush whitelist")?;
    let report = scan("--aggregate-v6 90 --protect none");
    assert_eq!(
        violations(&report)[0]["except"],
        json!([
            "::ffff:0.0.0.0",
            "::ffff:127.0.0.0/104",
            "::ffff:224.0.0.0/100",
            "::ffff:255.255.255.255",
        ])
    );
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

fn beside_a_rule_for_addresses() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let rule = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nhowmany = 5\nwithin = \"10s\"\nipset = \"blacklist\"\n\
                removeafter = \"1h\"\n";
    let rules = format!("{rule}{rule}aggregate-v4 = 24\nexempt = [\"203.0.113.7\"]\n");
    let run = |log: &str| {
        let scanner = Scanner::new(log).write("rules.toml", &rules);
        scanner
            .with("--rules rules.toml --log fw.log --all")
            .at(60)
            .run()
    };
    // Whom only the rule for networks lets go.
    run(&blocked(&[V4, "203.0.113.8"], 0..5))
        .done(0)
        .says("exempt: 203.0.113.0/24 is not banned whole: 203.0.113.7 in it is covered by exempt 203.0.113.7 of its rule, and not exempt for rule 1\n")
        .says("[ACTION] 203.0.113.7: added to blacklist");
    assert_eq!(sets.names("blacklist")?, [V4, "203.0.113.8"]);
    // Where it is banned, its addresses need no entries of their own.
    run(&blocked(&["198.51.100.1", "198.51.100.2"], 0..5))
        .done(0)
        .says("[ACTION] 198.51.100.0/24: added to blacklist")
        .says("kept: 198.51.100.1 stays in blacklist by rule 2");
    assert_eq!(
        sets.names("blacklist")?,
        ["198.51.100.0/24", V4, "203.0.113.8"]
    );
    Ok(())
}

fn whitelists_of_other_types() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let log = spread("198.51.100.", 5);
    for (options, member, except) in [
        ("hash:ip", "198.51.100.200", "198.51.100.200"),
        ("hash:ip netmask 28", "198.51.100.200", "198.51.100.192/28"),
        (
            "bitmap:ip range 198.51.0.0/16",
            "198.51.100.200",
            "198.51.100.200",
        ),
        (
            "bitmap:ip range 198.51.0.0/16 netmask 28",
            "198.51.100.192",
            "198.51.100.192/28",
        ),
        // Members stand for networks around the one that is looked at.
        ("hash:ip netmask 16", "198.51.1.1", ""),
    ] {
        sets.create("whitelist", options)?;
        sets.add("whitelist", member)?;
        let scanner = Scanner::new(&log)
            .with(RULE)
            .with("--log fw.log")
            .with(BOTH);
        let report = scanner.at(60).json(0);
        if except.is_empty() {
            assert_eq!(outcomes(&report), [pair("198.51.100.0/24", "exempt")]);
        } else {
            assert_eq!(outcomes(&report), [pair("198.51.100.0/24", "added")]);
            assert_eq!(
                violations(&report)[0]["except"],
                json!([except]),
                "{options}"
            );
        }
        sets.ipset("destroy whitelist")?;
        sets.ipset("flush blacklist")?;
    }
    assert_eq!(
        outcomes(&scan(&log, BOTH)),
        [pair("198.51.100.0/24", "added")]
    );
    Ok(())
}
