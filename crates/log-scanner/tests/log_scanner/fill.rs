//! What comes into the sets, and what is there already.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use netfilter_host::turn::Turn;
use netns_testbed::Failed;
use serde_json::json;

use crate::support::{
    RULE, Ran, START, Scanner, Sets, V4, V6, blocked, line, outcomes, packet, stamp, violations,
};

crate::trials!(
    both_families_and_again,
    the_report_to_the_letter,
    the_document_to_the_letter,
    a_later_hit_prolongs,
    an_entry_that_stays_longer_is_kept,
    a_refreshed_entry_keeps_comment_and_counters,
    a_ban_that_is_over_is_not_added,
    networks_in_the_set,
    an_exception_of_the_set_stays_one,
    many_at_once,
    no_more_new_bans_than_asked_for,
    a_rule_has_a_bound_of_its_own,
    a_full_set,
    a_scan_waits_while_another_fills,
);

fn pair(source: &str, outcome: &str) -> (String, String) {
    (source.to_owned(), outcome.to_owned())
}

fn both_families_and_again() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let log = blocked(&[V4, V6], 0..5);
    let scan = |second| Scanner::new(&log).rule().at(second).json(0);
    assert_eq!(
        outcomes(&scan(1804)),
        [pair(V4, "added"), pair(V6, "added")]
    );
    assert_eq!(sets.names("blacklist")?, [V4]);
    assert_eq!(sets.names("blacklist_v6")?, [V6]);
    sets.assert_left("blacklist", V4, 1800)?;
    sets.assert_left("blacklist_v6", V6, 1800)?;
    // Later, as the kernel's clock has it, too.
    for _ in 0..3 {
        assert_eq!(outcomes(&scan(2104)), [pair(V4, "kept"), pair(V6, "kept")]);
    }
    sets.assert_left("blacklist", V4, 1800)
}

fn the_report_to_the_letter() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    sets.create("whitelist", "hash:net")?;
    sets.add("whitelist", "198.51.100.0/24")?;
    let mut log = blocked(&[V4, V6, "198.51.100.9"], 0..5);
    log.push_str(&blocked(&["203.0.113.8"], [0]));
    log.push_str("2026-11-22T08:00:09Z fw sshd[1]: user IPTABLES-BLOCKED: IN=eth0\n");
    let ran = Scanner::new(&log).rule().zone("XXX-1").at(1804).run();
    let expected = "\
At least 5 lines of rule blocked, type tcp, within 10s: into blacklist or blacklist_v6 for 1h
As of 2026-11-22 09:30:04 +01:00

Phase 1: read the log
  fw.log: BYTES bytes, 17 lines, 16 of them of the firewall
  [WARNING] not counted: 1 line with a firewall's text that the kernel did not write (log-scanner events shows why)

Phase 2: find violators
  [VIOLATION] 198.51.100.9: 5 hits, 5 of them within 10s, first 2026-11-22 09:00:00 +01:00, last 2026-11-22 09:00:04 +01:00
  [VIOLATION] 203.0.113.7: 5 hits, 5 of them within 10s, first 2026-11-22 09:00:00 +01:00, last 2026-11-22 09:00:04 +01:00
  [VIOLATION] 2001:db8:1::7: 5 hits, 5 of them within 10s, first 2026-11-22 09:00:00 +01:00, last 2026-11-22 09:00:04 +01:00

Phase 3: fill the sets
  exempt: 198.51.100.9 is a member of whitelist
  [ACTION] 203.0.113.7: added to blacklist for 30m, until 2026-11-22 10:00:04 +01:00
  [ACTION] 2001:db8:1::7: added to blacklist_v6 for 30m, until 2026-11-22 10:00:04 +01:00

Summary
  Lines scanned:            17
  Lines matching:           16
  Unique addresses:         4
  Addresses that triggered: 3
  Addresses actioned:       2
    203.0.113.7 in blacklist until 2026-11-22 10:00:04 +01:00
    2001:db8:1::7 in blacklist_v6 until 2026-11-22 10:00:04 +01:00
";
    assert_eq!(
        ran.stdout,
        expected.replace("BYTES", &log.len().to_string())
    );
    assert_eq!(ran.stderr, "");
    Ok(())
}

fn the_document_to_the_letter() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let log = blocked(&[V4], 0..7);
    let ran = Scanner::new(&log).rule().at(1806).with("--json").run();
    ran.done(0);
    let expected = format!(
        concat!(
            r#"{{"version":1,"as_of":"2026-11-22T08:30:06Z","dry_run":false,"#,
            r#""protect":["gateways","resolvers","time-servers","ssh"],"#,
            r#""logs":[{{"path":"fw.log","bytes":{},"lines":7,"events":7,"unparsed":0,"rejected":0}}],"#,
            r#""rules":[{{"rule":"blocked","type":"tcp","howmany":5,"within":10,"ipset":"blacklist","removeafter":3600,"#,
            r#""max_bans":1000,"matched":7,"sources":1,"sources_exact":true,"violations":["#,
            r#"{{"source":"203.0.113.7","set":"blacklist","hits":7,"peak_hits":7,"#,
            r#""first_seen":"2026-11-22T08:00:00Z","last_seen":"2026-11-22T08:00:06Z","#,
            r#""expires":"2026-11-22T09:00:06Z","timeout":1800,"outcome":"added","error":null}}]}}]}}"#,
            "\n",
        ),
        log.len()
    );
    assert_eq!(ran.stdout, expected);
    assert_eq!(ran.stderr, "");
    Ok(())
}

fn a_later_hit_prolongs() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let mut log = blocked(&[V4, V6], 0..5);
    Scanner::new(&log).rule().at(600).run().done(0);
    sets.assert_left("blacklist", V4, 3004)?;
    // A single hit long after is in no window that breaks the threshold.
    log.push_str(&blocked(&[V4], [1000]));
    let report = Scanner::new(&log).rule().at(1000).json(0);
    assert_eq!(outcomes(&report), [pair(V4, "kept"), pair(V6, "kept")]);
    log.push_str(&blocked(&[V4], 500..505));
    let ran = Scanner::new(&log).rule().at(1000).run();
    ran.done(0)
        .says("[ACTION] 203.0.113.7: stays longer in blacklist, for 51m44s, until 2026-11-22 09:08:24")
        .says("kept: 2001:db8:1::7 is in blacklist_v6 for another ")
        .says("Addresses actioned:       1\n");
    sets.assert_left("blacklist", V4, 3104)
}

fn an_entry_that_stays_longer_is_kept() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    sets.add("blacklist", "203.0.113.7 timeout 0")?;
    sets.add("blacklist_v6", "2001:db8:1::7 timeout 90000")?;
    let scan = || Scanner::new(blocked(&[V4, V6], 0..5)).rule().at(60);
    scan()
        .run()
        .done(0)
        .says("  kept: 2 violators there already, for as long or longer (--all lists them)\n");
    scan()
        .with("--all")
        .run()
        .done(0)
        .says("kept: 203.0.113.7 is in blacklist for good already")
        .says("kept: 2001:db8:1::7 is in blacklist_v6 for another ");
    assert_eq!(sets.members("blacklist")?[V4], "timeout 0");
    sets.assert_left("blacklist_v6", V6, 90_000)
}

fn a_refreshed_entry_keeps_comment_and_counters() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist", "hash:ip timeout 0 comment counters")?;
    sets.create("blacklist_v6", "hash:ip family inet6 timeout 0")?;
    sets.add(
        "blacklist",
        "203.0.113.7 timeout 100 packets 5 bytes 300 comment by-hand",
    )?;
    Scanner::new(blocked(&[V4], 0..5))
        .rule()
        .at(4)
        .run()
        .done(0);
    let members = sets.members("blacklist")?;
    assert!(
        members[V4].ends_with(" packets 5 bytes 300 comment \"by-hand\""),
        "{members:?}"
    );
    sets.assert_left("blacklist", V4, 3600)
}

fn a_ban_that_is_over_is_not_added() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let scan = |second| outcomes(&Scanner::new(blocked(&[V4], 0..5)).rule().at(second).json(0));
    assert_eq!(scan(3604), [pair(V4, "expired")]);
    assert_eq!(scan(1_000_000), [pair(V4, "expired")]);
    assert!(sets.names("blacklist")?.is_empty());
    assert_eq!(scan(3303), [pair(V4, "added")]);
    sets.assert_left("blacklist", V4, 301)
}

fn networks_in_the_set() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist", "hash:net timeout 0")?;
    sets.create("blacklist_v6", "hash:net family inet6 timeout 0")?;
    sets.add("blacklist", "203.0.113.0/24 timeout 0")?;
    sets.add("blacklist_v6", "2001:db8:1::/48 timeout 600")?;
    let report = Scanner::new(blocked(&[V4, V6], 0..5)).rule().at(60).json(0);
    assert_eq!(outcomes(&report), [pair(V4, "kept"), pair(V6, "added")]);
    assert_eq!(sets.names("blacklist")?, ["203.0.113.0/24"]);
    assert_eq!(sets.names("blacklist_v6")?, ["2001:db8:1::/48", V6]);
    sets.assert_left("blacklist_v6", V6, 3544)
}

fn an_exception_of_the_set_stays_one() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist", "hash:net timeout 0")?;
    sets.create("blacklist_v6", "hash:net family inet6 timeout 0")?;
    sets.add("blacklist", "203.0.113.0/24 timeout 0")?;
    sets.add("blacklist", "203.0.113.7 timeout 0 nomatch")?;
    let before = sets.all()?;
    let ran = Scanner::new(blocked(&[V4], 0..5)).rule().at(60).run();
    ran.done(0)
        .says("exempt: 203.0.113.7 is excepted (nomatch) in blacklist");
    assert_eq!(sets.all()?, before);
    Ok(())
}

fn many_at_once() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let v4 = (0..3000).map(|n: u32| format!("203.{}.{}.1", n / 250, n % 250));
    let v6 = (0..2000).map(|n: u32| format!("2001:db8::{n:x}:1"));
    let sources: Vec<_> = v4.chain(v6).collect();
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    let log = blocked(&sources, [0]);
    let rule = RULE.replace("--howmany 5", "--howmany 1");
    let report = Scanner::new(&log)
        .with(&rule)
        .with("--log fw.log --max-bans 5000")
        .at(0)
        .json(0);
    let added = outcomes(&report)
        .iter()
        .filter(|(_, outcome)| outcome == "added")
        .count();
    assert_eq!(added, 5000);
    assert_eq!(sets.names("blacklist")?.len(), 3000);
    assert_eq!(sets.names("blacklist_v6")?.len(), 2000);
    assert_eq!(
        violations(&report)[0]["expires"],
        json!(stamp(START + 3600))
    );
    Ok(())
}

/// Cron starts several scans in the same second, or one while saved members are put back. The
/// longer ban stays, whichever of them comes last.
fn a_scan_waits_while_another_fills() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let turn = Turn::take()?;
    let scanner = Scanner::new(blocked(&[V4], 0..5)).rule().at(4);
    let mut scan = scanner.command().stdout(Stdio::piped()).spawn()?;
    sleep(Duration::from_millis(300));
    let while_it_waits = (scan.try_wait()?, sets.names("blacklist")?);
    sets.add("blacklist", &format!("{V4} timeout 86400"))?;
    drop(turn);
    let ran = Ran::new(&scan.wait_with_output()?);
    assert_eq!(while_it_waits, (None, Vec::new()));
    ran.done(0).says("kept: 203.0.113.7");
    sets.assert_left("blacklist", V4, 86_400)
}

/// Those with the most evidence come first, whichever their rule and their set; those that are
/// there take no place.
fn no_more_new_bans_than_asked_for() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let rule = "[[rule]]\nrule = \"blocked\"\nwithin = \"1m\"\nipset = \"blacklist\"\nremoveafter = \"1h\"\n";
    let rules = format!("{rule}type = \"tcp\"\nhowmany = 5\n{rule}type = \"udp\"\nhowmany = 2\n");
    let mut log = String::new();
    for (source, hits) in [("192.0.2.1", 5), ("192.0.2.2", 9), (V4, 7), (V6, 8)] {
        log.push_str(&blocked(&[source], 0..hits));
    }
    // Four hits where two are too many are more than nine where it is five.
    for second in 0..4 {
        log.push_str(&line(
            START + second,
            &packet("BLOCKED", "192.0.2.9", "UDP"),
        ));
    }
    let scan = |more: &str| {
        let scanner = Scanner::new(&log).write("rules.toml", &rules).with(more);
        scanner.with("--rules rules.toml --log fw.log").at(60)
    };
    let names = || -> Result<Vec<String>, Failed> {
        Ok([sets.names("blacklist")?, sets.names("blacklist_v6")?].concat())
    };
    scan("--max-bans 2 --dryrun")
        .run()
        .done(0)
        .says("[DRYRUN] 192.0.2.9: would be added")
        .says("[WARNING] not banned: 3 violators, because one run adds at most 2 new bans (--max-bans), those with the most evidence\n");
    let report = scan("--max-bans 2").json(1);
    assert_eq!(
        outcomes(&report),
        [
            pair("192.0.2.1", "beyond-max-bans"),
            pair("192.0.2.2", "added"),
            pair(V4, "beyond-max-bans"),
            pair(V6, "beyond-max-bans"),
        ]
    );
    assert_eq!(names()?, ["192.0.2.2", "192.0.2.9"]);
    let ran = scan("--max-bans 2").run();
    ran.done(1)
        .says("[WARNING] not banned: 1 violator, because");
    assert_eq!(names()?, ["192.0.2.2", "192.0.2.9", V4, V6]);
    scan("--max-bans 1")
        .run()
        .done(0)
        .says("[ACTION] 192.0.2.1: added");
    scan("--max-bans 1").run().done(0);
    assert_eq!(names()?.len(), 5);
    Ok(())
}

/// What ends soonest gives way, administrators' bans never.
fn a_full_set() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist", "hash:net timeout 0 comment maxelem 4")?;
    sets.create(
        "blacklist_v6",
        "hash:net family inet6 timeout 0 comment maxelem 4",
    )?;
    let v4 = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];
    let v6 = ["2001:db8:9::1", "2001:db8:9::2", "2001:db8:9::3"];
    let hand = ["203.0.113.99", "2001:db8:1::99"];
    for (set, hand) in [("blacklist", hand[0]), ("blacklist_v6", hand[1])] {
        sets.add(set, &format!("{hand} timeout 60 comment mine"))?;
    }
    // The first of each family is an hour ahead of the others.
    let log = blocked(&[v4[0], v6[0]], 0..5)
        + &blocked(&[v4[1], v4[2], v6[1], v6[2]], 3600..3605)
        + &blocked(&[V4, V6], 7200..7205);
    let scan = |second: i64, removeafter: &str| {
        let rule = RULE.replace("1h", removeafter);
        Scanner::new(&log)
            .with(&rule)
            .with("--log fw.log")
            .at(second)
    };
    let report = scan(3660, "9h").json(0);
    assert!(report.get("dropped").is_none(), "{report}");
    assert_eq!(sets.names("blacklist")?.len(), 4);
    let ran = scan(7260, "9h").with("--dryrun").run();
    ran.done(0)
        .says("[DRYRUN] 198.51.100.1: would be dropped from blacklist ")
        .says("before its end, which is full, for bans that end later\n");
    let report = scan(7260, "9h").json(1);
    let dropped = report["dropped"].as_array().ok_or("none dropped")?;
    let dropped: Vec<_> = dropped.iter().map(|one| &one["source"]).collect();
    assert_eq!(dropped, [v4[0], v6[0]]);
    let outcome = |source: &str| {
        let mut all = outcomes(&report).into_iter();
        all.find(|(of, _)| of == source).map(|(_, outcome)| outcome)
    };
    for source in [v4[0], v6[0]] {
        assert_eq!(outcome(source).as_deref(), Some("no-room"));
    }
    for source in [V4, V6] {
        assert_eq!(outcome(source).as_deref(), Some("added"));
    }
    assert_eq!(sets.names("blacklist")?, [v4[1], v4[2], V4, hand[0]]);
    assert_eq!(sets.names("blacklist_v6")?, [V6, hand[1], v6[1], v6[2]]);
    // The log holds the same still, and the sets stay as they are.
    let ran = scan(7261, "9h").run();
    ran.done(1)
        .says("[WARNING] not banned: 1 violator, because set \"blacklist\" is full and what is in it ends later\n");
    assert_eq!(sets.names("blacklist")?, [v4[1], v4[2], V4, hand[0]]);
    Ok(())
}

/// A flood that one rule counts takes no ban from another.
fn a_rule_has_a_bound_of_its_own() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let rule = "[[rule]]\nrule = \"blocked\"\nwithin = \"10s\"\nhowmany = 5\nipset = \"blacklist\"\nremoveafter = \"1h\"\n";
    let rules = format!("{rule}type = \"udp\"\nmax-bans = 2\n{rule}type = \"tcp\"\n");
    let forged = |number| packet("BLOCKED", &format!("198.51.100.{number}"), "UDP");
    let flood: String = (0..50)
        .flat_map(|number| (0..8).map(move |second| (number, second)))
        .map(|(number, second)| line(START + second, &forged(number)))
        .collect();
    let scanner = Scanner::new(flood + &blocked(&[V4, V6], 0..5)).write("rules.toml", rules);
    let scanner = scanner.with("--rules rules.toml --log fw.log").at(60);
    let ran = scanner.run();
    ran.done(1)
        .says("[WARNING] not banned: 48 violators of rule 1 (blocked udp), a flood whose sources may be forged: one run adds at most 2 new bans by it (max-bans)")
        .says("[ACTION] 203.0.113.7: added");
    assert_eq!(sets.names("blacklist")?.len(), 3);
    assert_eq!(sets.names("blacklist_v6")?, [V6]);
    let report = scanner.json(1);
    assert_eq!(report["rules"][0]["max_bans"], 2);
    assert_eq!(report["rules"][1]["max_bans"], 1000);
    Ok(())
}
