//! A log that is followed, packet by packet, and the same log read to its end: both judges say the
//! same of everybody.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::time::{Duration, SystemTime};

use firewall_log::{Clock, Detector, LineDetector, LogReader, Protocol, Scan, Threshold};
use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// 2026-11-22T09:00:00Z
const START: u64 = 1_795_338_000;

const PREFIXES: [&str; 2] = ["IPTABLES-BLOCKED: ", "X"];

/// What is drawn of a rule; `within` is at least as long as lines are late.
type RuleParts = (
    (u32, u64),
    (Option<usize>, Option<Protocol>, Option<u16>),
    (u8, u8),
    (bool, bool, bool, bool),
);

fn rule_parts() -> impl Strategy<Value = RuleParts> {
    const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Icmp];
    let v4 = prop_oneof![3 => Just(32_u8), 1 => Just(30), 1 => Just(0)];
    let v6 = prop_oneof![3 => Just(128_u8), 1 => Just(126)];
    (
        (1_u32..12, 0_u64..10),
        (
            option::of(0_usize..2),
            option::of(prop::sample::select(&PROTOCOLS[..])),
            option::of(1_u16..4),
        ),
        (v4, v6),
        any::<(bool, bool, bool, bool)>(),
    )
}

fn threshold(drawn: &RuleParts, late: u64) -> Threshold {
    let ((hits, more), (prefix, protocol, ports), (v4, v6), flags) = drawn;
    let (answers, multicast, stealth, excepts) = flags;
    let hits = NonZeroU32::new(*hits).unwrap();
    let mut rule = Threshold::new(hits, Duration::from_secs(late + more))
        .aggregate_v4(*v4)
        .aggregate_v6(*v6)
        .count_answers(*answers)
        .count_multicast(*multicast)
        .count_stealth_scans(*stealth);
    if let Some(prefix) = prefix {
        rule = rule.prefix(PREFIXES[*prefix]);
    }
    if let Some(protocol) = protocol {
        rule = rule.protocol(*protocol);
    }
    if let Some(ports) = ports {
        rule = rule.distinct_ports(NonZeroU16::new(*ports).unwrap());
    }
    if *excepts {
        let v4 = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 4));
        let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5));
        rule = rule.except([(v4, 31), (v6, 128)]);
    }
    rule
}

/// What is drawn of a line.
#[derive(Debug, Clone)]
struct Shot {
    source: u8,
    /// Seconds after the line before.
    pause: u64,
    /// By how much it comes late, as a share of what is allowed, in percent.
    late: u64,
    prefix: usize,
    port: u16,
    what: usize,
    to_group: bool,
    /// A line that says so many packets like this followed, so many seconds later; in place of the
    /// packet or after it.
    repeated: Option<(u32, u64, bool)>,
}

fn shot() -> impl Strategy<Value = Shot> {
    (
        prop_oneof![3 => Just(2_u8), 1 => Just(3), 2 => 0_u8..8],
        prop_oneof![5 => 0_u64..2, 1 => 0_u64..12],
        prop_oneof![2 => Just(0_u64), 1 => 0..=100_u64],
        0_usize..2,
        1_u16..5,
        prop_oneof![3 => Just(0_usize), 3 => 0..7_usize],
        prop::bool::weighted(0.1),
        option::weighted(0.15, (1_u32..40, 0_u64..15, any::<bool>())),
    )
        .prop_map(
            |(source, pause, late, prefix, port, what, to_group, repeated)| Shot {
                source,
                pause,
                late,
                prefix,
                port,
                what,
                to_group,
                repeated,
            },
        )
}

impl Shot {
    /// What the kernel logged.
    fn packet(&self) -> String {
        let (source, port) = (self.source, self.port);
        let tcp = |flags| format!("PROTO=TCP SPT=1 DPT={port} WINDOW=1 RES=0x00 {flags}URGP=0 ");
        let transport = match self.what {
            0 => tcp("SYN "),
            1 => tcp("ACK RST "),
            2 => tcp(""),
            3 => format!("PROTO=UDP SPT=1 DPT={port} LEN=8 "),
            4 => format!("PROTO=UDP SPT=53 DPT={port} LEN=8 "),
            5 if source % 2 == 0 => "PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 ".to_owned(),
            5 => "PROTO=ICMPv6 TYPE=128 CODE=0 ID=1 SEQ=1 ".to_owned(),
            _ => "TRUNCATED".to_owned(),
        };
        let ip = if source % 2 == 0 {
            let destination = if self.to_group {
                "239.255.255.250"
            } else {
                "203.0.113.1"
            };
            format!(
                "SRC=203.0.113.{source} DST={destination} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 "
            )
        } else {
            let network = if self.to_group { "ff0e" } else { "2001" };
            format!(
                "SRC=2001:0db8:0000:0000:0000:0000:0000:{source:04x} DST={network}:0db8:0000:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 "
            )
        };
        let prefix = PREFIXES[self.prefix];
        format!("{prefix}IN=eth0 OUT= {ip}{transport}")
    }
}

/// The lines of a log, of which none is late by more than so many seconds.
fn lines(shots: &[Shot], late: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut now = 60;
    let stamp = |second: u64| {
        format!(
            "2026-11-22T09:{:02}:{:02}.000000+00:00 fw",
            second / 60,
            second % 60
        )
    };
    for shot in shots {
        now += shot.pause;
        let (at, packet) = (now - late * shot.late / 100, shot.packet());
        let first = format!("{} kernel: {packet}\n", stamp(at));
        match shot.repeated {
            None => lines.push(first),
            Some((times, seconds, is_orphan)) => {
                if !is_orphan {
                    lines.push(first);
                    lines.push(format!("{} sshd[1]: somebody else\n", stamp(now)));
                }
                now = now.max(at + seconds);
                let at = stamp(at + seconds);
                lines.push(format!(
                    "{at} kernel: message repeated {times} times: [ {packet}]\n"
                ));
            }
        }
    }
    lines
}

/// By rule and network, the last packet of the last window that broke the threshold.
type Ends = BTreeMap<(usize, IpAddr, u8), SystemTime>;

/// Cuts are where a program forgets what is over.
fn follow(lines: &[String], rules: &[Threshold], clock: &Clock, late: u64, cuts: &[usize]) -> Ends {
    let mut detector = Detector::new(rules.to_vec());
    let mut ends = Ends::new();
    let mut newest = SystemTime::UNIX_EPOCH;
    for (number, line) in lines.iter().enumerate() {
        if cuts.contains(&number) {
            detector.forget_before(newest - Duration::from_secs(late));
        }
        let mut reader = LogReader::new(line.as_bytes());
        let Some(Ok(event)) = reader.next_event() else {
            continue;
        };
        let at = event.time.resolve(clock).unwrap();
        newest = newest.max(at);
        for violation in detector.observe(&event, at) {
            let rule = &rules[violation.rule];
            assert!(violation.hits >= u64::from(rule.hits().get()));
            assert!(violation.ports >= rule.ports().map(|ports| ports.get().into()));
            assert!(violation.last_seen >= at && violation.first_seen <= at);
            let network = (violation.source, violation.prefix_length);
            let end = ends.entry((violation.rule, network.0, network.1));
            let end = end.or_insert(violation.last_seen);
            *end = violation.last_seen.max(*end);
        }
    }
    ends
}

/// The lines as text, in pieces that the cuts part.
fn follow_lines(
    lines: &[String],
    rules: &[Threshold],
    clock: &Clock,
    late: u64,
    cuts: &[usize],
) -> Ends {
    let mut detector = LineDetector::new(rules.to_vec(), clock.clone());
    let mut ends = Ends::new();
    let mut newest = SystemTime::UNIX_EPOCH;
    let mut cuts: Vec<_> = cuts.iter().map(|cut| *cut.min(&lines.len())).collect();
    cuts.push(lines.len());
    cuts.sort_unstable();
    let (mut from, mut events) = (0, 0);
    for cut in cuts {
        for violation in detector.read(lines[from..cut].concat().as_bytes()) {
            let network = (violation.source, violation.prefix_length);
            let end = ends.entry((violation.rule, network.0, network.1));
            let end = end.or_insert(violation.last_seen);
            *end = violation.last_seen.max(*end);
        }
        from = cut;
        let summary = detector.take_summary();
        events += summary.counts.events;
        newest = newest.max(summary.newest.unwrap_or(newest));
        match cut % 3 {
            0 => detector.forget_before(newest - Duration::from_secs(late)),
            1 => detector.set_clock(clock.clone()),
            _ => {}
        }
    }
    let known = lines
        .iter()
        .filter(|line| line.contains(" kernel: "))
        .count();
    assert_eq!(events, known as u64);
    ends
}

fn scan(lines: &[String], rules: &[Threshold], clock: &Clock, workers: usize) -> Ends {
    let mut scan =
        Scan::new(rules.to_vec(), clock.clone()).workers(NonZeroUsize::new(workers).unwrap());
    scan.read(lines.concat().as_bytes()).unwrap();
    let findings = scan.finish().into_iter().enumerate();
    let ends = findings.flat_map(|(rule, finding)| {
        let end = move |tally: firewall_log::Tally| {
            let network = (rule, tally.source, tally.prefix_length);
            (network, tally.last_violating.unwrap())
        };
        finding.violators.into_iter().map(end)
    });
    ends.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_lines_give_the_same_violators(
        rules in vec(rule_parts(), 1..5),
        shots in vec(shot(), 1..90),
        late in 0_u64..8,
        cuts in vec(0_usize..120, 0..8),
        workers in 1_usize..3,
    ) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(START + 7200);
        let clock = Clock::new(now, TimeZone::UTC);
        let rules: Vec<_> = rules.iter().map(|drawn| threshold(drawn, late)).collect();
        let lines = lines(&shots, late);
        let followed = follow(&lines, &rules, &clock, late, &cuts);
        let scanned = scan(&lines, &rules, &clock, workers);
        prop_assert_eq!(followed, scanned.clone());
        let followed = follow_lines(&lines, &rules, &clock, late, &cuts);
        prop_assert_eq!(followed, scanned);
    }
}

/// All small logs of one source in which packets and lines that stand for packets take turns, also
/// for one packet that came at some time in a span.
#[test]
fn the_same_of_each_order_of_packets_and_sums() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(START + 7200);
    let clock = Clock::new(now, TimeZone::UTC);
    let rules: Vec<_> = (1..5)
        .flat_map(|hits| [0, 1, 2, 4].map(|within| (hits, within)))
        .map(|(hits, within)| {
            Threshold::new(NonZeroU32::new(hits).unwrap(), Duration::from_secs(within))
        })
        .collect();
    let sums = [(0, true), (1, true), (3, true), (1, false)]
        .map(|(seconds, is_orphan)| Some((1, seconds, is_orphan)));
    let each: Vec<_> = [None]
        .into_iter()
        .chain(sums)
        .flat_map(|repeated| [0, 2].map(|pause| (pause, repeated)))
        .collect();
    let shot = |&(pause, repeated): &(u64, Option<(u32, u64, bool)>)| Shot {
        source: 2,
        pause,
        late: 0,
        prefix: 0,
        port: 1,
        what: 0,
        to_group: false,
        repeated,
    };
    for first in &each {
        for second in &each {
            for third in &each {
                let lines = lines(&[first, second, third].map(shot), 0);
                let scanned = scan(&lines, &rules, &clock, 1);
                assert_eq!(
                    follow(&lines, &rules, &clock, 0, &[]),
                    scanned,
                    "{lines:#?}"
                );
            }
        }
    }
}
