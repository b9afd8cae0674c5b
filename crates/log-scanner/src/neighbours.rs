//! Violators that are neighbours: addresses of one network that break the threshold of the same rule.
//!
//! A network is a violator as long as so many of its addresses are banned by the rule: its ban ends
//! with the one of them that leaves too few. That depends on nothing but who violated last when, so
//! a scan and a program that follows come to the same.

use std::collections::{BTreeMap, BTreeSet};

use ban_sets::Family;
use jiff::{SignedDuration, Timestamp};

use crate::bouts::Bouts;
use crate::rule::Rule;
use crate::source::Source;
use crate::violation::Violator;

/// So many addresses are remembered at most; more are banned by themselves.
const MOST: usize = 200_000;

/// The prefix lengths of the networks: what one IPv6 host commonly has, and its like.
const PREFIXES: [(Family, u8); 2] = [(Family::Inet, 24), (Family::Inet6, 64)];

/// By the numbers of the rules, the networks with those who violate there.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    known: BTreeMap<(usize, Source), BTreeMap<Source, Violator>>,
    addresses: usize,
    /// The networks of which somebody was added, or is later than before.
    touched: BTreeSet<(usize, Source)>,
}

impl Neighbours {
    /// Takes in that a source breaks the threshold of a rule, of this number.
    pub(crate) fn add(&mut self, number: usize, rule: &Rule, violator: &Violator) {
        let source = violator.source;
        let Some(network) = network_of(rule, source) else {
            return;
        };
        if self.addresses >= MOST {
            return;
        }
        let neighbours = self.known.entry((number, network)).or_default();
        let before = neighbours.get(&source).map(|known| known.last_violating);
        if before.is_some_and(|before| before >= violator.last_violating) {
            return;
        }
        self.addresses += usize::from(before.is_none());
        let bouts = Bouts::default();
        let violator = Violator {
            bouts,
            ..violator.clone()
        };
        neighbours.insert(source, violator);
        self.touched.insert((number, network));
    }

    /// Forgets those whose bans are over at an instant: a network that needs them is not banned any
    /// more.
    pub(crate) fn forget(&mut self, rules: &[Rule], now: Timestamp) {
        self.known.retain(|(number, _), neighbours| {
            let rule = number.checked_sub(1).and_then(|place| rules.get(place));
            let length = rule.and_then(|rule| i64::try_from(rule.removeafter.get()).ok());
            let length = SignedDuration::from_secs(length.unwrap_or_default());
            let is_over = |violator: &Violator| {
                let end = violator.last_violating.saturating_add(length);
                end.is_ok_and(|end| end <= now)
            };
            neighbours.retain(|_, violator| !is_over(violator));
            !neighbours.is_empty()
        });
        self.addresses = self.known.values().map(BTreeMap::len).sum();
    }

    /// The networks with enough violators of which there is news, each with the number of its rule.
    pub(crate) fn take(&mut self, rules: &[Rule]) -> Vec<(usize, Violator)> {
        let touched = std::mem::take(&mut self.touched).into_iter();
        let violators = touched.filter_map(|(number, network)| {
            let rule = rules.get(number.checked_sub(1)?)?;
            let neighbours = self.known.get(&(number, network))?;
            Some((number, violator(rule, network, neighbours)?))
        });
        violators.collect()
    }
}

/// The network that a source is a neighbour in, where the rule looks for any.
fn network_of(rule: &Rule, source: Source) -> Option<Source> {
    let family = Family::of(source.address());
    if !rule.aggregate_auto || rule.aggregates(family) || !source.is_single_address() {
        return None;
    }
    let mut prefixes = PREFIXES.iter();
    let (_, prefix) = prefixes.find(|(of, _)| *of == family)?;
    Source::new(source.address(), *prefix).ok()
}

/// What the violators of a network make of it, if they are enough.
fn violator(
    rule: &Rule,
    network: Source,
    neighbours: &BTreeMap<Source, Violator>,
) -> Option<Violator> {
    let enough = usize::try_from(rule.enough_neighbours().get()).ok()?;
    let mut ends: Vec<Timestamp> = neighbours.values().map(|one| one.last_violating).collect();
    ends.sort_unstable_by(|one, other| other.cmp(one));
    let last_violating = *ends.get(enough - 1)?;
    let all =
        |number: fn(&Violator) -> u64| neighbours.values().map(number).fold(0, u64::saturating_add);
    Some(Violator {
        source: network,
        hits: all(|one| one.hits),
        peak_hits: all(|one| one.peak_hits),
        peak_ports: None,
        first_seen: neighbours.values().map(|one| one.first_seen).min()?,
        last_seen: neighbours.values().map(|one| one.last_seen).max()?,
        last_violating,
        due_since: last_violating,
        bouts: Bouts::default(),
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::violation::tests::{rule, violator};

    #[test]
    fn a_network_ends_with_the_one_that_leaves_too_few() {
        let rules = [Rule {
            aggregate_auto: true,
            aggregate_at: NonZeroU32::new(3),
            ..rule()
        }];
        let [rule] = &rules;
        let mut neighbours = Neighbours::default();
        let add = |neighbours: &mut Neighbours, source: &str, minute: u32| {
            let last = format!("2026-11-22T09:{minute:02}:00Z");
            neighbours.add(1, rule, &violator(source, &last));
            let told = neighbours.take(&rules).into_iter();
            let told = told.map(|(number, network)| {
                let last = network.last_violating.to_string();
                format!("{number} {} {} {last}", network.source, network.peak_hits)
            });
            told.collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        for (source, minute, expected) in [
            ("203.0.113.7", 10, None),
            ("203.0.113.8", 30, None),
            ("2001:db8::1", 30, None),
            // The same is no other.
            ("203.0.113.8", 40, None),
            ("198.51.100.7", 40, None),
            (
                "203.0.113.9",
                20,
                Some("1 203.0.113.0/24 1503 2026-11-22T09:10:00Z"),
            ),
            (
                "203.0.113.7",
                50,
                Some("1 203.0.113.0/24 1503 2026-11-22T09:20:00Z"),
            ),
            (
                "203.0.113.10",
                15,
                Some("1 203.0.113.0/24 2004 2026-11-22T09:20:00Z"),
            ),
            // No news.
            ("203.0.113.10", 14, None),
            ("2001:db8::ffff", 20, None),
            (
                "2001:db8::2:ffff",
                10,
                Some("1 2001:db8::/64 1503 2026-11-22T09:10:00Z"),
            ),
            ("2001:db8:0:1::1", 10, None),
        ] {
            let told = add(&mut neighbours, source, minute);
            match expected {
                Some(expected) => assert_eq!(told, [expected], "{source}"),
                None => assert_eq!(told, none, "{source}"),
            }
        }
    }

    #[test]
    fn who_is_over_makes_room_and_counts_no_more() {
        let rules = [Rule {
            aggregate_auto: true,
            aggregate_at: NonZeroU32::new(2),
            ..rule()
        }];
        let [rule] = &rules;
        let mut neighbours = Neighbours::default();
        for (source, hour) in [("203.0.113.7", 8), ("203.0.113.8", 10), ("2001:db8::1", 8)] {
            let last = format!("2026-11-22T{hour:02}:00:00Z");
            neighbours.add(1, rule, &violator(source, &last));
        }
        assert_eq!(neighbours.take(&rules).len(), 1);
        assert_eq!((neighbours.addresses, neighbours.known.len()), (3, 2));
        let at = |text: &str| text.parse().expect(text);
        // A day after the first two.
        neighbours.forget(&rules, at("2026-11-23T07:59:59Z"));
        assert_eq!(neighbours.addresses, 3);
        neighbours.forget(&rules, at("2026-11-23T08:00:00Z"));
        assert_eq!((neighbours.addresses, neighbours.known.len()), (1, 1));
        let last = "2026-11-23T08:00:00Z";
        neighbours.add(1, rule, &violator("203.0.113.9", last));
        let taken = neighbours.take(&rules);
        let [(_, network)] = taken.as_slice() else {
            panic!("{taken:?}");
        };
        // The ban of the earlier of these two is the one that the network's ends with.
        assert_eq!(network.last_violating, at("2026-11-22T10:00:00Z"));
    }
}
