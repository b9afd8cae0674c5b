//! `try`: the violators of a scan, near misses against counting by hand, who had been let in, and
//! what rules leave alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use netns_testbed::Failed;
use serde_json::{Value, json};

use super::support::{START, Scanner, Sets, blocked, line, packet, stamp};

super::trials!(
    the_violators_are_those_of_a_scan,
    near_misses_are_those_of_counting_by_hand,
    who_had_been_let_in,
    what_no_rule_counts_and_what_is_no_line,
    how_it_ends_and_what_it_says,
    it_needs_no_right_and_changes_nothing,
);

/// Two kinds of packets, ports, networks: what rules have.
const RULES: &str = r#"
protect = []
[[rule]]
rule = "blocked"
type = "tcp"
howmany = 10
within = "30s"
ipset = "blacklist"
removeafter = "1h"
[[rule]]
rule = "blocked"
type = "all"
howmany = 10
distinct-ports = 5
within = "40s"
ipset = "throttle-hard"
removeafter = "2h"
[[rule]]
rule = "blocked"
type = "tcp"
howmany = 12
within = "20s"
aggregate-v4 = 24
aggregate-v6 = 64
ipset = "blacklist"
removeafter = "1h"
"#;

/// What a drawn line is of.
#[derive(Clone)]
struct Shot {
    second: i64,
    source: &'static str,
    port: u16,
    allowed: bool,
}

/// A source, its network as the third rule counts it.
const SOURCES: [(&str, &str); 6] = [
    ("203.0.113.7", "203.0.113.0/24"),
    ("203.0.113.8", "203.0.113.0/24"),
    ("198.51.100.1", "198.51.100.0/24"),
    ("2001:db8:1::7", "2001:db8:1::/64"),
    ("2001:db8:1::8", "2001:db8:1::/64"),
    ("2001:db8:2::9", "2001:db8:2::/64"),
];

/// Draws lines, the same for the same seed.
fn drawn(seed: u64) -> Vec<Shot> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |most: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % most
    };
    let mut second = 0;
    let shots = (0..150 + below(100)).map(|_| {
        second += i64::try_from(below(4)).expect("small");
        let source = usize::try_from(below(6)).expect("small");
        Shot {
            second,
            source: SOURCES[source].0,
            port: 20 + u16::try_from(below(7)).expect("small"),
            allowed: below(8) == 0,
        }
    });
    let mut shots: Vec<_> = shots.collect();
    // A log need not be in order.
    let last = shots.len() - 1;
    shots.swap(0, last);
    shots
}

fn text(shots: &[Shot]) -> String {
    let text = shots.iter().map(|shot| {
        let prefix = if shot.allowed { "ALLOWED" } else { "BLOCKED" };
        let packet = packet(prefix, shot.source, "TCP");
        let packet = packet.replace("DPT=22", &format!("DPT={}", shot.port));
        line(START + shot.second, &packet)
    });
    text.collect()
}

fn tried(log: &str, rules: &str, status: i32) -> Value {
    let scanner = Scanner::new(log).write("scan.toml", rules);
    scanner
        .with("try --rules scan.toml --log fw.log")
        .at(1000)
        .json(status)
}

/// The fields of everybody in a list that scan and try have both.
fn who(list: &Value) -> Vec<Value> {
    let list = list.as_array().expect("a list").iter();
    let keys = [
        "source",
        "set",
        "hits",
        "peak_hits",
        "peak_ports",
        "first_seen",
        "last_seen",
        "expires",
    ];
    list.map(|one| {
        keys.iter()
            .map(|key| (*key, one[key].clone()))
            .collect::<BTreeMap<_, _>>()
    })
    .map(|one| json!(one))
    .collect()
}

fn the_violators_are_those_of_a_scan() -> Result<(), Failed> {
    Sets::none()?;
    let mut found = 0;
    for seed in 1..=12 {
        let log = text(&drawn(seed));
        let scanner = Scanner::new(&log).write("scan.toml", RULES);
        let scan = scanner
            .with("--rules scan.toml --dryrun --log fw.log")
            .at(1000);
        let ran = scan.with("--json").run();
        let scan: Value = serde_json::from_str(&ran.stdout).map_err(|_| ran.stderr)?;
        let violators = scan["rules"].as_array().expect("rules").iter();
        let of_scan: Vec<_> = violators.map(|rule| who(&rule["violations"])).collect();
        let status = i32::from(of_scan.iter().any(|all| !all.is_empty()));
        let tried = tried(&log, RULES, status);
        let rules = tried["rules"].as_array().expect("rules");
        let of_try: Vec<_> = rules.iter().map(|rule| who(&rule["violators"])).collect();
        assert_eq!(of_try, of_scan, "seed {seed}");
        for (one, other) in rules.iter().zip(scan["rules"].as_array().expect("rules")) {
            for key in ["matched", "sources", "howmany", "ipset"] {
                assert_eq!(one[key], other[key], "{key}");
            }
        }
        assert_eq!(tried["logs"], scan["logs"]);
        found += of_scan.iter().map(Vec::len).sum::<usize>();
    }
    assert!(found > 10, "only {found} violators were drawn");
    Ok(())
}

/// For each rule of [`RULES`]: who is a violator and who near, looking at every window.
fn by_hand(shots: &[Shot]) -> Vec<(BTreeSet<String>, BTreeSet<String>)> {
    let rules: [(usize, usize, i64, bool); 3] =
        [(10, 0, 30, false), (10, 5, 40, false), (12, 0, 20, true)];
    let reached = |hits: f64, ports: f64, within: i64, is_network: bool| {
        let mut who = BTreeSet::new();
        for (source, network) in SOURCES {
            let name = if is_network { network } else { source };
            let own = shots.iter().filter(|shot| {
                let same = SOURCES.iter().find(|(other, _)| *other == shot.source);
                let (other, of) = same.expect("one of them");
                !shot.allowed
                    && if is_network {
                        *of == network
                    } else {
                        *other == source
                    }
            });
            let own: Vec<_> = own.collect();
            for first in &own {
                let window = own
                    .iter()
                    .filter(|shot| (first.second..=first.second + within).contains(&shot.second));
                let window: Vec<_> = window.collect();
                let to: BTreeSet<_> = window.iter().map(|shot| shot.port).collect();
                let (count, to) = (
                    f64::from(u32::try_from(window.len()).expect("few")),
                    to.len(),
                );
                if count >= hits && f64::from(u32::try_from(to).expect("few")) >= ports {
                    who.insert(name.to_owned());
                }
            }
        }
        who
    };
    let number = |number: usize| f64::from(u32::try_from(number).expect("small"));
    let rules = rules.iter().map(|(hits, ports, within, is_network)| {
        let (hits, ports) = (number(*hits), number(*ports));
        let violators = reached(hits, ports, *within, *is_network);
        let near = reached(hits * 0.8, ports * 0.8, *within, *is_network);
        let near = near.difference(&violators).cloned().collect();
        (violators, near)
    });
    rules.collect()
}

fn sources(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|one| one["source"].as_str().expect("text").to_owned())
        .collect()
}

fn near_misses_are_those_of_counting_by_hand() -> Result<(), Failed> {
    let mut near = 0;
    for seed in 20..=34 {
        let shots = drawn(seed);
        let expected = by_hand(&shots);
        let status = i32::from(expected.iter().any(|(violators, _)| !violators.is_empty()));
        let tried = tried(&text(&shots), RULES, status);
        let rules = tried["rules"].as_array().expect("rules");
        let found = rules
            .iter()
            .map(|rule| (sources(&rule["violators"]), sources(&rule["near"])));
        assert_eq!(found.collect::<Vec<_>>(), expected, "seed {seed}");
        let all = rules
            .iter()
            .flat_map(|rule| rule["near"].as_array().expect("a list"));
        for one in all {
            assert!(one["percent"].as_u64() >= Some(80), "{one}");
            near += 1;
        }
    }
    assert!(near > 10, "only {near} near misses were drawn");
    Ok(())
}

fn who_had_been_let_in() -> Result<(), Failed> {
    let allowed = |source, second| line(START + second, &packet("ALLOWED", source, "TCP"));
    let (one, other, near) = ("203.0.113.7", "203.0.113.8", "2001:db8:1::7");
    let log = [
        allowed(one, 0),
        blocked(&[one, other], 1..=10),
        blocked(&[near], 1..=8),
        allowed(one, 11),
        allowed(one, 12),
        allowed(near, 5),
        allowed("192.0.2.99", 6),
    ]
    .concat();
    let tried = tried(&log, RULES, 1);
    let rule = &tried["rules"][0];
    let let_in = json!({
        "hits": 3, "later": 2, "first_seen": stamp(START), "last_seen": stamp(START + 12),
    });
    assert_eq!(rule["violators"][0]["allowed"], let_in);
    assert_eq!(rule["violators"][1]["source"], other);
    assert_eq!(rule["violators"][1]["allowed"], Value::Null);
    assert_eq!(rule["near"][0]["source"], near);
    assert_eq!(rule["near"][0]["percent"], 80);
    assert_eq!(rule["near"][0]["allowed"]["later"], 0);
    // In a network it is anybody of it.
    assert_eq!(tried["rules"][2]["violators"][0]["allowed"], let_in);
    let scanner =
        Scanner::new(&log).with("try --log fw.log --rule blocked --type tcp --howmany 10");
    let scanner =
        scanner.with("--within 30s --ipset blacklist --removeafter 1h --exempt 203.0.113.8");
    let ran = scanner.at(1000).run();
    ran.done(1)
        .says("[VIOLATION] 203.0.113.7: 10 hits, at most 10 of 10 within 30s, first 2026-11-22 08:00:01")
        .says("would be in blacklist until 2026-11-22 09:00:10")
        .says("let in: 3 packets, 2 of them afterwards, first 2026-11-22 08:00:00")
        .says("exempt: 203.0.113.8 is covered by --exempt 203.0.113.8")
        .says("near, 80 %: 2001:db8:1::7: 8 hits, at most 8 of 10 within 30s")
        .says("let in: 1 packet, first 2026-11-22 08:00:05");
    Ok(())
}

fn what_no_rule_counts_and_what_is_no_line() -> Result<(), Failed> {
    let blocked = packet("BLOCKED", "203.0.113.7", "TCP");
    let forged = format!("{} fw sshd[7]: {blocked}\n", stamp(START));
    let log = [
        line(START, &blocked),
        line(START, &blocked.replace(" SYN ", " ACK ")),
        line(START, &blocked.replace(" SYN ", " RST ")),
        line(START, &blocked.replace("IN=eth0", "IN=")),
        line(START, &blocked.replace("DST=192.0.2.1", "DST=224.0.0.1")),
        line(START, &packet("BLOCKED", "203.0.113.7", "UDP")),
        line(START, &packet("WEB", "203.0.113.7", "TCP")),
        line(START, &packet("WEB", "203.0.113.8", "TCP")),
        line(START, &packet("WEB", "203.0.113.9", "TCP")),
        line(START + 9_999, &blocked),
        format!("{} fw cron[1]: \x1b[2Jnothing\n", stamp(START)),
        forged.repeat(5),
        line(START, &blocked.replace("LEN=60", "LEN=6x")),
        "x".repeat(70_000),
    ]
    .concat();
    let rule = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nhowmany = 10\nwithin = \"30s\"\nipset = \"blacklist\"\nremoveafter = \"1h\"\n";
    let tried = tried(&log, rule, 0);
    let not_counted = tried["not_counted"].as_array().expect("a list").iter();
    let not_counted = not_counted.map(|kind| {
        let prefix = kind["prefix"].as_str().expect("text");
        let why = kind["why"].as_str().expect("text");
        (
            format!("{prefix} {why}"),
            kind["lines"].as_u64().expect("a number"),
        )
    });
    let expected = [
        ("IPTABLES-WEB: prefix", 3),
        ("IPTABLES-BLOCKED: answer", 2),
        ("IPTABLES-BLOCKED: own", 1),
        ("IPTABLES-BLOCKED: type", 1),
        ("IPTABLES-BLOCKED: multicast", 1),
        ("IPTABLES-BLOCKED: ahead", 1),
    ];
    let expected = expected.map(|(kind, lines)| (kind.to_owned(), lines));
    assert_eq!(not_counted.collect::<BTreeMap<_, _>>(), expected.into());
    assert_eq!(tried["counted"], 1);
    let strange = &tried["strange"];
    for (kind, lines, at) in [
        ("other", 1, 11),
        ("rejected", 5, 12),
        ("unparsed", 1, 17),
        ("too-long", 1, 18),
    ] {
        assert_eq!(strange[kind]["lines"], lines, "{kind}: {strange}");
        assert_eq!(strange[kind]["first"][0]["line"], at, "{kind}: {strange}");
        assert_eq!(strange[kind]["first"][0]["log"], "fw.log");
    }
    assert_eq!(
        strange["rejected"]["first"].as_array().map(Vec::len),
        Some(3)
    );
    let why = strange["rejected"]["first"][0]["why"]
        .as_str()
        .expect("text");
    assert!(why.contains("was written by sshd"), "{why}");
    // What the scan counted of the same log says the same.
    let counts = &tried["logs"][0];
    assert_eq!(
        (&counts["rejected"], &counts["unparsed"]),
        (&json!(5), &json!(1))
    );
    let of_events = tried["not_counted"].as_array().expect("a list").iter();
    let of_events: u64 = of_events.filter_map(|kind| kind["lines"].as_u64()).sum();
    assert_eq!(counts["events"], of_events + 1);
    let scanner = Scanner::new(&log).write("scan.toml", rule);
    let ran = scanner
        .with("try --rules scan.toml --log fw.log")
        .at(1000)
        .run();
    ran.done(0)
        .says("IPTABLES-WEB:: no rule stands for this prefix")
        .says("fw.log:11: 2026-11-22T08:00:00Z fw cron[1]: \\u{1b}[2Jnothing")
        .says("0 violators");
    assert!(!ran.stdout.contains('\x1b'));
    Ok(())
}

fn how_it_ends_and_what_it_says() -> Result<(), Failed> {
    let log = blocked(&["203.0.113.7"], 0..9);
    let status = |more: &str| Scanner::new(&log).with("try").with(more).run().status;
    let rule = |howmany| {
        format!(
            "--rule blocked --type tcp --howmany {howmany} --within 30s --ipset blacklist --removeafter 1h"
        )
    };
    assert_eq!(status(&format!("{} --log fw.log", rule(9))), Some(1));
    assert_eq!(status(&format!("{} --log fw.log", rule(10))), Some(0));
    assert_eq!(status(&format!("{} --log none.log", rule(10))), Some(2));
    assert_eq!(status("--log fw.log"), Some(2));
    assert_eq!(status(&format!("{} --rules scan.toml", rule(10))), Some(2));
    let bad = Scanner::new(&log).write(
        "scan.toml",
        RULES.replace("howmany = 12", "howmany = \"x\""),
    );
    let ran = bad.with("try --rules scan.toml --log fw.log").run();
    ran.done(2).complains("line 21, column 11");
    let wrong = RULES.replace("\"blocked\"", "\"bloked\"");
    let wrong = Scanner::new(&log).write("scan.toml", wrong);
    let ran = wrong.with("try --rules scan.toml --log fw.log").run();
    ran.done(0)
        .says("no line has its prefix; the first lines have \"IPTABLES-BLOCKED: \" (9)");
    Ok(())
}

fn it_needs_no_right_and_changes_nothing() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let before = sets.all()?;
    let scanner = Scanner::new(blocked(&["203.0.113.7"], 0..9));
    let log = File::open(scanner.path("fw.log")).expect("the log");
    let scanner = scanner.with("try --rule blocked --type tcp --howmany 5 --within 30s");
    let scanner = scanner.with("--ipset blacklist --removeafter 1h --log - --as-of log-end --json");
    // Of another user namespace, the kernel's sets are not his to ask.
    let mut command = scanner.command_of(&["unshare", "--user", super::support::PROGRAM]);
    let output = command.stdin(log).output().expect("started");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let tried: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(tried["rules"][0]["violators"][0]["source"], "203.0.113.7");
    assert_eq!(tried["as_of"], stamp(START + 8));
    assert_eq!(sets.all()?, before);
    Ok(())
}
