//! No placing of the hits may have fewer in its fullest window than is said.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::{ports, window};
use super::*;

fn limit(hits: u64, within: i64, ports: u32) -> Limit {
    Limit {
        hits,
        ports,
        within,
    }
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
    let reached = |spans: &[Span], hits| sum(spans.to_vec(), limit(hits, 100, 0)).last_violating;
    // All of it fits.
    assert_eq!(reached(&[span(0, 0, 1), span(0, 100, 9)], 10), Some(100));
    assert_eq!(reached(&[span(0, 0, 1), span(0, 100, 9)], 11), None);
    // With what came before or after it does not.
    assert_eq!(reached(&[span(-1, -1, 1), span(0, 100, 9)], 10), None);
    assert_eq!(reached(&[span(0, 100, 9), span(101, 101, 1)], 10), None);
    assert_eq!(reached(&[span(0, 50, 9), span(100, 100, 1)], 10), Some(100));
    // Longer than a window: two windows side by side have all ten, three have all eleven.
    assert_eq!(reached(&[span(0, 200, 10)], 5), Some(200));
    assert_eq!(reached(&[span(0, 200, 10)], 6), None);
    assert_eq!(reached(&[span(0, 201, 11)], 4), Some(201));
    assert_eq!(reached(&[span(0, 201, 11)], 5), None);
    // When it began is not known.
    let unknown = Span {
        since: None,
        ..span(0, 100, 1000)
    };
    assert_eq!(reached(&[unknown], 2), None);
    assert_eq!(sum(vec![unknown], limit(2, 100, 0)).hits, 1000);
    // No number of them overflows.
    let most = span(0, 100, u64::MAX);
    assert_eq!(sum(vec![most, most], limit(2, 100, 0)).hits, u64::MAX);
    assert_eq!(sum(vec![most], limit(2, 0, 0)).peak, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hits_that_are_known_count_as_they_do_elsewhere(
        mut hits in vec((0_i64..60, option::of(0_u16..4)), 1..30), wanted in 1_u64..8, within in 0_i64..20, distinct in 0_u32..4,
    ) {
        let spans = hits.iter().map(Span::of).collect();
        hits.sort_by_key(Dated::at);
        let limit = limit(wanted, within, distinct);
        let expected = if distinct > 0 { ports::sum(&hits, limit) } else { window::sum(&hits, limit) };
        prop_assert_eq!(sum(spans, limit), expected);
    }

    /// Wherever the hits of each span were, some window has as many as is said, and who is a
    /// violator then is one.
    #[test]
    fn no_placing_has_less(
        spans in vec((0_i64..60, 0_i64..40, 1_u64..6), 1..6), places in vec(0_i64..=1000, 30), wanted in 1_u64..12, within in 0_i64..30,
        ends in any::<u8>(),
    ) {
        let spans: Vec<_> = spans.into_iter().map(|(since, length, hits)| span(since, since + length, hits)).collect();
        let limit = limit(wanted, within, 0);
        let said = sum(spans.clone(), limit);
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
        let real = window::sum(&placed, limit);
        prop_assert!(real.peak >= said.peak, "{real:?} {said:?}");
        prop_assert!(real.last_violating.is_some() || said.last_violating.is_none());
        prop_assert_eq!(real.hits, said.hits);
    }
}
