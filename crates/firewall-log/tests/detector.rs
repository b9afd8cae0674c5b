//! The detector against counting by hand: every window, every time.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32};
use std::time::{Duration, SystemTime};

use firewall_log::packet::{Ipv4, Ipv6, Part, Transport, Udp};
use firewall_log::{Detector, Event, LogTime, Packet, Protocol, Threshold, Violation};
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

/// The last window that holds a hit and has enough, of all windows that end at a hit: how many, the
/// first, the last.
fn last_window(times: &[i64], at: i64, hits: u32, within: i64) -> Option<(u64, i64, i64)> {
    let windows = times.iter().map(|last| {
        let held = times
            .iter()
            .filter(|time| (last - within..=*last).contains(*time));
        (held.clone().count() as u64, *held.min().unwrap(), *last)
    });
    windows
        .filter(|(count, _, last)| {
            *count >= u64::from(hits) && (last - within..=*last).contains(&at)
        })
        .max_by_key(|(_, _, last)| *last)
}

fn seen(violation: &Violation) -> (u64, SystemTime, SystemTime) {
    (violation.hits, violation.first_seen, violation.last_seen)
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
    fn agrees_with_counting_by_hand(arrivals in arrivals(), hits in 1_u32..12, within in 0_i64..20) {
        let mut detector = Detector::new([rule(hits, within.unsigned_abs())]);
        let mut all: Vec<Vec<i64>> = vec![Vec::new(); 4];
        for (source, time) in arrivals {
            let times = &mut all[usize::from(source)];
            times.push(time);
            let expected = last_window(times, time, hits, within);
            let violations = detector.observe(&event(source), instant(time));
            prop_assert!(violations.iter().all(|one| Some(one.source) == event(source).source()));
            let found: Vec<_> = violations.iter().map(seen).collect();
            let expected = expected.map(|(count, first, last)| (count, instant(first), instant(last)));
            prop_assert_eq!(found, Vec::from_iter(expected));
        }
        prop_assert_eq!(detector.sources(), all.iter().filter(|times| !times.is_empty()).count());
    }

    /// A packet after the horizon is answered as if nothing had been forgotten; one before it, if at
    /// all, with a window that there was.
    #[test]
    fn what_is_forgotten_is_of_no_use(
        arrivals in arrivals(),
        later in arrivals(),
        hits in 1_u32..6,
        within in 0_i64..20,
        horizon in -30_i64..60,
    ) {
        let [mut forgetful, mut other] = [(); 2].map(|()| Detector::new([rule(hits, within.unsigned_abs())]));
        let mut left = Vec::new();
        for (source, time) in arrivals {
            forgetful.observe(&event(source), instant(time));
            other.observe(&event(source), instant(time));
            if time + within >= horizon && !left.contains(&source) {
                left.push(source);
            }
        }
        forgetful.forget_before(instant(horizon));
        prop_assert_eq!(forgetful.sources(), left.len());
        for (source, time) in later {
            let [found, expected] = [&mut forgetful, &mut other].map(|detector| detector.observe(&event(source), instant(time)));
            if time >= horizon {
                prop_assert_eq!(found, expected);
            } else {
                let last = |violations: &[Violation]| violations.first().map(|violation| violation.last_seen);
                prop_assert!(last(&found) <= last(&expected));
            }
        }
    }
}

#[test]
fn both_ends_of_the_window_are_inside() {
    let mut detector = Detector::new([rule(2, 1_000_000)]);
    assert_eq!(detector.observe(&event(2), instant(0)), []);
    let violations = detector.observe(&event(2), instant(1_000_000));
    let expected = (2, instant(0), instant(1_000_000));
    assert_eq!(violations.iter().map(seen).collect::<Vec<_>>(), [expected]);
    assert_eq!(detector.observe(&event(4), instant(0)), []);
    assert_eq!(detector.observe(&event(4), instant(1_000_001)), []);
}

#[test]
fn a_threshold_of_one_is_reached_by_the_first_packet() {
    let mut detector = Detector::new([rule(1, 0)]);
    assert_eq!(detector.observe(&event(2), instant(0))[0].hits, 1);
}

#[test]
fn every_rule_that_is_broken_is_named() {
    let rules = [
        rule(3, 100),
        rule(2, 100).protocol(Protocol::Other(2)),
        rule(1, 100).protocol(Protocol::Tcp),
        rule(2, 100).aggregate_v4(24),
        rule(2, 100).except([(Ipv4Addr::new(203, 0, 113, 2).into(), 32)]),
    ];
    let mut detector = Detector::new(rules);
    let broken = |detector: &mut Detector, source, at| {
        let violations = detector.observe(&event(source), instant(at));
        violations.iter().map(|one| one.rule).collect::<Vec<_>>()
    };
    assert_eq!(broken(&mut detector, 2, 0), [0_usize; 0]);
    assert_eq!(broken(&mut detector, 2, 1), [1, 3]);
    assert_eq!(broken(&mut detector, 2, 2), [0, 1, 3]);
    assert_eq!(broken(&mut detector, 4, 3), [3]);
    assert_eq!(broken(&mut detector, 4, 4), [1, 3, 4]);
    // Two addresses, and the network that both are in.
    assert_eq!(detector.sources(), 3);
}

#[test]
fn the_ban_is_dated_from_the_last_window_that_broke_the_threshold() {
    let mut detector = Detector::new([rule(3, 10)]);
    let times = [0, 5, 10, 1000, 1004, 1010, 1020, 5000];
    let violations = times
        .iter()
        .flat_map(|time| detector.observe(&event(2), instant(*time)));
    let last: Vec<_> = violations.map(|violation| violation.last_seen).collect();
    assert_eq!(last, [10, 1010].map(instant));
}

/// A source that stays below the threshold, in the worst orders: work by the square would be 400
/// million steps an order.
#[test]
fn a_busy_source_below_the_threshold_costs_no_square() {
    let count = 20_000_i64;
    let orders: [fn(i64, i64) -> i64; 4] = [
        |i, _| i,
        |i, n| n - i,
        |i, n| if i % 2 == 0 { i } else { n + i },
        |i, n| (i * 7_919) % n,
    ];
    for order in orders {
        let hits = u32::try_from(count).unwrap();
        let mut detector = Detector::new([rule(hits, 1 << 40)]);
        for i in 0..count {
            let violations = detector.observe(&event(2), instant(order(i, count)));
            assert_eq!(violations.len(), usize::from(i == count - 1));
        }
    }
}

/// As many hits as anybody may send, of which only the latest are kept: late ones count as if all
/// were, and ports do if they come in order.
#[test]
fn a_source_that_sends_without_end_is_judged_by_what_is_kept() {
    let ten_late = |number: i64| number - number * number % 11;
    for (hits, within, time) in [
        (1, 10, ten_late as fn(i64) -> i64),
        (11, 10, ten_late),
        (296, 297, ten_late),
        // Ten at a time, and a pause.
        (400, 300, |number| number / 10 * 7 + number / 1000 % 3 * 5),
    ] {
        let mut detector = Detector::new([rule(hits, within)]);
        let mut times = Vec::new();
        let (mut found, mut expected) = (None, None);
        for number in 0..6000 {
            let at = time(number);
            times.push(at);
            let window = last_window_of_many(&mut times, at, hits, within.cast_signed());
            expected = expected.max(window.map(instant));
            let violations = detector.observe(&event(2), instant(at));
            found = found.max(violations.first().map(|violation| violation.last_seen));
            assert_eq!(found, expected, "{hits} in {within}: {number}");
        }
        assert!(found.is_some());
    }
    // Long after three ports thousands of packets to a fourth.
    let ports = NonZeroU16::new(4).unwrap();
    let mut detector = Detector::new([rule(1, 10_000).distinct_ports(ports)]);
    let mut broken = 0;
    for number in 0..20_000 {
        let port = if number < 3 { number } else { 3 };
        let violations = detector.observe(&to_port(port), instant(number.into()));
        broken += violations.len();
    }
    // From the fourth packet on until the first is out of the window.
    assert_eq!(broken, 10_000 - 3 + 1);
}

/// The same as [`last_window`], of times in order but for the last.
fn last_window_of_many(times: &mut [i64], at: i64, hits: u32, within: i64) -> Option<i64> {
    times.sort_unstable();
    let end = times.partition_point(|time| *time <= at + within);
    let ends = times[..end].iter().rev().take_while(|last| **last >= at);
    let is_enough = |last: &&i64| {
        let first = times.partition_point(|time| *time < **last - within);
        times.partition_point(|time| time <= *last) - first >= hits as usize
    };
    ends.copied().find(|last| is_enough(&last))
}

fn to_port(port: u16) -> Event<'static> {
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
}

#[test]
fn a_scan_is_many_ports_in_one_window() {
    let ports = |ports| NonZeroU16::new(ports).unwrap();
    let mut detector = Detector::new([
        rule(1, 10).distinct_ports(ports(3)),
        rule(5, 10).distinct_ports(ports(3)),
        rule(6, 10).distinct_ports(ports(3)),
    ]);
    for (time, port) in [(0, 1), (5, 2), (6, 2), (10, 2), (11, 3)] {
        assert_eq!(detector.observe(&to_port(port), instant(time)), []);
    }
    let violations = detector.observe(&to_port(1), instant(12));
    let found: Vec<_> = violations
        .iter()
        .map(|one| (one.rule, one.hits, one.ports, one.last_seen))
        .collect();
    let expected = [0, 1].map(|rule| (rule, 5, Some(3), instant(12)));
    assert_eq!(found, expected);
    // A packet without ports is a hit all the same.
    let mut detector = Detector::new([rule(2, 10).distinct_ports(ports(1))]);
    assert_eq!(detector.observe(&event(2), instant(0)), []);
    assert_eq!(detector.observe(&event(2), instant(1)), []);
}

#[test]
fn a_network_is_one_source() {
    let mut detector = Detector::new([
        rule(2, 10).aggregate_v4(24),
        rule(2, 10).aggregate_v6(112),
        rule(2, 10).aggregate_v4(0).aggregate_v6(0),
    ]);
    let mut networks = |source, at| {
        let violations = detector.observe(&event(source), instant(at));
        let network = |one: &Violation| (one.rule, one.source.to_string(), one.prefix_length);
        violations.iter().map(network).collect::<Vec<_>>()
    };
    assert_eq!(networks(2, 0), []);
    let expected = [
        (0, "203.0.113.0".to_owned(), 24),
        (2, "0.0.0.0".to_owned(), 0),
    ];
    assert_eq!(networks(4, 1), expected);
    assert_eq!(networks(3, 0), []);
    let expected = [(1, "2001:db8::".to_owned(), 112), (2, "::".to_owned(), 0)];
    assert_eq!(networks(5, 1), expected);
}

/// An IPv6 packet may claim any address.
#[test]
fn a_mapped_address_is_not_the_ipv4_address() {
    let mapped = Ipv4Addr::new(203, 0, 113, 2).to_ipv6_mapped();
    let mut forged = Packet::new(Ipv6::new(mapped, Ipv6Addr::LOCALHOST, Transport::Other(2)));
    forged.in_interface = b"eth0";
    let forged = Event::new(LogTime::SinceBoot(Duration::ZERO), b"", b"", forged);
    let mut detector = Detector::new([rule(2, 10)]);
    assert_eq!(detector.observe(&forged, instant(0)), []);
    assert_eq!(detector.observe(&event(2), instant(0)), []);
}

/// rsyslog's number of packets that followed the event before.
#[test]
fn repeated_packets_came_since_the_event_before() {
    let times = |times| {
        let mut event = event(2);
        event.repeated = NonZeroU32::new(times);
        event
    };
    let mut detector = Detector::new([rule(10, 100), rule(4, 10)]);
    assert_eq!(detector.observe(&event(2), instant(0)), []);
    let violations = detector.observe(&times(9), instant(100));
    // Of nine in a hundred, some ten have one.
    assert_eq!(
        violations.iter().map(seen).collect::<Vec<_>>(),
        [(10, instant(0), instant(100))]
    );
    // The event before is another, or none.
    detector.observe(&event(4), instant(110));
    assert_eq!(detector.observe(&times(1000), instant(110)), []);
    let mut detector = Detector::new([rule(2, 100)]);
    assert_eq!(detector.observe(&times(1000), instant(0)), []);
}
