//! Who comes back is banned for longer each time, and the same evidence counts once.

use netns_testbed::Failed;
use serde_json::{Value, json};

use crate::following::Follow;
use crate::support::{Ran, Scanner, Sets, V4, V6, blocked, violations};

crate::trials!(
    each_ban_is_longer,
    one_scan_of_all_counts_the_same,
    follow_counts_the_same_beside_a_scan,
    an_address_that_is_let_go_begins_anew,
    a_memory_longer_than_the_kernel_counts,
    a_full_memory_bans_all_the_same,
    a_dry_run_remembers_nothing,
    a_network_comes_back,
    a_rule_that_cannot_be,
);

const REPEAT: &str = "--repeat within=7d,factor=4,at-most=2d";

/// Three offences of two sources: at once, after two hours and after ten.
const OFFENCES: [i64; 3] = [0, 7200, 36_000];

fn log(offences: &[i64]) -> String {
    let logs = offences.iter();
    let logs = logs.map(|start| blocked(&[V4, V6], *start..start + 5));
    logs.collect()
}

fn scan(log: &str, at: i64) -> Value {
    Scanner::new(log).rule().with(REPEAT).at(at).json(0)
}

fn offences(report: &Value) -> Vec<u64> {
    let offences = violations(report).iter();
    let offences = offences.filter_map(|violation| violation["offence"].as_u64());
    offences.collect()
}

fn by_hand(arguments: &[&str]) -> Ran {
    let scanner = Scanner::new("");
    let mut command = scanner.command();
    Ran::new(&command.args(arguments).output().expect("started"))
}

fn each_ban_is_longer() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    for (number, length) in [(1, 3600), (2, 4 * 3600), (3, 16 * 3600)] {
        let offences_so_far = &OFFENCES[..number];
        let now = offences_so_far[number - 1] + 4;
        for again in [0, 60] {
            let report = scan(&log(offences_so_far), now + again);
            assert_eq!(offences(&report), [number, number].map(|n| n as u64));
        }
        // What the log has lost is remembered, and what it has is not counted again.
        let last = &offences_so_far[number - 1..];
        assert_eq!(
            offences(&scan(&log(last), now)),
            [number, number].map(|n| n as u64)
        );
        for (set, source) in [("blacklist", V4), ("blacklist_v6", V6)] {
            sets.assert_left(set, source, length)?;
            sets.ipset(&format!("del {set} {source}"))?;
        }
    }
    let report = Scanner::new(log(&OFFENCES[2..]))
        .rule()
        .with(REPEAT)
        .at(36_004)
        .run();
    report
        .done(0)
        .says("into blacklist or blacklist_v6 for 1h, each further time within 1w 4 times as long, at most 2d\n")
        .says("[ACTION] 203.0.113.7: added to blacklist for 16h, until 2026-11-23 10:00:04 +00:00, 3rd ban within 1w\n");
    let members = sets.members("blacklist")?;
    assert!(
        members[V4].ends_with(" offence=3 remembered=1w\""),
        "{members:?}"
    );
    let remembered = &sets.members("offenders_v6")?[V6];
    assert!(
        remembered.ends_with(
            "comment \"offender: offences=3 first=2026-11-22T18:00:04Z last=2026-11-22T18:00:04Z \
             end=2026-11-23T10:00:04Z until=2026-11-29T18:00:04Z\""
        ),
        "{remembered}"
    );
    sets.assert_left("offenders_v6", V6, 8 * 86_400)?;
    by_hand(&["bans", V4])
        .done(0)
        .says("last 2026-11-22 18:00:04 +00:00, 3rd ban within 1w\n")
        .says("offender: 3 bans, the last for what came from 2026-11-22 18:00:04 +00:00 to 2026-11-22 18:00:04 +00:00\n");
    // 64 hours would be the next.
    let report = scan(&log(&[108_000]), 108_004);
    assert_eq!(violations(&report)[0]["timeout"], 2 * 86_400);
    assert_eq!(
        report["rules"][0]["repeat"],
        json!({ "within": 7 * 86_400, "factor": 4, "at_most": 2 * 86_400 })
    );
    Ok(())
}

fn one_scan_of_all_counts_the_same() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    let report = scan(&log(&OFFENCES), 36_100);
    assert_eq!(offences(&report), [3, 3]);
    sets.assert_left("blacklist", V4, 16 * 3600)?;
    // Within the ban it is the same offence, to the second; after it another.
    let until = 36_004 + 16 * 3600;
    let report = scan(&log(&[until - 4]), until);
    assert_eq!(offences(&report), [3, 3]);
    let until = until + 16 * 3600;
    let report = scan(&log(&[until - 3]), until + 1);
    assert_eq!(offences(&report), [4, 4]);
    Ok(())
}

fn follow_counts_the_same_beside_a_scan() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    let now = jiff::Timestamp::now().as_second();
    let ago = |hours: i64| now - hours * 3600 - crate::support::START;
    // Two that are over, of a first ban of an hour and a second of four.
    let before = log(&[ago(30), ago(20)]);
    let scanner = Scanner::new(&before).with("follow").rule().with(REPEAT);
    let follow = Follow::with(scanner)?;
    follow.next("start");
    assert!(sets.names("blacklist")?.is_empty());
    assert!(sets.members("offenders")?[V4].contains(" offences=2 "));
    let scanner = Scanner::new(&before).rule().with(REPEAT);
    scanner.run().done(0);
    let mut follow = follow;
    follow.write(&log(&[ago(0) - 5]))?;
    for _ in 0..2 {
        let ban = follow.next("ban");
        assert_eq!(
            (&ban["outcome"], &ban["offence"]),
            (&"added".into(), &3.into())
        );
    }
    follow.end(0)?;
    sets.assert_left("blacklist", V4, 16 * 3600)?;
    sets.assert_left("blacklist_v6", V6, 16 * 3600)?;
    // A restart, and a scan of the same lines.
    let all = before + &log(&[ago(0) - 5]);
    let follow = Follow::with(Scanner::new(&all).with("follow").rule().with(REPEAT))?;
    follow.next("start");
    follow.end(0)?;
    let report = Scanner::new(&all).rule().with(REPEAT).json(0);
    assert_eq!(offences(&report), [3, 3]);
    assert!(sets.members("offenders")?[V4].contains(" offences=3 "));
    Ok(())
}

fn an_address_that_is_let_go_begins_anew() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    scan(&log(&OFFENCES), 36_100);
    by_hand(&["unban", "203.0.113.0/24"])
        .done(0)
        .says("[ACTION] 203.0.113.7: its earlier bans are forgotten\n");
    assert!(sets.names("offenders")?.is_empty());
    assert_eq!(sets.names("offenders_v6")?, [V6]);
    let report = scan(&log(&OFFENCES), 36_100);
    assert_eq!(offences(&report), [3], "the other one");
    // By the clock of the machine, after the pardon.
    let now = jiff::Timestamp::now().as_second() - crate::support::START + 60;
    let report = scan(&log(&[now]), now + 4);
    assert_eq!(offences(&report)[0], 1);
    Ok(())
}

fn a_memory_longer_than_the_kernel_counts() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    let scan = |offences: &[i64], at| {
        let scanner = Scanner::new(log(offences)).rule();
        scanner
            .with("--repeat within=30d,factor=2,at-most=21d")
            .at(at)
            .json(0)
    };
    scan(&[0], 60);
    let members = sets.members("offenders")?;
    assert!(members[V4].starts_with("timeout 0 comment"), "{members:?}");
    by_hand(&["bans", V4])
        .done(0)
        .says(" 2026-12-22 08:00:04 +00:00 ");
    let day = 86_400;
    assert_eq!(offences(&scan(&[29 * day], 29 * day + 60)), [2, 2]);
    // A scan that has nobody to ban forgets who is over.
    scan(&[], 60 * day);
    assert_eq!(sets.names("offenders")?, [V4]);
    scan(&[], 60 * day + 10);
    assert!(sets.names("offenders")?.is_empty() && sets.names("offenders_v6")?.is_empty());
    assert_eq!(offences(&scan(&[62 * day], 62 * day + 60)), [1, 1]);
    Ok(())
}

fn a_full_memory_bans_all_the_same() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    sets.create("offenders", "hash:net maxelem 1 timeout 0 comment")?;
    sets.add("offenders", "198.51.100.1")?;
    let warning = "[WARNING] some who are banned are not remembered in set \"offenders\", so that their next ban is no longer than a first one: it is full\n";
    for offence in OFFENCES {
        let log = blocked(&[V4, "203.0.113.8", V6], offence..offence + 5);
        let ran = Scanner::new(log).rule().with(REPEAT).at(offence + 4).run();
        assert_eq!(
            ran.done(0).stdout.matches(warning).count(),
            1,
            "{}",
            ran.stdout
        );
        sets.assert_left("blacklist", V4, 3600)?;
        sets.ipset("flush blacklist")?;
    }
    // The other family has room.
    sets.assert_left("blacklist_v6", V6, 16 * 3600)
}

fn a_dry_run_remembers_nothing() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    scan(&log(&OFFENCES[..1]), 60);
    let before = sets.ipset("save")?;
    let scanner = Scanner::new(log(&OFFENCES[1..])).rule().with(REPEAT);
    let report = scanner.with("--dryrun").at(36_100).json(0);
    assert_eq!(offences(&report), [3, 3]);
    let without_time = |text: &str| {
        text.replace("timeout ", "\n")
            .lines()
            .filter(|line| !line.starts_with(char::is_numeric))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(without_time(&sets.ipset("save")?), without_time(&before));
    Ok(())
}

fn a_network_comes_back() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    for (number, start) in (1_u64..).zip(OFFENCES) {
        let log: String = (start..start + 5)
            .map(|second| {
                let host = second % 5;
                blocked(
                    &[&format!("203.0.113.{host}"), &format!("2001:db8:1::{host}")],
                    [second],
                )
            })
            .collect();
        let scanner = Scanner::new(log).rule().with(REPEAT);
        let report = scanner
            .with("--aggregate-v4 24 --aggregate-v6 64")
            .at(start + 60)
            .json(0);
        assert_eq!(offences(&report), [number, number]);
    }
    assert_eq!(sets.names("offenders")?, ["203.0.113.0/24"]);
    assert_eq!(sets.names("offenders_v6")?, ["2001:db8:1::/64"]);
    sets.assert_left("blacklist_v6", "2001:db8:1::/64", 16 * 3600)
}

fn a_rule_that_cannot_be() -> Result<(), Failed> {
    let _sets = Sets::as_firewall_apply()?;
    Scanner::new("")
        .rule()
        .with("--repeat within=30d,factor=2,at-most=30m")
        .run()
        .done(2)
        .complains("the rule cannot be: repeat: at-most is 30m, and removeafter, the length of the first ban, is 1h");
    Scanner::new("")
        .rule()
        .with("--repeat within=30d,factor=2,at-most=25d")
        .run()
        .done(2)
        .complains("at-most: 2160000 s are more than the kernel can count");
    Ok(())
}
