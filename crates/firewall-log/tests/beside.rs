//! What is told of violators beside what counts, and who came near a threshold, against counting by
//! hand over every window.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::time::{Duration, SystemTime};

use firewall_log::{Clock, Event, Scan, Tally, Threshold, WhyNot};
use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::prelude::*;

/// 2026-11-22T09:00:00Z
const START: u64 = 1_795_338_000;

/// A packet: seconds after the start, source, port, and whether it was let in.
type Packet = (u64, u8, u16, bool);

fn log(packets: &[Packet]) -> String {
    let mut log = String::new();
    for (second, source, port, allowed) in packets {
        let at = jiff::Timestamp::from_second((START + second).try_into().unwrap()).unwrap();
        let prefix = if *allowed { "ALLOWED" } else { "BLOCKED" };
        writeln!(
            log,
            "{at} fw kernel: IPTABLES-{prefix}: IN=eth0 OUT= SRC=203.0.113.{source} DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP SPT=40000 DPT={port} WINDOW=1024 RES=0x00 SYN URGP=0 "
        )
        .unwrap();
    }
    log
}

fn scan(rules: Vec<Threshold>, log: &str, workers: usize) -> Vec<BTreeMap<u8, Tally>> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(START + 100_000);
    let mut scan = Scan::new(rules, Clock::new(now, TimeZone::UTC))
        .workers(NonZeroUsize::new(workers).unwrap())
        .max_line(400)
        .block(500);
    scan.read(log.as_bytes()).unwrap();
    let by_source = |tally: Tally| match tally.source {
        std::net::IpAddr::V4(source) => (source.octets()[3], tally),
        std::net::IpAddr::V6(_) => unreachable!("there is none"),
    };
    let findings = scan.finish().into_iter();
    let violators = findings.map(|finding| finding.violators.into_iter().map(by_source));
    violators.map(Iterator::collect).collect()
}

/// Whether a window that ends with any of a source's blocked packets has so many, to so many ports;
/// and the end of the last one.
fn last_full(
    packets: &[Packet],
    source: u8,
    hits: usize,
    ports: usize,
    within: u64,
) -> Option<u64> {
    let own = packets
        .iter()
        .filter(|packet| packet.1 == source && !packet.3);
    let own: Vec<_> = own.collect();
    let ends = own.iter().filter(|end| {
        let window = own
            .iter()
            .filter(|hit| hit.0 <= end.0 && hit.0 + within >= end.0);
        let window: Vec<_> = window.collect();
        let mut to: Vec<_> = window.iter().map(|hit| hit.2).collect();
        to.sort_unstable();
        to.dedup();
        window.len() >= hits && to.len() >= ports
    });
    ends.map(|end| end.0).max()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn beside_and_near_are_what_counting_by_hand_says(
        mut packets in vec((0_u64..60, 1_u8..6, 20_u16..28, prop::bool::weighted(0.2)), 0..120),
        hits in 1_u32..12,
        ports in prop::option::of(1_u16..6),
        within in 0_u64..30,
        percent in 1_u8..=100,
        sorted: bool,
    ) {
        if sorted {
            packets.sort_unstable();
        }
        let mut rule = Threshold::new(NonZeroU32::new(hits).unwrap(), Duration::from_secs(within))
            .prefix("IPTABLES-BLOCKED")
            .beside("iptables-allowed: ");
        if let Some(ports) = ports {
            rule = rule.distinct_ports(NonZeroU16::new(ports).unwrap());
        }
        let near = rule.near(percent);
        let log = log(&packets);
        let found = scan(vec![rule.clone(), near], &log, 1);
        prop_assert_eq!(&scan(vec![rule.clone(), rule.near(percent)], &log, 3), &found);
        let part = |whole: u32| (f64::from(whole) * f64::from(percent) / 100.0).ceil();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]
        let part = |whole: u32| part(whole) as usize;
        let wanted_ports = ports.map_or(0, u32::from);
        let whole = (hits as usize, wanted_ports as usize);
        for (found, (hits, ports)) in found.iter().zip([whole, (part(hits), part(wanted_ports))]) {
            for source in 1..6 {
                let last = last_full(&packets, source, hits, ports, within);
                let tally = found.get(&source);
                let at = |second: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(START + second);
                prop_assert_eq!(tally.and_then(|tally| tally.last_violating), last.map(at));
                let (Some(tally), Some(last)) = (tally, last) else { continue };
                let allowed = packets.iter().filter(|packet| packet.1 == source && packet.3);
                let allowed: Vec<_> = allowed.map(|packet| packet.0).collect();
                match &tally.beside {
                    None => prop_assert!(allowed.is_empty()),
                    Some(beside) => {
                        prop_assert_eq!(beside.hits, allowed.len() as u64);
                        let later = allowed.iter().filter(|second| **second > last).count();
                        prop_assert_eq!(beside.later, later as u64);
                        prop_assert_eq!(Some(beside.first_seen), allowed.iter().copied().min().map(at));
                        prop_assert_eq!(Some(beside.last_seen), allowed.iter().copied().max().map(at));
                    }
                }
            }
        }
    }
}

/// However many rules there are, each is told what is beside its violators.
#[test]
fn a_hundred_rules_look_beside() {
    let packets = [(0, 1, 22, false), (1, 1, 22, true), (2, 2, 22, false)];
    let rule = |hits| {
        Threshold::new(NonZeroU32::new(hits).unwrap(), Duration::from_secs(9))
            .prefix("IPTABLES-BLOCKED")
            .beside("IPTABLES-ALLOWED")
    };
    let found = scan(
        (1..=100).map(|number| rule(1 + number % 2)).collect(),
        &log(&packets),
        1,
    );
    for (number, found) in (1..=100).zip(found) {
        let violators = if number % 2 == 0 { 2 } else { 0 };
        assert_eq!(found.len(), violators, "rule {number}");
        if let Some(tally) = found.get(&1) {
            let beside = tally.beside.as_ref().unwrap();
            assert_eq!((beside.hits, beside.later), (1, 1));
            assert_eq!(found[&2].beside, None);
        }
    }
}

#[test]
fn why_a_rule_does_not_count() {
    let any = || Threshold::new(NonZeroU32::MIN, Duration::ZERO).prefix("IPTABLES-BLOCKED");
    let line = |prefix: &str, r#in: &str, dst: &str, flags: &str| {
        format!(
            "[1.0] {prefix}: IN={in} OUT= SRC=203.0.113.7 DST={dst} LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP SPT=1 DPT=2 WINDOW=0 RES=0x00 {flags} URGP=0 "
        )
    };
    let other = ("198.51.100.0".parse().unwrap(), 24);
    for (line, why_not) in [
        (line("IPTABLES-BLOCKED", "eth0", "192.0.2.1", "SYN"), None),
        (line("X", "", "224.0.0.1", "ACK"), Some(WhyNot::Prefix)),
        (line("IPTABLES-BLOCKED", "", "224.0.0.1", "ACK"), Some(WhyNot::Own)),
        (line("IPTABLES-BLOCKED", "eth0", "224.0.0.1", "ACK"), Some(WhyNot::Multicast)),
        (line("IPTABLES-BLOCKED", "eth0", "192.0.2.1", "ACK"), Some(WhyNot::Answer)),
        (
            "[1.0] IPTABLES-BLOCKED: IN=eth0 OUT= MACSRC=02:00:00:00:00:01 MACDST=02:00:00:00:00:02 MACPROTO=0806 ARP HTYPE=1 PTYPE=0x0800 OPCODE=1".to_owned(),
            Some(WhyNot::NoSource),
        ),
    ] {
        let event = Event::parse(line.as_bytes()).unwrap();
        assert_eq!(any().why_not(&event), why_not, "{line}");
        assert_eq!(any().except([other]).why_not(&event), why_not, "{line}");
        // What both say agrees, but for packets of which nobody is to blame.
        let matches = any().matches(&event);
        assert_eq!(matches, why_not.is_none_or(|why| why == WhyNot::NoSource), "{line}");
    }
    let event = line("IPTABLES-BLOCKED", "eth0", "192.0.2.1", "SYN");
    let event = Event::parse(event.as_bytes()).unwrap();
    let udp = any().protocol(firewall_log::Protocol::Udp);
    assert_eq!(udp.why_not(&event), Some(WhyNot::Type));
    let own = ("203.0.113.0".parse().unwrap(), 24);
    assert_eq!(any().except([own]).why_not(&event), Some(WhyNot::Excepted));
}
