//! Scans against counting by hand, where all but three sources of a family are cold.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::packet::Protocol;
use crate::reader::LogReader;
use crate::rule::Tally;

/// A rule as the test knows it.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "so many switches a threshold has"
)]
struct Rule {
    hits: u32,
    within: u64,
    prefix: Option<usize>,
    types: Types,
    ports: Option<u16>,
    v4: u8,
    v6: u8,
    /// Whether it lets sources 4 to 6 go.
    excepted: bool,
    answers: bool,
    stealth: bool,
    multicast: bool,
}

/// Which packets a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Types {
    All,
    One(Protocol),
    Hidden,
}

/// As plain as can be, for those that say otherwise.
const RULE: Rule = Rule {
    hits: 1,
    within: 0,
    prefix: None,
    types: Types::All,
    ports: None,
    v4: 32,
    v6: 128,
    excepted: false,
    answers: false,
    stealth: false,
    multicast: false,
};

const FOUR_TO_SIX: [(IpAddr, u8); 2] = [
    (IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)), 30),
    (
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5)),
        128,
    ),
];

const PREFIXES: [&str; 3] = ["IPTABLES-BLOCKED: ", "iptables-allowed ", "X"];

impl Rule {
    fn threshold(&self) -> Threshold {
        let mut rule = Threshold::new(
            NonZeroU32::new(self.hits).unwrap(),
            Duration::from_secs(self.within),
        );
        if let Some(prefix) = self.prefix {
            rule = rule.prefix(PREFIXES[prefix].to_ascii_lowercase());
        }
        rule = match self.types {
            Types::All => rule,
            Types::One(protocol) => rule.protocol(protocol),
            Types::Hidden => rule.hidden_transport(),
        };
        if let Some(ports) = self.ports {
            rule = rule.distinct_ports(NonZeroU16::new(ports).unwrap());
        }
        if self.excepted {
            rule = rule.except(FOUR_TO_SIX);
        }
        rule.aggregate_v4(self.v4)
            .aggregate_v6(self.v6)
            .count_answers(self.answers)
            .count_stealth_scans(self.stealth)
            .count_multicast(self.multicast)
    }

    /// Whether it counts a packet, said once more.
    fn counts(&self, shot: &Shot) -> bool {
        let evidence = match shot.what {
            What::Syn | What::Udp | What::Ping | What::Gre | What::Cut => true,
            What::Reset | What::Unreachable => self.answers,
            What::Null => self.answers || self.stealth,
            What::Dns => self.answers || self.ports.is_none(),
        };
        let way = match shot.way {
            Way::In => true,
            Way::Own => false,
            Way::Group | Way::Broadcast => self.multicast,
        };
        let wanted = match (self.types, shot.what) {
            (_, What::Cut) | (Types::All, _) => true,
            (Types::One(protocol), _) => Some(protocol) == shot.protocol(),
            (Types::Hidden, _) => false,
        };
        let excepted = self.excepted && (4..=6).contains(&shot.source);
        let prefix = self.prefix.is_none_or(|prefix| prefix == shot.prefix);
        evidence && way && wanted && prefix && !excepted
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let types = prop_oneof![
        3 => Just(Types::All),
        3 => Just(Types::One(Protocol::Tcp)),
        2 => Just(Types::One(Protocol::Udp)),
        1 => Just(Types::One(Protocol::Icmp)),
        1 => Just(Types::Hidden),
    ];
    let (v4, v6) = (
        prop_oneof![3 => Just(32_u8), 1 => Just(30), 1 => Just(0)],
        prop_oneof![3 => Just(128_u8), 1 => Just(126)],
    );
    (
        (1_u32..7, 0_u64..8),
        prop::option::of(0_usize..3),
        types,
        prop::option::of(1_u16..4),
        (v4, v6),
        any::<[bool; 4]>(),
    )
        .prop_map(
            |(
                (hits, within),
                prefix,
                types,
                ports,
                (v4, v6),
                [excepted, answers, stealth, multicast],
            )| Rule {
                hits,
                within,
                prefix,
                types,
                ports,
                v4,
                v6,
                excepted,
                answers,
                stealth,
                multicast,
            },
        )
}

/// A packet as the test knows it.
#[derive(Debug, Clone)]
struct Shot {
    source: u8,
    second: u32,
    prefix: usize,
    /// Where TCP and UDP go.
    port: u16,
    what: What,
    way: Way,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Syn,
    Reset,
    Null,
    Udp,
    /// From port 53.
    Dns,
    Ping,
    Unreachable,
    Gre,
    /// Before its transport.
    Cut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    /// Of this host.
    Own,
    /// To a multicast address.
    Group,
    /// In a frame to all.
    Broadcast,
}

impl Shot {
    fn source(&self) -> IpAddr {
        if self.source % 2 == 0 {
            IpAddr::from([203, 0, 113, self.source])
        } else {
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(self.source)])
        }
    }

    fn protocol(&self) -> Option<Protocol> {
        Some(match self.what {
            What::Syn | What::Reset | What::Null => Protocol::Tcp,
            What::Udp | What::Dns => Protocol::Udp,
            What::Ping | What::Unreachable if self.source().is_ipv4() => Protocol::Icmp,
            What::Ping | What::Unreachable => Protocol::Icmpv6,
            What::Gre => Protocol::Other(47),
            What::Cut => return None,
        })
    }

    fn port(&self) -> Option<u16> {
        let has_port = matches!(self.protocol(), Some(Protocol::Tcp | Protocol::Udp));
        has_port.then_some(self.port)
    }

    fn line(&self) -> String {
        let Self {
            second,
            prefix,
            port,
            ..
        } = self;
        let interfaces = match self.way {
            Way::In | Way::Group => "IN=eth0 OUT= ",
            Way::Own => "IN= OUT=eth0 ",
            Way::Broadcast => "IN=eth0 OUT= MAC=ff:ff:ff:ff:ff:ff:02:00:00:00:00:01:08:00 ",
        };
        let head = format!(
            "Nov 22 09:{:02}:{:02} fw kernel: [ 1.0] {}{interfaces}",
            second / 60,
            second % 60,
            PREFIXES[*prefix]
        );
        let (group, is_v4) = (self.way == Way::Group, self.source().is_ipv4());
        let ip = match self.source() {
            IpAddr::V4(source) => {
                let destination = if group {
                    "239.255.255.250"
                } else {
                    "203.0.113.1"
                };
                format!("SRC={source} DST={destination} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 ")
            }
            IpAddr::V6(_) => format!(
                "SRC=2001:0db8:0000:0000:0000:0000:0000:{:04x} DST={}:0db8:0000:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 ",
                self.source,
                if group { "ff0e" } else { "2001" }
            ),
        };
        let tcp = |flags| format!("PROTO=TCP SPT=1 DPT={port} WINDOW=1 RES=0x00 {flags}URGP=0 ");
        let transport = match self.what {
            What::Syn => tcp("SYN "),
            What::Reset => tcp("ACK RST "),
            What::Null => tcp(""),
            What::Udp => format!("PROTO=UDP SPT=1 DPT={port} LEN=8 "),
            What::Dns => format!("PROTO=UDP SPT=53 DPT={port} LEN=8 "),
            What::Ping if is_v4 => "PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 ".to_owned(),
            What::Ping => "PROTO=ICMPv6 TYPE=128 CODE=0 ID=1 SEQ=1 ".to_owned(),
            What::Unreachable if is_v4 => "PROTO=ICMP TYPE=3 CODE=3 [TRUNCATED] ".to_owned(),
            What::Unreachable => "PROTO=ICMPv6 TYPE=1 CODE=4 [TRUNCATED] ".to_owned(),
            What::Gre => "PROTO=47 ".to_owned(),
            What::Cut => "TRUNCATED".to_owned(),
        };
        format!("{head}{ip}{transport}\n")
    }
}

fn shot() -> impl Strategy<Value = Shot> {
    let what = prop_oneof![
        4 => Just(What::Syn),
        2 => Just(What::Udp),
        1 => Just(What::Reset),
        1 => Just(What::Null),
        1 => Just(What::Dns),
        1 => Just(What::Ping),
        1 => Just(What::Unreachable),
        2 => Just(What::Gre),
        1 => Just(What::Cut),
    ];
    let way = prop_oneof![
        9 => Just(Way::In),
        1 => Just(Way::Own),
        1 => Just(Way::Group),
        1 => Just(Way::Broadcast),
    ];
    (0_u8..14, 0_u32..40, 0_usize..3, 1_u16..5, what, way).prop_map(
        |(source, second, prefix, port, what, way)| Shot {
            source,
            second,
            prefix,
            port,
            what,
            way,
        },
    )
}

/// What is no event, and must not matter.
const DIRT: [&str; 8] = [
    "\n",
    "\r\n",
    "\0\0\0\0\n",
    "Nov 22 09:25:54 fw sshd[1]: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.2 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 \n",
    "Nov 22 09:25:54 fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.2 DST=\n",
    "\u{fffd}\u{e9}IPTABLES-\n",
    "[ 1.0] IN=eth0 OUT= SRC=203.0.113.2 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 \n",
    "Nov 22 23:00:00 fw kernel: XIN=eth0 OUT= SRC=203.0.113.2 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 \n",
];

fn clock() -> Clock {
    Clock::new(at(120), TimeZone::UTC)
}

/// Seconds after 09:00.
fn at(second: u64) -> SystemTime {
    // 2026-11-22T09:00:00Z
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_338_000 + second)
}

/// Every window that begins at a hit, every time: hits, ports, last.
fn expected(rule: &Rule, shots: &[Shot]) -> (u64, Vec<(IpAddr, u8)>, Vec<Tally>) {
    let threshold = rule.threshold();
    let mut sources: BTreeMap<(IpAddr, u8), Vec<&Shot>> = BTreeMap::new();
    let mut matched = 0;
    for shot in shots.iter().filter(|shot| rule.counts(shot)) {
        matched += 1;
        sources
            .entry(threshold.network(shot.source()))
            .or_default()
            .push(shot);
    }
    let mut violators = Vec::new();
    for ((source, prefix_length), shots) in &sources {
        let windows: Vec<(usize, usize, u32)> = shots
            .iter()
            .map(|first| {
                let window: Vec<_> = shots
                    .iter()
                    .filter(|shot| {
                        shot.second >= first.second
                            && u64::from(shot.second - first.second) <= rule.within
                    })
                    .collect();
                let mut ports: Vec<u16> = window.iter().filter_map(|shot| shot.port()).collect();
                ports.sort_unstable();
                ports.dedup();
                (
                    window.len(),
                    ports.len(),
                    window.iter().map(|shot| shot.second).max().unwrap(),
                )
            })
            .collect();
        let enough = |(hits, ports, _): &&(usize, usize, u32)| {
            *hits >= rule.hits as usize && *ports >= usize::from(rule.ports.unwrap_or(0))
        };
        let Some(last) = windows.iter().filter(enough).map(|window| window.2).max() else {
            continue;
        };
        violators.push(Tally {
            source: *source,
            prefix_length: *prefix_length,
            hits: shots.len() as u64,
            peak_hits: windows.iter().map(|window| window.0 as u64).max().unwrap(),
            peak_ports: rule.ports.map(|_| {
                windows
                    .iter()
                    .map(|window| u32::try_from(window.1).unwrap())
                    .max()
                    .unwrap()
            }),
            first_seen: at(shots.iter().map(|shot| shot.second).min().unwrap().into()),
            last_seen: at(shots.iter().map(|shot| shot.second).max().unwrap().into()),
            last_violating: Some(at(last.into())),
        });
    }
    (matched, sources.into_keys().collect(), violators)
}

/// Gives as many bytes at a time as it is told to, over and over.
struct Portions<'a>(&'a [u8], Vec<usize>, usize);

impl Read for Portions<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.2 += 1;
        if self.2 % 7 == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let portion = self.1[self.2 % self.1.len()]
            .min(to.len())
            .min(self.0.len());
        let (now, later) = self.0.split_at(portion);
        to[..portion].copy_from_slice(now);
        self.0 = later;
        Ok(portion)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_counting_by_hand(
        shots in prop::collection::vec(shot(), 0..120),
        rules in prop::collection::vec(rule(), 1..6),
        dirt in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..8), 0..10),
        workers in 1_usize..4,
        portions in prop::collection::vec(1_usize..3000, 1..5),
        split in any::<prop::sample::Index>(),
        (max_line, block) in (1_usize..400, 1_usize..1000),
    ) {
        let mut lines: Vec<String> = shots.iter().map(Shot::line).collect();
        for (place, which) in dirt {
            lines.insert(place.index(lines.len() + 1), DIRT[which].to_owned());
        }
        let log = lines.concat().into_bytes();
        let mut scan = Scan::new(rules.iter().map(Rule::threshold), clock())
            .workers(NonZeroUsize::new(workers).unwrap())
            .latest(at(3600))
            .max_line(max_line)
            .block(block);
        // As two logs, the second of which was written first or not.
        let (one, other) = lines.split_at(split.index(lines.len() + 1));
        let mut summaries = Vec::new();
        for part in [other, one] {
            let part = part.concat().into_bytes();
            summaries.push(scan.read(Portions(&part, portions.clone(), 0)).unwrap());
        }
        let mut reader = LogReader::new(log.as_slice()).max_line(max_line);
        while reader.next_event().is_some() {}
        let oldest = summaries.iter().filter_map(|summary| summary.oldest).min();
        let second = summaries[1].clone();
        summaries[0].join(&second);
        prop_assert_eq!(summaries[0].counts, reader.counts());
        // A line too long to be looked at is as if it were not there.
        let fits = |line: &str| line.len() <= max_line + 1;
        lines.retain(|line| fits(line));
        let shots: Vec<Shot> = shots.into_iter().filter(|shot| fits(&shot.line())).collect();
        let ahead = lines.iter().filter(|line| **line == DIRT[7]).count() as u64;
        let undated = lines.iter().filter(|line| **line == DIRT[6]).count() as u64;
        prop_assert_eq!((summaries[0].ahead, summaries[0].undated), (ahead, undated));
        prop_assert_eq!(oldest, shots.iter().map(|shot| at(shot.second.into())).min());
        let newest = summaries[0].newest.max(second.newest);
        prop_assert_eq!(newest, shots.iter().map(|shot| at(shot.second.into())).max());
        for (rule, finding) in rules.iter().zip(scan.finish()) {
            let (matched, sources, violators) = expected(rule, &shots);
            prop_assert_eq!(finding.matched, matched);
            prop_assert_eq!((finding.sources, finding.sources_exact), (sources.len() as u64, true));
            let mut found = finding.violators;
            found.sort_by_key(|tally| tally.source);
            prop_assert_eq!(found, violators, "{:?}", rule);
        }
    }
}

#[test]
fn many_blocks_by_many_workers_are_one_log() {
    let shots: Vec<Shot> = (0..9000_u32)
        .map(|number| Shot {
            source: u8::try_from(number % 251).unwrap(),
            second: (number * number % 7919) * number % 3600,
            prefix: usize::from(number % 2 == 0),
            port: u16::try_from(number % 50).unwrap(),
            what: if number % 5 > 0 { What::Syn } else { What::Udp },
            way: Way::In,
        })
        .collect();
    let log: String = shots.iter().map(Shot::line).collect();
    assert!(log.len() > 4 * BLOCK);
    let rule = Rule {
        hits: 4,
        within: 300,
        prefix: Some(0),
        types: Types::One(Protocol::Tcp),
        ports: Some(2),
        ..RULE
    };
    let (matched, sources, violators) = expected(&rule, &shots);
    assert!(!violators.is_empty() && violators.len() < sources.len());
    for workers in 1..5 {
        let mut scan = Scan::new([rule.threshold()], Clock::new(at(3600), TimeZone::UTC))
            .workers(NonZeroUsize::new(workers).unwrap());
        assert_eq!(scan.read(log.as_bytes()).unwrap().counts.events, 9000);
        let mut finding = scan.finish().remove(0);
        finding.violators.sort_by_key(|tally| tally.source);
        assert_eq!(
            (finding.matched, finding.sources),
            (matched, sources.len() as u64)
        );
        assert_eq!(finding.violators, violators);
    }
}

#[test]
fn more_rules_than_bits_are_all_judged() {
    let log: String = (0..10)
        .map(|second| {
            Shot {
                source: 2,
                second,
                prefix: 0,
                port: 1,
                what: What::Syn,
                way: Way::In,
            }
            .line()
        })
        .collect();
    let rules = (1..=150).map(|hits| {
        Rule {
            hits: hits % 12 + 1,
            within: 100,
            ..RULE
        }
        .threshold()
    });
    let mut scan = Scan::new(rules, clock());
    scan.read(log.as_bytes()).unwrap();
    for (number, finding) in (1..=150).zip(scan.finish()) {
        assert_eq!(
            finding.violators.len(),
            usize::from(number % 12 < 10),
            "{number}"
        );
        assert_eq!((finding.matched, finding.sources), (10, 1));
    }
}

#[test]
fn lines_without_end_are_counted_and_never_held() {
    let line = Shot {
        source: 2,
        second: 1,
        prefix: 0,
        port: 1,
        what: What::Gre,
        way: Way::In,
    }
    .line();
    let long = "x".repeat(LINE_MAX + 1);
    for (log, lines, too_long, events) in [
        (format!("{line}{long}\n{line}"), 3, 1, 2),
        (format!("{}\n{line}", "x".repeat(LINE_MAX)), 2, 0, 1),
        (format!("{}\r\n{line}", "x".repeat(LINE_MAX)), 2, 0, 1),
        (
            format!("{line}{}\n{line}", "IN= OUT= ".repeat(BLOCK)),
            3,
            1,
            2,
        ),
        (format!("{line}{}", "x".repeat(3 * BLOCK + 5)), 2, 1, 1),
        ("\n".repeat(BLOCK + 1), BLOCK as u64 + 1, 0, 0),
        (String::new(), 0, 0, 0),
        (line.trim_end_matches('\n').to_owned(), 1, 0, 1),
    ] {
        for workers in 1..4 {
            let mut scan = Scan::new([], clock()).workers(NonZeroUsize::new(workers).unwrap());
            let summary = scan.read(log.as_bytes()).unwrap();
            assert_eq!(
                (
                    summary.counts.lines,
                    summary.counts.too_long,
                    summary.counts.events
                ),
                (lines, too_long, events)
            );
            assert_eq!(summary.bytes, log.len() as u64);
            let mut reader = LogReader::new(log.as_bytes());
            while reader.next_event().is_some() {}
            assert_eq!(summary.counts, reader.counts());
        }
    }
}

/// Fails after its text.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self.0.read(to) {
            Ok(0) => Err(io::Error::other("the disk is gone")),
            other => other,
        }
    }
}

#[test]
fn an_error_says_what_was_read_until_then() {
    let line = Shot {
        source: 2,
        second: 1,
        prefix: 0,
        port: 1,
        what: What::Gre,
        way: Way::In,
    }
    .line();
    let log = format!("{line}{line}{}", &line[..20]);
    let mut scan = Scan::new([], clock());
    let error = scan.read(Failing(log.as_bytes())).unwrap_err();
    assert_eq!(error.summary().counts.lines, 2);
    assert_eq!(error.to_string(), "cannot read the log after line 2");
    assert_eq!(error.into_io().to_string(), "the disk is gone");
}

/// A log of so many sources that hit once, among them three that hit ten times.
fn flood(sources: u32) -> String {
    let line = |source: u32, second: u32| {
        let [_, a, b, c] = source.to_be_bytes();
        format!(
            "Nov 22 09:{:02}:{:02} fw kernel: [ 1.0] IPTABLES-BLOCKED: IN=eth0 OUT= SRC=10.{a}.{b}.{c} DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 \n",
            second / 60 % 60,
            second % 60
        )
    };
    let few = (0..30).map(|hit| line(hit % 3, hit));
    let many = (3..sources).map(|source| line(source, source));
    many.clone()
        .take(sources as usize / 2)
        .chain(few)
        .chain(many.skip(sources as usize / 2))
        .collect()
}

#[test]
fn of_sources_without_number_there_is_an_estimate_and_every_violator() {
    let rule = |hits| {
        let rule = Rule {
            hits,
            within: 60,
            prefix: Some(0),
            ..RULE
        };
        rule.threshold()
    };
    for (sources, exact) in [(3000_u32, true), (30_000, false)] {
        let log = flood(sources);
        for workers in 1..3 {
            // The last counts nothing.
            let rules = [
                rule(10),
                rule(9),
                rule(1).prefix("none").protocol(Protocol::Tcp),
            ];
            let mut scan = Scan::new(rules, Clock::new(at(3600), TimeZone::UTC))
                .workers(NonZeroUsize::new(workers).unwrap());
            scan.read(log.as_bytes()).unwrap();
            let findings = scan.finish();
            for finding in &findings[..2] {
                assert_eq!(finding.matched, u64::from(sources) + 27);
                assert_eq!(finding.sources_exact, exact);
                let error = finding.sources.abs_diff(sources.into());
                assert!(error * 50 <= u64::from(sources), "{}", finding.sources);
                assert!(!exact || error == 0);
                let mut violators: Vec<_> =
                    finding.violators.iter().map(|tally| tally.source).collect();
                violators.sort();
                assert_eq!(
                    violators,
                    [0, 1, 2].map(|host| IpAddr::from([10, 0, 0, host]))
                );
                assert!(finding.violators.iter().all(|tally| tally.hits == 10));
            }
            assert_eq!((findings[2].matched, findings[2].sources), (0, 0));
        }
    }
}
