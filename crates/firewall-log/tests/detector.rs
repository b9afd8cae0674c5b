//! The detector against counting by hand: every window, every time.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32};
use std::time::{Duration, SystemTime};

use firewall_log::packet::{Ipv4, Ipv6, Part, Transport, Udp};
use firewall_log::{Detector, Event, LogTime, Packet, Protocol, Tally, Threshold};
use proptest::prelude::*;

fn instant(micros: i64) -> SystemTime {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 {
        start - distance
    } else {
        start + distance
    }
}

fn event(source: u8) -> Event<'static> {
    let transport = Transport::Other(2);
    let mut packet = if source % 2 == 0 {
        Packet::new(Ipv4::new(
            Ipv4Addr::new(203, 0, 113, source),
            Ipv4Addr::LOCALHOST,
            transport,
        ))
    } else {
        let address = Ipv6Addr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(source)]);
        Packet::new(Ipv6::new(address, Ipv6Addr::LOCALHOST, transport))
    };
    packet.in_interface = b"eth0";
    Event::new(
        LogTime::SinceBoot(Duration::ZERO),
        b"",
        b"IPTABLES-BLOCKED: ",
        packet,
    )
}

fn rule(hits: u32, within: u64) -> Threshold {
    Threshold::new(
        NonZeroU32::new(hits).unwrap(),
        Duration::from_micros(within),
    )
}

/// The hits of every window that begins at a hit and reaches as far as it may: how many, the first,
/// the last.
fn windows(times: &[i64], within: u64) -> Vec<(u64, i64, i64)> {
    let begins_at = |first: &i64| {
        let held: Vec<i64> = times
            .iter()
            .copied()
            .filter(|time| time >= first && time.abs_diff(*first) <= within)
            .collect();
        (held.len() as u64, *first, *held.iter().max().unwrap())
    };
    times.iter().map(begins_at).collect()
}

fn expected_tally(source: IpAddr, times: &[i64], hits: u32, within: u64) -> Tally {
    let windows = windows(times, within);
    let mut tally = Detector::new([rule(1, 0)]);
    // The only way to a Tally from outside; every field is set below.
    tally.observe(&event(0), instant(0));
    let mut tally = tally.tallies(0).next().unwrap();
    tally.source = source;
    tally.prefix_length = if source.is_ipv4() { 32 } else { 128 };
    tally.hits = times.len() as u64;
    tally.peak_hits = windows.iter().map(|window| window.0).max().unwrap();
    tally.first_seen = instant(*times.iter().min().unwrap());
    tally.last_seen = instant(*times.iter().max().unwrap());
    tally.last_violating = windows
        .iter()
        .filter(|window| window.0 >= u64::from(hits))
        .map(|window| window.2)
        .max()
        .map(instant);
    tally
}

/// Times that crowd, so that windows touch and many are equal; in any order.
fn arrivals() -> impl Strategy<Value = Vec<(u8, i64)>> {
    let any_order = prop::collection::vec((0_u8..4, -30_i64..60), 1..120);
    let in_order = any_order.clone().prop_map(|mut arrivals| {
        arrivals.sort_by_key(|(_, time)| *time);
        arrivals
    });
    let nearly = (
        in_order.clone(),
        prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            0..6,
        ),
    )
        .prop_map(|(mut arrivals, swaps)| {
            for (one, other) in swaps {
                let (one, other) = (one.index(arrivals.len()), other.index(arrivals.len()));
                arrivals.swap(one, other);
            }
            arrivals
        });
    let reversed = in_order
        .clone()
        .prop_map(|arrivals| arrivals.into_iter().rev().collect());
    prop_oneof![any_order, in_order, nearly, reversed]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_counting_by_hand(arrivals in arrivals(), hits in 1_u32..12, within in 0_u64..20) {
        let mut detector = Detector::new([rule(hits, within)]);
        let mut seen: Vec<Vec<i64>> = vec![Vec::new(); 4];
        for (source, time) in arrivals {
            let times = &mut seen[usize::from(source)];
            times.push(time);
            let fullest = windows(times, within)
                .into_iter()
                .filter(|(count, first, last)| *first <= time && time <= *last && *count >= u64::from(hits))
                .max();
            let violation = detector.observe(&event(source), instant(time));
            let found = violation.map(|violation| {
                prop_assert_eq!(Some(violation.source), event(source).source());
                Ok((u64::from(violation.hits.get()), violation.first_seen, violation.last_seen))
            }).transpose()?;
            prop_assert_eq!(found, fullest.map(|(count, first, last)| (count, instant(first), instant(last))));
        }
        let mut tallies: Vec<Tally> = detector.tallies(0).collect();
        tallies.sort_by_key(|tally| tally.source);
        let mut expected: Vec<Tally> = (0..4_u8)
            .filter(|source| !seen[usize::from(*source)].is_empty())
            .map(|source| expected_tally(event(source).source().unwrap(), &seen[usize::from(source)], hits, within))
            .collect();
        expected.sort_by_key(|tally| tally.source);
        prop_assert_eq!(tallies, expected);
        prop_assert_eq!(detector.sources(0), seen.iter().filter(|times| !times.is_empty()).count());
        prop_assert_eq!(detector.matched(0), seen.iter().map(|times| times.len() as u64).sum::<u64>());
    }

    #[test]
    fn forgetting_is_as_if_it_had_never_been(arrivals in arrivals(), later in arrivals(), hits in 1_u32..6, within in 0_u64..20, horizon in -30_i64..60) {
        let mut forgetful = Detector::new([rule(hits, within)]);
        let mut fresh = Detector::new([rule(hits, within)]);
        for (source, time) in arrivals {
            forgetful.observe(&event(source), instant(time));
            if time >= horizon {
                fresh.observe(&event(source), instant(time));
            }
        }
        forgetful.forget_before(instant(horizon));
        for (source, time) in later {
            prop_assert_eq!(forgetful.observe(&event(source), instant(time)), fresh.observe(&event(source), instant(time)));
        }
        let sorted = |detector: &Detector| {
            let mut tallies: Vec<Tally> = detector.tallies(0).collect();
            tallies.sort_by_key(|tally| tally.source);
            tallies
        };
        prop_assert_eq!(sorted(&forgetful), sorted(&fresh));
        prop_assert_eq!(forgetful.sources(0), fresh.sources(0));
    }
}

#[test]
fn both_ends_of_the_window_are_inside() {
    let mut detector = Detector::new([rule(2, 1_000_000)]);
    assert_eq!(detector.observe(&event(2), instant(0)), None);
    let violation = detector.observe(&event(2), instant(1_000_000)).unwrap();
    assert_eq!(
        (violation.first_seen, violation.last_seen),
        (instant(0), instant(1_000_000))
    );
    assert_eq!(detector.observe(&event(4), instant(0)), None);
    assert_eq!(detector.observe(&event(4), instant(1_000_001)), None);
}

#[test]
fn a_threshold_of_one_is_reached_by_the_first_packet() {
    let mut detector = Detector::new([rule(1, 0)]);
    assert_eq!(
        detector.observe(&event(2), instant(0)).unwrap().hits,
        NonZeroU32::MIN
    );
}

#[test]
fn every_rule_counts_and_the_first_that_is_violated_is_named() {
    let rules = [
        rule(3, 100),
        rule(2, 100).protocol(Protocol::Other(2)),
        rule(1, 100).protocol(Protocol::Tcp),
    ];
    let mut detector = Detector::new(rules);
    assert_eq!(detector.observe(&event(2), instant(0)), None);
    assert_eq!(detector.observe(&event(2), instant(1)).unwrap().rule, 1);
    assert_eq!(detector.observe(&event(2), instant(2)).unwrap().rule, 0);
    assert_eq!(
        [0, 1, 2, 3].map(|rule| detector.matched(rule)),
        [3, 3, 0, 0]
    );
    assert_eq!(detector.violators(1).count(), 1);
    assert_eq!(detector.tallies(9).count(), 0);
}

#[test]
fn the_ban_is_dated_from_the_last_window_that_broke_the_threshold() {
    let mut detector = Detector::new([rule(3, 10)]);
    for time in [0, 5, 10, 1000, 1004, 1010, 1020, 5000] {
        detector.observe(&event(2), instant(time));
    }
    let tally = detector.violators(0).next().unwrap();
    assert_eq!((tally.hits, tally.peak_hits), (8, 3));
    assert_eq!(tally.last_violating, Some(instant(1010)));
    assert_eq!(tally.last_seen, instant(5000));
}

/// A source that stays below the threshold, in the worst orders: work by the square would be 1.6
/// billion steps an order.
#[test]
fn a_busy_source_below_the_threshold_costs_no_square() {
    let count = 40_000_i64;
    let orders: [fn(i64, i64) -> i64; 4] = [
        |i, _| i,
        |i, n| n - i,
        |i, n| if i % 2 == 0 { i } else { n + i },
        |i, n| (i * 7_919) % n,
    ];
    for order in orders {
        let mut detector = Detector::new([rule(u32::try_from(count).unwrap() + 1, 1 << 40)]);
        for i in 0..count {
            assert_eq!(detector.observe(&event(2), instant(order(i, count))), None);
        }
        assert_eq!(
            detector.tallies(0).next().unwrap().peak_hits,
            count.unsigned_abs()
        );
    }
}

#[test]
fn a_scan_is_many_ports_in_one_window() {
    let to_port = |port: u16| {
        let udp = Udp {
            destination_port: port,
            ..Udp::default()
        };
        let mut packet = Packet::new(Ipv4::new(
            Ipv4Addr::new(203, 0, 113, 7),
            Ipv4Addr::LOCALHOST,
            Transport::Udp(Part::Whole(udp)),
        ));
        packet.in_interface = b"eth0";
        Event::new(LogTime::SinceBoot(Duration::ZERO), b"", b"", packet)
    };
    let ports = |ports| NonZeroU16::new(ports).unwrap();
    let mut detector = Detector::new([
        rule(1, 10).distinct_ports(ports(3)),
        rule(5, 10).distinct_ports(ports(3)),
    ]);
    for (time, port) in [(0, 1), (5, 2), (6, 2), (10, 2), (11, 3)] {
        assert_eq!(detector.observe(&to_port(port), instant(time)), None);
    }
    let violation = detector.observe(&to_port(1), instant(12)).unwrap();
    assert_eq!((violation.rule, violation.hits.get()), (0, 5));
    let tally = detector.tallies(1).next().unwrap();
    assert_eq!(
        (tally.peak_hits, tally.peak_ports, tally.last_violating),
        (5, Some(3), Some(instant(12)))
    );
    // A packet without ports is a hit all the same.
    let mut detector = Detector::new([rule(2, 10).distinct_ports(ports(1))]);
    assert_eq!(detector.observe(&event(2), instant(0)), None);
    assert_eq!(detector.observe(&event(2), instant(1)), None);
    assert_eq!(detector.violators(0).count(), 0);
}

#[test]
fn a_network_is_one_source() {
    let mut detector = Detector::new([
        rule(2, 10).aggregate_v4(24),
        rule(2, 10).aggregate_v6(112),
        rule(2, 10).aggregate_v4(0).aggregate_v6(0),
    ]);
    assert_eq!(detector.observe(&event(2), instant(0)), None);
    let violation = detector.observe(&event(4), instant(1)).unwrap();
    assert_eq!(
        (violation.rule, violation.source, violation.prefix_length),
        (0, IpAddr::from([203, 0, 113, 0]), 24)
    );
    assert_eq!(detector.observe(&event(3), instant(0)), None);
    let violation = detector.observe(&event(5), instant(1)).unwrap();
    assert_eq!(
        (violation.rule, violation.source, violation.prefix_length),
        (1, "2001:db8::".parse().unwrap(), 112)
    );
    assert_eq!([0, 1, 2].map(|rule| detector.sources(rule)), [3, 3, 2]);
    let mut networks: Vec<_> = detector
        .violators(2)
        .map(|tally| (tally.source, tally.prefix_length))
        .collect();
    networks.sort_unstable();
    assert_eq!(
        networks,
        [
            (Ipv4Addr::UNSPECIFIED.into(), 0),
            (Ipv6Addr::UNSPECIFIED.into(), 0)
        ]
    );
}
