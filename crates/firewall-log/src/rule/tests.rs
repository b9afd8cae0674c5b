//! The law against counting by hand; and no placing of the hits of a span may have fewer in its
//! fullest window than is said.
#![allow(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::time::from_micros;

/// So many hits in so many microseconds, to so many ports where that is not 0.
fn rule(hits: u32, within: u64, ports: u16) -> Threshold {
    let rule = Threshold::new(
        NonZeroU32::new(hits).unwrap(),
        Duration::from_micros(within),
    );
    match NonZeroU16::new(ports) {
        Some(ports) => rule.distinct_ports(ports),
        None => rule,
    }
}

fn sum(rule: &Threshold, spans: &[Span]) -> Tally {
    Tally::of_spans(rule, IpAddr::V4(Ipv4Addr::LOCALHOST), spans.to_vec())
}

fn span(since: i64, at: i64, hits: u64) -> Span {
    Span {
        since: Some(since),
        at,
        hits,
        port: Some(53),
    }
}

/// The windows that hold all of a span count it, and no other.
#[test]
fn hits_that_may_have_come_earlier_or_later_make_no_window_full() {
    let reached = |spans: &[Span], hits, expected: Option<i64>| {
        let tally = sum(&rule(hits, 100, 0), spans);
        assert_eq!(tally.last_violating, expected.map(from_micros), "{spans:?}");
    };
    // All of it fits.
    reached(&[span(0, 0, 1), span(0, 100, 9)], 10, Some(100));
    reached(&[span(0, 0, 1), span(0, 100, 9)], 11, None);
    // With what came before or after it does not.
    reached(&[span(-1, -1, 1), span(0, 100, 9)], 10, None);
    reached(&[span(0, 100, 9), span(101, 101, 1)], 10, None);
    reached(&[span(0, 50, 9), span(100, 100, 1)], 10, Some(100));
    // Longer than a window: two windows side by side have all ten, three have all eleven.
    reached(&[span(0, 200, 10)], 5, Some(200));
    reached(&[span(0, 200, 10)], 6, None);
    reached(&[span(0, 201, 11)], 4, Some(201));
    reached(&[span(0, 201, 11)], 5, None);
    // When it began is not known.
    let unknown = Span {
        since: None,
        ..span(0, 100, 1000)
    };
    reached(&[unknown], 2, None);
    assert_eq!(sum(&rule(2, 100, 0), &[unknown]).hits, 1000);
    // No number of them overflows.
    let most = span(0, 100, u64::MAX);
    assert_eq!(sum(&rule(2, 100, 0), &[most, most]).hits, u64::MAX);
    assert_eq!(sum(&rule(2, 0, 0), &[most]).peak_hits, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// At each end of a hit, every hit that lies in the time before it.
    #[test]
    fn windows_hold_what_lies_in_them(
        hits in vec((0_i64..60, 0_i64..10, 1_u64..4, option::of(0_u16..4)), 1..30),
        wanted in 1_u32..12,
        within in 10_i64..20,
        distinct in 0_u16..4,
    ) {
        let span = |(since, length, hits, port)| Span {
            since: Some(since),
            at: since + length,
            hits,
            port,
        };
        let spans: Vec<Span> = hits.into_iter().map(span).collect();
        let rule = rule(wanted, within.unsigned_abs(), distinct);
        let windows = spans.iter().map(|last| {
            let is_in = |span: &&Span| span.at <= last.at && span.since() >= last.at - within;
            let held: Vec<&Span> = spans.iter().filter(is_in).collect();
            let mut ports: Vec<u16> = held.iter().filter_map(|span| span.port).collect();
            ports.sort_unstable();
            ports.dedup();
            let hits: u64 = held.iter().map(|span| span.hits).sum();
            (last.at, hits, u32::try_from(ports.len()).unwrap())
        });
        let windows: Vec<_> = windows.collect();
        let enough = windows
            .iter()
            .filter(|(_, hits, ports)| *hits >= wanted.into() && *ports >= distinct.into());
        let said = sum(&rule, &spans);
        prop_assert_eq!(said.last_violating, enough.map(|window| from_micros(window.0)).max());
        prop_assert_eq!(said.peak_hits, windows.iter().map(|window| window.1).max().unwrap());
        let ports = windows.iter().map(|window| window.2).max().filter(|_| distinct > 0);
        prop_assert_eq!(said.peak_ports, ports);
    }

    /// Wherever the hits of each span were, some window has as many as is said, and who is a
    /// violator then is one.
    #[test]
    fn no_placing_has_less(
        spans in vec((0_i64..60, 0_i64..40, 1_u64..6), 1..6),
        places in vec(0_i64..=1000, 30),
        wanted in 1_u32..12,
        within in 0_u64..30,
        ends in any::<u8>(),
    ) {
        let spans: Vec<_> = spans
            .into_iter()
            .map(|(since, length, hits)| span(since, since + length, hits))
            .collect();
        let rule = rule(wanted, within, 0);
        let said = sum(&rule, &spans);
        let mut places = places.into_iter().cycle();
        let mut placed = Vec::new();
        for (number, span) in spans.iter().enumerate() {
            let since = span.since.unwrap();
            for _ in 0..span.hits {
                // All at one end or the other, or anywhere.
                let part = match ends >> (number % 4 * 2) & 3 {
                    0 => 0,
                    1 => 1000,
                    _ => places.next().unwrap(),
                };
                placed.push(since + (span.at - since) * part / 1000);
            }
        }
        placed.sort_unstable();
        let real = Tally::of(&rule, said.source, &placed);
        prop_assert!(real.peak_hits >= said.peak_hits, "{real:?} {said:?}");
        prop_assert!(real.last_violating.is_some() || said.last_violating.is_none());
        prop_assert_eq!(real.hits, said.hits);
    }
}
