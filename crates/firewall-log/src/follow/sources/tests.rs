use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::follow::history::Limits;
use crate::rule::{Limit, Span};

const SECOND: i64 = 1_000_000;
const TABLES: [(bool, u8); 4] = [(true, 32), (true, 24), (false, 128), (false, 64)];

fn limits() -> Limits {
    let limit = |hits, ports, seconds: i64| Limit {
        hits,
        ports,
        within: seconds * SECOND,
    };
    Limits::new(vec![limit(3, 0, 60), limit(1, 0, 10), limit(4, 2, 3600)])
}

/// What is drawn of a hit: table, network, seconds since the one before, port, rules, and how many
/// it stands for.
type Hit = (usize, u8, i64, Option<u16>, usize, u64);

fn hit() -> impl Strategy<Value = Hit> {
    let pause = prop_oneof![8 => 0..2_i64, 1 => -20..60_i64, 1 => Just(20 * 86_400)];
    let times = prop_oneof![9 => Just(1_u64), 1 => 2..5_u64];
    (
        0..4_usize,
        any::<u8>(),
        pause,
        any::<Option<u16>>(),
        0..4_usize,
        times,
    )
}

fn network(table: usize, number: u8) -> u128 {
    match TABLES[table] {
        (true, 32) => u128::from(number) << 3,
        (true, _) => u128::from(number) << 8,
        (false, 128) => u128::from(number) << 77 | u128::from(number),
        _ => u128::from(number) << 64,
    }
}

fn span(at: i64, port: Option<u16>, times: u64) -> Span {
    Span {
        port,
        hits: times,
        ..Span::of(&at)
    }
}

/// What each hit tells, and how many are known after it. Where `map` is, it does the work.
struct Both {
    limits: Limits,
    sources: Sources,
    map: HashMap<(usize, u128), Source>,
}

impl Both {
    fn new(allowed: usize) -> Self {
        let mut sources = Sources::new(TABLES, true);
        sources.allow(allowed);
        Self {
            limits: limits(),
            sources,
            map: HashMap::new(),
        }
    }

    /// Adds a hit to both, and what both tell.
    fn add(&mut self, hit: Hit, now: i64) -> [Vec<(usize, i64, u64)>; 2] {
        let (table, number, _, port, set, times) = hit;
        let (network, span) = (network(table, number), span(now, port, times));
        let set: &[usize] = [&[0][..], &[1, 2], &[2], &[0, 1, 2]][set];
        let set = self.limits.number(set);
        let [mut told, mut expected] = [Vec::new(), Vec::new()];
        let limits = &self.limits;
        let changed = self.sources.change(table, network, |source| {
            source.add(span, set, limits, |breach| {
                told.push((breach.rule, breach.window.last, breach.window.hits));
            });
        });
        assert!(changed.is_some());
        let source = self.map.entry((table, network)).or_default();
        source.add(span, set, limits, |breach| {
            expected.push((breach.rule, breach.window.last, breach.window.hits));
        });
        [told, expected]
    }

    fn forget(&mut self, at: i64) {
        let limits = &self.limits;
        self.sources
            .retain(|source| source.forget_before(at, limits));
        self.map
            .retain(|_, source| source.forget_before(at, limits));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// As a table of std's would, from which nobody is dropped.
    #[test]
    fn with_room_nothing_is_lost(
        hits in vec((hit(), prop::bool::weighted(0.01)), 1..600),
    ) {
        let mut both = Both::new(usize::MAX);
        let mut now = 0;
        for (hit, forgets) in hits {
            now += hit.2 * SECOND + 7;
            let [told, expected] = both.add(hit, now);
            prop_assert_eq!(told, expected);
            if forgets {
                both.forget(now - 30 * SECOND);
            }
            prop_assert_eq!(both.sources.count(), both.map.len());
        }
        prop_assert_eq!(both.sources.dropped(), 0);
        both.forget(i64::MAX);
        prop_assert_eq!(both.sources.count(), 0);
        prop_assert!(both.sources.size() < 1000, "{}", both.sources.size());
    }

    /// What is dropped is counted, and only makes that less is told.
    #[test]
    fn without_room_the_bound_holds(
        hits in vec((hit(), prop::bool::weighted(0.01)), 1..600),
        allowed in 4_000..60_000_usize,
    ) {
        let mut both = Both::new(allowed);
        let mut now = 0;
        for (hit, forgets) in hits {
            now += hit.2 * SECOND + 7;
            let before = (both.sources.count() as u64, both.sources.dropped());
            let [told, expected] = both.add(hit, now);
            prop_assert!(told.len() <= expected.len());
            prop_assert!(told.iter().all(|(rule, ..)| expected.iter().any(|(of, ..)| of == rule)));
            let after = (both.sources.count() as u64, both.sources.dropped());
            let added = (after.0 + after.1) - (before.0 + before.1);
            prop_assert!(added <= 1);
            prop_assert!(after.0 == 0 || both.sources.size() <= allowed);
            if forgets {
                both.forget(now - 30 * SECOND);
            }
        }
    }
}

/// Whoever came back meanwhile stays, and of the others the first go first.
#[test]
fn those_go_that_sent_nothing_for_the_longest_time() {
    let mut both = Both::new(80_000);
    let patient = (0, 255, 0, None, 0, 1);
    for number in 0..20_000_u32 {
        let now = i64::from(number) * 10;
        if number % 50 == 0 {
            both.add(patient, now);
        }
        let source = u128::from(number) << 8 | 0xff << 64;
        let set = both.limits.number(&[0]);
        let Both {
            limits, sources, ..
        } = &mut both;
        // Every third comes twice, and takes more.
        for at in 0..=i64::from(number % 3 == 0) {
            sources.change(2, source, |one| {
                one.add(span(now + at, None, 1), set, limits, |_| {});
            });
        }
    }
    let mut known = Vec::new();
    for number in 0..20_000_u32 {
        let source = u128::from(number) << 8 | 0xff << 64;
        let mut is_known = false;
        both.sources.allow(usize::MAX);
        both.sources
            .change(2, source, |one| is_known = !matches!(one, Source::New));
        if is_known {
            known.push(number);
        }
    }
    let dropped = usize::try_from(both.sources.dropped()).unwrap();
    assert_eq!(known.len() + dropped, 20_000);
    // By the page, of those that came once.
    let first = *known.first().unwrap();
    assert!(
        known.len() > 200 && (first..20_000).len() <= known.len() + 3 * 16,
        "{known:?}"
    );
    let mut is_known = false;
    let patient = network(0, 255);
    both.sources
        .change(0, patient, |one| is_known = matches!(one, Source::Known(_)));
    assert!(is_known);
}
