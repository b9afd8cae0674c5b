//! Scans beside counting by hand: the rules and packets that the trials are made of.
//!
//! In the tests of this crate a shard has one slot, so that sources without one are met.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod by_hand;
mod flood;
mod reading;

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
    pardoned: bool,
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
    pardoned: false,
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
        if self.pardoned {
            rule = rule.pardon(FOUR_TO_SIX.map(|(address, length)| (address, length, at(20))));
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
        let pardoned = self.pardoned && (4..=6).contains(&shot.source) && shot.second <= 20;
        evidence && way && wanted && prefix && !excepted && !pardoned
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
        any::<[bool; 5]>(),
    )
        .prop_map(
            |(
                (hits, within),
                prefix,
                types,
                ports,
                (v4, v6),
                [excepted, pardoned, answers, stealth, multicast],
            )| Rule {
                hits,
                within,
                prefix,
                types,
                ports,
                v4,
                v6,
                excepted,
                pardoned,
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
            bouts: Vec::new(),
            beside: None,
        });
    }
    (matched, sources.into_keys().collect(), violators)
}
