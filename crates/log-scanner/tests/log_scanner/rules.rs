//! Several rules in one pass.

use netns_testbed::Failed;
use serde_json::{Value, json};

use crate::support::{
    START, Scanner, Sets, V4, V6, blocked, line, outcomes_of, packet, stamp, violations_of,
};

crate::trials!(
    as_if_each_were_a_scan_of_its_own,
    the_report_to_the_letter,
    the_later_end_wins,
    a_rule_s_own_exemptions,
    a_set_that_one_rule_cannot_fill,
    one_set_for_both_families,
    files_that_are_refused,
    flags_beside_a_file,
);

fn rule(name: &str, protocol: &str, howmany: u32, ipset: &str, removeafter: &str) -> String {
    format!(
        "[[rule]]\nrule = \"{name}\"\ntype = \"{protocol}\"\nhowmany = {howmany}\nwithin = \"10s\"\n\
         ipset = \"{ipset}\"\nremoveafter = \"{removeafter}\"\n"
    )
}

fn scanner(log: impl AsRef<[u8]>, rules: &str) -> Scanner {
    Scanner::new(log)
        .write("rules.toml", rules)
        .with("--rules rules.toml --log fw.log")
}

fn pair(source: &str, outcome: &str) -> (String, String) {
    (source.to_owned(), outcome.to_owned())
}

fn create_throttle(sets: &Sets) -> Result<(), Failed> {
    sets.create("throttle", "hash:ip timeout 0")?;
    sets.create("throttle_v6", "hash:ip family inet6 timeout 0")
}

/// TCP and pings of both families, some of them allowed.
fn mixed() -> String {
    let mut log = blocked(&[V4, V6], 0..5);
    for second in 0..6 {
        log.push_str(&line(
            START + second,
            &packet("BLOCKED", "203.0.113.9", "ICMP"),
        ));
        log.push_str(&line(
            START + second,
            &packet("BLOCKED", "2001:db8:1::9", "ICMPv6"),
        ));
        log.push_str(&line(
            START + second,
            &packet("ALLOWED", "203.0.113.10", "TCP"),
        ));
    }
    log
}

fn as_if_each_were_a_scan_of_its_own() -> Result<(), Failed> {
    let rules = [
        ("blocked", "tcp", 5, "blacklist", "1h"),
        ("blocked", "icmp", 6, "throttle", "2h"),
        ("allowed", "all", 1, "throttle", "30m"),
        ("blocked", "udp", 1, "blacklist", "1h"),
        ("blocked", "all", 7, "blacklist", "1h"),
    ];
    let text: String = rules
        .iter()
        .map(|(name, protocol, howmany, ipset, removeafter)| {
            rule(name, protocol, *howmany, ipset, removeafter)
        })
        .collect();
    let together = scanner(mixed(), &text).with("--dryrun").at(60).json(0);
    assert_eq!(together["logs"][0]["events"], 28);
    let each: Vec<Value> = rules
        .iter()
        .map(|(name, protocol, howmany, ipset, removeafter)| {
            let flags = format!(
                "--rule {name} --type {protocol} --howmany {howmany} --within 10s --ipset {ipset} --removeafter \
                 {removeafter} --dryrun --log fw.log"
            );
            let report = Scanner::new(mixed()).with(&flags).at(60).json(0);
            report["rules"][0].clone()
        })
        .collect();
    assert_eq!(together["rules"], json!(each));
    let found: Vec<_> = (0..rules.len())
        .map(|rule| violations_of(&together, rule).len())
        .collect();
    assert_eq!(found, [2, 2, 1, 0, 0]);
    Ok(())
}

fn the_report_to_the_letter() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    sets.create("throttle", "hash:net timeout 0 comment")?;
    sets.create("throttle_v6", "hash:net family inet6 timeout 0 comment")?;
    let rules = rule("blocked", "tcp", 5, "blacklist", "1h")
        + &rule("blocked", "icmp", 6, "throttle", "2h")
        + &rule("blocked", "udp", 1, "throttle", "2h");
    let log = mixed();
    let ran = scanner(&log, &rules).at(60).run();
    let expected = "\
Rule 1: At least 5 lines of rule blocked, type tcp, within 10s: into blacklist or blacklist_v6 for 1h
Rule 2: At least 6 lines of rule blocked, type icmp, within 10s: into throttle or throttle_v6 for 2h
Rule 3: At least 1 lines of rule blocked, type udp, within 10s: into throttle or throttle_v6 for 2h
As of 2026-11-22 08:01:00 +00:00

Phase 1: read the log
  fw.log: BYTES bytes, 28 lines, 28 of them of the firewall

Phase 2: find violators
  Rule 1, blocked tcp into blacklist:
  [VIOLATION] 203.0.113.7: 5 hits, 5 of them within 10s, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:00:04 +00:00
  [VIOLATION] 2001:db8:1::7: 5 hits, 5 of them within 10s, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:00:04 +00:00
  Rule 2, blocked icmp into throttle:
  [VIOLATION] 203.0.113.9: 6 hits, 6 of them within 10s, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:00:05 +00:00
  [VIOLATION] 2001:db8:1::9: 6 hits, 6 of them within 10s, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:00:05 +00:00
  Rule 3, blocked udp into throttle:
  none

Phase 3: fill the sets
  Rule 1, blocked tcp into blacklist:
  [ACTION] 203.0.113.7: added to blacklist for 59m4s, until 2026-11-22 09:00:04 +00:00
  [ACTION] 2001:db8:1::7: added to blacklist_v6 for 59m4s, until 2026-11-22 09:00:04 +00:00
  Rule 2, blocked icmp into throttle:
  [ACTION] 203.0.113.9: added to throttle for 1h59m5s, until 2026-11-22 10:00:05 +00:00
  [ACTION] 2001:db8:1::9: added to throttle_v6 for 1h59m5s, until 2026-11-22 10:00:05 +00:00
  Rule 3, blocked udp into throttle:
  nothing to do

Summary
  Lines scanned:            28
  Rule 1, blocked tcp into blacklist:
  Lines matching:           10
  Unique addresses:         2
  Addresses that triggered: 2
  Addresses actioned:       2
    203.0.113.7 in blacklist until 2026-11-22 09:00:04 +00:00
    2001:db8:1::7 in blacklist_v6 until 2026-11-22 09:00:04 +00:00
  Rule 2, blocked icmp into throttle:
  Lines matching:           12
  Unique addresses:         2
  Addresses that triggered: 2
  Addresses actioned:       2
    203.0.113.9 in throttle until 2026-11-22 10:00:05 +00:00
    2001:db8:1::9 in throttle_v6 until 2026-11-22 10:00:05 +00:00
  Rule 3, blocked udp into throttle:
  Lines matching:           0
  Unique addresses:         0
  Addresses that triggered: 0
  Addresses actioned:       0
";
    assert_eq!(
        ran.done(0).stdout,
        expected.replace("BYTES", &log.len().to_string())
    );
    assert_eq!(ran.stderr, "");
    assert_eq!(sets.names("blacklist")?, [V4]);
    assert_eq!(sets.names("throttle_v6")?, ["2001:db8:1::9"]);
    Ok(())
}

fn the_later_end_wins() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let short = rule("blocked", "tcp", 5, "blacklist", "1h");
    let long = rule("blocked", "all", 5, "blacklist", "2h");
    for (rules, winner) in [(short.clone() + &long, 1), (long + &short, 0)] {
        let report = scanner(blocked(&[V4, V6], 0..5), &rules).at(4).json(0);
        let loser = 1 - winner;
        assert_eq!(
            outcomes_of(&report, winner),
            [pair(V4, "added"), pair(V6, "added")]
        );
        assert_eq!(
            outcomes_of(&report, loser),
            [pair(V4, "kept"), pair(V6, "kept")]
        );
        // What each rule says is its own.
        for (rule, hours) in [(winner, 2), (loser, 1)] {
            let violation = &violations_of(&report, rule)[0];
            assert_eq!(violation["timeout"], hours * 3600);
            assert_eq!(violation["expires"], stamp(START + 4 + hours * 3600));
        }
        sets.assert_left("blacklist", V4, 7200)?;
        sets.assert_left("blacklist_v6", V6, 7200)?;

        let again = scanner(blocked(&[V4], 0..5), &rules).at(304);
        again
            .run()
            .done(0)
            .says("kept: 203.0.113.7 is in blacklist for another ");
        sets.ipset("flush")?;
    }
    let rules = short.clone() + &rule("blocked", "all", 5, "blacklist", "2h");
    scanner(blocked(&[V4], 0..5), &rules)
        .at(4)
        .run()
        .done(0)
        .says(
            "  kept: 203.0.113.7 stays in blacklist by rule 2, until 2026-11-22 10:00:04 +00:00\n",
        );
    Ok(())
}

fn a_rule_s_own_exemptions() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    create_throttle(&sets)?;
    let exempting = "exempt = [\"203.0.113.0/24\"]\n";
    let rules = rule("blocked", "tcp", 5, "blacklist", "1h")
        + exempting
        + &rule("blocked", "tcp", 5, "throttle", "1h");
    let report = scanner(blocked(&[V4, V6, "198.51.100.1"], 0..5), &rules)
        .with("--exempt 198.51.100.1")
        .at(60)
        .json(0);
    assert_eq!(
        outcomes_of(&report, 0),
        [
            pair("198.51.100.1", "exempt"),
            pair(V4, "exempt"),
            pair(V6, "added")
        ]
    );
    assert_eq!(
        outcomes_of(&report, 1),
        [
            pair("198.51.100.1", "exempt"),
            pair(V4, "added"),
            pair(V6, "added")
        ]
    );
    assert!(sets.names("blacklist")?.is_empty());
    assert_eq!(sets.names("throttle")?, [V4]);
    Ok(())
}

fn a_set_that_one_rule_cannot_fill() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let rules =
        rule("blocked", "tcp", 5, "blacklist", "1h") + &rule("blocked", "tcp", 5, "throttle", "1h");
    let run = |more: &str| {
        scanner(blocked(&[V4], 0..5), &rules)
            .with(more)
            .at(60)
            .run()
    };
    run("")
        .done(2)
        .complains("[ERROR] cannot add to set \"throttle\": it does not exist")
        .complains("[ERROR] cannot add to set \"throttle_v6\": it does not exist")
        .complains("nothing was changed");
    assert!(sets.names("blacklist")?.is_empty(), "nothing is half done");
    run("--dryrun")
        .done(0)
        .says("[WARNING] cannot add to set \"throttle\": it does not exist");
    Ok(())
}

/// The IPv6 set of one rule as the IPv4 set of another.
fn one_set_for_both_families() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    sets.create("blacklist_v6_v6", "hash:ip family inet6 timeout 0")?;
    let [first, second] =
        ["blacklist", "blacklist_v6"].map(|ipset| rule("blocked", "tcp", 5, ipset, "1h"));
    for rules in [first.clone() + &second, second + &first] {
        scanner(blocked(&[V4], 0..5), &rules)
            .at(60)
            .run()
            .done(2)
            .complains("cannot add to set \"blacklist_v6\": it is of family inet6, not inet");
    }
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}

fn files_that_are_refused() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let good = rule("blocked", "tcp", 5, "blacklist", "1h");
    for (rules, why) in [
        (
            String::new(),
            "rules file \"rules.toml\": it holds no [[rule]]",
        ),
        (
            good.clone() + &good.replace("howmany = 5", "howmany = 0"),
            "[ERROR] rules file \"rules.toml\": line 11, column 11: invalid value: integer `0`",
        ),
        (
            good.clone() + "how-many = 5\n",
            "rules file \"rules.toml\": line 8, column 1: unknown field `how-many`, expected one of `rule`, `type`",
        ),
        (
            good.replace("10s", "10"),
            "rules file \"rules.toml\": line 5, column 10: a unit is missing at character 3",
        ),
        (
            good.replace("tcp\"", "tcp"),
            "rules file \"rules.toml\": line 3, column ",
        ),
        (
            good.clone() + &"#".repeat(1 << 20),
            "rules file \"rules.toml\": it is larger than 1048576 bytes",
        ),
    ] {
        let ran = scanner(blocked(&[V4], 0..5), &rules).at(60).run();
        ran.done(2).complains(why).complains("nothing was changed");
        assert_eq!(ran.stdout, "");
    }
    let missing = Scanner::new("").with("--rules gone.toml --log fw.log --dryrun");
    missing
        .run()
        .done(2)
        .complains("[ERROR] rules file \"gone.toml\": cannot read it: No such file");
    let directory = Scanner::new("").with("--rules . --log fw.log --dryrun");
    directory
        .run()
        .done(2)
        .complains("[ERROR] rules file \".\": cannot read it: Is a directory");
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}

fn flags_beside_a_file() -> Result<(), Failed> {
    let good = rule("blocked", "tcp", 5, "blacklist", "1h");
    for flag in ["--howmany 5", "--rule blocked", "--aggregate-v6 64"] {
        let ran = scanner("", &good).with(flag).run();
        ran.done(2).complains("cannot be used with");
        assert_eq!(ran.stdout, "");
    }
    scanner("", &good).with("--dryrun").run().done(0);
    Scanner::new("").run().done(2).complains("--howmany <N>");
    Ok(())
}
