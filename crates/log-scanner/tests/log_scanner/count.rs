//! What is counted, against a count by brute force.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::IpAddr;
use std::process::Stdio;

use netns_testbed::Failed;
use serde_json::{Value, json};

use crate::support::{RULE, Ran, START, Scanner, V4, blocked, line, packet, stamp, violations};

crate::trials!(
    as_by_brute_force,
    one_more_second_or_one_less_hit,
    several_logs_are_one,
    a_log_that_is_cut_while_it_is_read,
    a_name_that_no_line_has,
);

const HOWMANY: usize = 6;
const WITHIN: i64 = 40;
const REMOVEAFTER: i64 = 600;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What the rule says of one source, by looking at every window that begins with a hit.
fn brute_force(source: IpAddr, hits: &[i64]) -> Option<Value> {
    let mut peak = 0;
    let mut last_violating = None;
    for first in hits {
        let window = || {
            hits.iter()
                .filter(|hit| (*first..=*first + WITHIN).contains(hit))
        };
        peak = peak.max(window().count());
        if window().count() >= HOWMANY {
            last_violating = last_violating.max(window().max().copied());
        }
    }
    let expires = last_violating? + REMOVEAFTER;
    Some(json!({
        "source": source.to_string(),
        "set": if source.is_ipv4() { "blacklist" } else { "blacklist_v6" },
        "hits": hits.len(),
        "peak_hits": peak,
        "first_seen": stamp(*hits.iter().min()?),
        "last_seen": stamp(*hits.iter().max()?),
        "expires": stamp(expires),
        "timeout": (expires - START - 1000).max(0),
        "outcome": if expires > START + 1000 { "would-add" } else { "expired" },
        "error": null,
    }))
}

fn as_by_brute_force() -> Result<(), Failed> {
    for seed in 0..8 {
        let mut numbers = Numbers(seed);
        let mut hits: BTreeMap<IpAddr, Vec<i64>> = BTreeMap::new();
        let mut lines = Vec::new();
        for _ in 0..1800 {
            let number = numbers.below(30);
            let source = match numbers.below(2) {
                0 => format!("203.0.113.{number}"),
                _ => format!("2001:db8::{number}"),
            };
            // In bursts, so that some windows are full and others nearly.
            let second = numbers.below(6) * 150 + numbers.below(60);
            let second = START + i64::try_from(second).expect("small");
            let (prefix, protocol) = match numbers.below(5) {
                0 => ("ALLOWED", "TCP"),
                1 => ("BLOCKED", "UDP"),
                _ => ("BLOCKED", "TCP"),
            };
            lines.push(line(second, &packet(prefix, &source, protocol)));
            if (prefix, protocol) == ("BLOCKED", "TCP") {
                hits.entry(source.parse().expect("an address"))
                    .or_default()
                    .push(second);
            }
        }
        let expected: Vec<_> = hits
            .iter()
            .filter_map(|(source, hits)| brute_force(*source, hits))
            .collect();
        assert!(
            !expected.is_empty() && expected.len() < hits.len(),
            "seed {seed} proves nothing"
        );

        let rule = format!(
            "--rule blocked --type tcp --howmany {HOWMANY} --within {WITHIN}s --ipset blacklist \
             --removeafter {REMOVEAFTER}s --dryrun --log fw.log"
        );
        let scan = |lines: &[String]| Scanner::new(lines.concat()).with(&rule).at(1000).json(0);
        let report = scan(&lines);
        assert_eq!(violations(&report), expected, "seed {seed}");
        let matched: usize = hits.values().map(Vec::len).sum();
        assert_eq!(report["rules"][0]["matched"], matched);
        assert_eq!(report["rules"][0]["sources"], hits.len());

        lines.sort();
        let sorted = scan(&lines);
        assert_eq!(
            sorted["rules"], report["rules"],
            "the order of lines makes no difference"
        );
    }
    Ok(())
}

fn one_more_second_or_one_less_hit() -> Result<(), Failed> {
    use crate::support::{V4, blocked};
    let found = |log: String| {
        let report = Scanner::new(log).rule().with("--dryrun").at(60).json(0);
        violations(&report).len()
    };
    assert_eq!(found(blocked(&[V4], [0, 1, 2, 3, 10])), 1);
    assert_eq!(found(blocked(&[V4], [0, 1, 2, 3, 11])), 0);
    assert_eq!(found(blocked(&[V4], [0, 1, 2, 10])), 0);
    assert_eq!(found(blocked(&[V4], [5, 5, 5, 5, 5])), 1);
    Ok(())
}

fn several_logs_are_one() -> Result<(), Failed> {
    use crate::support::{V4, blocked};
    let scanner = Scanner::new(blocked(&[V4], [3, 4]))
        .write("fw.log.1", blocked(&[V4], [0, 1, 2]))
        .with("--log fw.log.1")
        .rule()
        .with("--dryrun")
        .at(60);
    let report = scanner.json(0);
    assert_eq!(violations(&report).len(), 1);
    assert_eq!(report["logs"][0]["path"], "fw.log.1");
    assert_eq!(report["logs"][0]["lines"], 3);
    assert_eq!(report["logs"][1]["path"], "fw.log");
    assert_eq!(report["logs"][1]["events"], 2);
    Ok(())
}

/// As logrotate does with copytruncate.
fn a_log_that_is_cut_while_it_is_read() -> Result<(), Failed> {
    let log = blocked(&[V4], 0..5);
    let scanner = Scanner::new(&log)
        .with(RULE)
        .with("--dryrun --log first --log fw.log")
        .at(60);
    nix::unistd::mkfifo(&scanner.path("first"), nix::sys::stat::Mode::S_IRWXU)?;
    let scan = scanner.command().stdout(Stdio::piped()).spawn()?;
    // Opens when the scanner does. More than a pipe holds: once it is written the scanner reads,
    // and has opened both.
    let mut first = OpenOptions::new().write(true).open(scanner.path("first"))?;
    for _ in 0..200 {
        first.write_all(log.as_bytes())?;
    }
    OpenOptions::new()
        .write(true)
        .open(scanner.path("fw.log"))?
        .set_len(10)?;
    drop(first);
    let ran = Ran::new(&scan.wait_with_output()?);
    ran.done(0)
        .says("[WARNING] log \"fw.log\" was cut while it was read: what it held after line 1 was not seen\n");
    assert!(!ran.stdout.contains("\"first\""), "{}", ran.stdout);
    Ok(())
}

fn a_name_that_no_line_has() -> Result<(), Failed> {
    let packet = |prefix: &str| packet("BLOCKED", V4, "TCP").replace("IPTABLES-BLOCKED: ", prefix);
    let mut log = blocked(&[V4], 0..3);
    log.push_str(&line(START, &packet("[UFW BLOCK] ")).repeat(4));
    log.push_str(&line(START, &packet("\u{1b}[2Jx ")));
    let scan = |rule: &str| {
        let scanner =
            Scanner::new(&log).with("--type tcp --howmany 5 --within 10s --ipset blacklist");
        let scanner = scanner
            .with("--removeafter 1h --dryrun --log fw.log")
            .at(60);
        let mut command = scanner.command();
        Ran::new(&command.args(["--rule", rule]).output().expect("started"))
    };
    scan("[UFW BLOCK]").done(0).says(
        "  none\n  no line has the prefix IPTABLES-[UFW BLOCK] or IP6TABLES-[UFW BLOCK], which this rule stands for; \
         the first lines of the log have \"[UFW BLOCK] \" (4), \"IPTABLES-BLOCKED: \" (3), \"\\u{1b}[2Jx \" (1)\n",
    );
    // A log that has the prefix, and one that has nothing.
    for (rule, log) in [("BLOCKED: ", log.as_str()), ("limited", "")] {
        let scanner =
            Scanner::new(log).with("--type udp --howmany 5 --within 10s --ipset blacklist");
        let scanner = scanner
            .with("--removeafter 1h --dryrun --log fw.log")
            .at(60);
        let output = scanner.command().args(["--rule", rule]).output()?;
        let ran = Ran::new(&output);
        assert!(!ran.done(0).stdout.contains("no line"), "{}", ran.stdout);
    }
    let report = Scanner::new(&log).rule().with("--dryrun").at(60).json(0);
    assert_eq!(report["rules"][0].get("prefixes"), None);
    let rule = RULE.replace("blocked", "limited");
    let report = Scanner::new(&log).with(&rule).with("--dryrun --log fw.log");
    let held = &report.at(60).json(0)["rules"][0]["prefixes"];
    assert_eq!(
        held[0],
        serde_json::json!({"prefix": "[UFW BLOCK] ", "lines": 4})
    );
    Ok(())
}
