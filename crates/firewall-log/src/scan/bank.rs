//! The rules that count sources alike, and the sources they count.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::Finding;
use super::distinct::Distinct;
use super::shelf::{Address, PARTS, Shelf, V4, V6};
use super::trail::{Hit, TIME_MAX, Trail};
use super::verdict::Verdicts;
use crate::detect::Threshold;
use crate::keyed::Key;
use crate::packet::Protocol;

/// Rules of one bank, one bit each.
pub(super) const RULES_MAX: usize = 64;

/// Up to as many sources are always counted exactly; a little more than promised, since at first there is only an estimate.
const EXACT: u64 = 1_050_000;

/// What one worker has seen of the sources.
#[derive(Debug, Clone)]
pub(super) struct Bank {
    /// Where the rules stand in the list that was given.
    rules: Vec<(usize, Threshold)>,
    /// For each protocol number, and at the end for none, the rules that count it.
    by_protocol: Box<[u64]>,
    ports: bool,
    /// Sets of rules, by the number that hits know them by; the same for all workers.
    classes: Arc<Mutex<Vec<u64>>>,
    /// What this worker has seen of each class.
    seen: Vec<Seen>,
    v4: Shelf<V4>,
    v6: Shelf<V6>,
}

/// The hits of a class.
#[derive(Debug, Clone)]
struct Seen {
    rules: u64,
    class: u32,
    hits: u64,
    /// The sources that are not kept each for itself.
    cold: Option<Distinct>,
}

impl Bank {
    pub(super) fn new(rules: Vec<(usize, Threshold)>) -> Self {
        let key = Key::random();
        let by_protocol = (0..=u8::MAX)
            .map(Some)
            .chain([None])
            .map(|number| {
                let number = number.map(Protocol::from_number);
                mask(&rules, |rule| rule.counts_protocol(number))
            })
            .collect();
        Self {
            ports: rules.iter().any(|(_, rule)| rule.ports().is_some()),
            rules,
            by_protocol,
            classes: Arc::default(),
            seen: Vec::new(),
            v4: Shelf::new(key),
            v6: Shelf::new(key),
        }
    }

    /// The rules that count packets of this prefix.
    pub(super) fn by_prefix(&self, prefix: &[u8]) -> u64 {
        mask(&self.rules, |rule| rule.counts_prefix(prefix))
    }

    /// Counts a packet under those of the rules that count its protocol, too.
    #[inline]
    pub(super) fn add(
        &mut self,
        rules: u64,
        source: IpAddr,
        protocol: Option<Protocol>,
        port: Option<u16>,
        at: i64,
    ) {
        let number = protocol.map_or(usize::from(u8::MAX) + 1, |protocol| {
            protocol.number().into()
        });
        let rules = rules & self.by_protocol.get(number).copied().unwrap_or_default();
        if rules == 0 {
            return;
        }
        let Some((_, first)) = self.rules.first() else {
            return;
        };
        let (network, _) = first.network(source);
        let place = self.class(rules);
        let Some(seen) = self.seen.get_mut(place) else {
            return;
        };
        seen.hits += 1;
        let hit = Hit {
            at: at.clamp(-TIME_MAX, TIME_MAX),
            class: seen.class,
            port,
        };
        let cold = match network {
            IpAddr::V4(source) => self.v4.add(V4::new(source), hit, rules, self.ports),
            IpAddr::V6(source) => self.v6.add(V6::new(source), hit, rules, self.ports),
        };
        if let Some(hash) = cold {
            seen.cold.get_or_insert_default().add(hash);
        }
    }

    /// Where what has been seen of a set of rules stands.
    #[inline]
    fn class(&mut self, rules: u64) -> usize {
        let known = self.seen.iter().position(|seen| seen.rules == rules);
        known.unwrap_or_else(|| self.new_class(rules))
    }

    #[cold]
    fn new_class(&mut self, rules: u64) -> usize {
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = classes.iter().position(|class| *class == rules);
        let class = known.unwrap_or_else(|| {
            classes.push(rules);
            classes.len() - 1
        });
        self.seen.push(Seen {
            rules,
            class: u32::try_from(class).unwrap_or(u32::MAX),
            hits: 0,
            cold: None,
        });
        self.seen.len() - 1
    }

    /// What another worker has seen.
    pub(super) fn join(&mut self, other: Self) {
        for theirs in other.seen {
            let place = self.class(theirs.rules);
            if let Some(mine) = self.seen.get_mut(place) {
                mine.hits += theirs.hits;
                if let Some(cold) = &theirs.cold {
                    mine.cold.get_or_insert_default().join(cold);
                }
            }
        }
        self.v4.join(other.v4, self.ports);
        self.v6.join(other.v6, self.ports);
    }

    /// What it all came to: for each rule where it stands in the list, and what was found.
    pub(super) fn finish(self) -> Vec<(usize, Finding)> {
        let classes = self
            .classes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let estimates = self.estimates();
        let exact = estimates
            .iter()
            .all(|estimate| estimate.is_none_or(|sources| sources <= EXACT));
        let mut verdicts = Verdicts::new(&self.rules, classes, self.ports);
        let mut sources = vec![0; self.rules.len()];
        settle(self.v4, &mut verdicts, exact.then_some(&mut sources));
        settle(self.v6, &mut verdicts, exact.then_some(&mut sources));
        let violators = verdicts.violators;
        let rules = self.rules.iter().enumerate().zip(violators);
        let found = rules.zip(estimates).zip(sources);
        found
            .map(|((((bit, (place, _)), violators), estimate), counted)| {
                let matched = self
                    .seen
                    .iter()
                    .filter(|seen| seen.rules >> bit & 1 != 0)
                    .map(|seen| seen.hits)
                    .sum();
                let (sources, sources_exact) = match estimate {
                    Some(estimate) if !exact => (estimate, false),
                    _ => (counted, true),
                };
                let finding = Finding {
                    matched,
                    sources,
                    sources_exact,
                    violators,
                };
                (*place, finding)
            })
            .collect()
    }

    /// How many sources each rule has counted, about; `None` where it has no cold ones...
    fn estimates(&self) -> Vec<Option<u64>> {
        (0..self.rules.len())
            .map(|bit| {
                let counts = |rules: u64| rules >> bit & 1 != 0;
                let mut cold = self
                    .seen
                    .iter()
                    .filter(|seen| counts(seen.rules))
                    .filter_map(|seen| seen.cold.as_ref());
                let mut all = cold.next()?.clone();
                cold.for_each(|other| all.join(other));
                add_hot(&self.v4, counts, &mut all);
                add_hot(&self.v6, counts, &mut all);
                Some(all.estimate())
            })
            .collect()
    }
}

fn add_hot<A: Address>(shelf: &Shelf<A>, counts: impl Fn(u64) -> bool, to: &mut Distinct) {
    shelf
        .hot
        .iter()
        .filter(|(_, trail)| counts(trail.rules))
        .for_each(|(address, _)| to.add(shelf.hash(*address)));
}

/// The rules for which something holds, as bits.
fn mask(rules: &[(usize, Threshold)], holds: impl Fn(&Threshold) -> bool) -> u64 {
    rules
        .iter()
        .rev()
        .fold(0, |mask, (_, rule)| mask << 1 | u64::from(holds(rule)))
}

/// Judges all sources of a shelf and counts them, if it is to be exact.
fn settle<A: Address>(
    mut shelf: Shelf<A>,
    verdicts: &mut Verdicts<'_>,
    sources: Option<&mut Vec<u64>>,
) {
    let mut count = Count(sources);
    if shelf.has_cold() {
        let buckets = shelf.buckets();
        for part in 0..PARTS {
            // Sources that are cold everywhere: those that may be violators, and which rules counted each.
            let mut warm: HashMap<A, Trail, Key> = HashMap::with_hasher(Key::random());
            let mut known: HashMap<A, u64, Key> = HashMap::with_hasher(Key::random());
            for cold in shelf.take_cold(part) {
                let hash = shelf.hash(cold.address);
                let may_violate = buckets.most(hash) >= verdicts.least;
                if !may_violate && !count.is_wanted() {
                    continue;
                }
                let rules = verdicts.rules_of(cold.class());
                if let Some(trail) = shelf.hot.get_mut(&cold.address) {
                    if may_violate {
                        trail.add(cold.hit(), verdicts.ports);
                    }
                    trail.rules |= rules;
                    continue;
                }
                if may_violate {
                    let trail = warm.entry(cold.address).or_default();
                    trail.add(cold.hit(), verdicts.ports);
                    trail.rules |= rules;
                } else {
                    *known.entry(cold.address).or_default() |= rules;
                }
            }
            for rules in known.into_values() {
                count.add(rules);
            }
            for (address, trail) in warm {
                count.add(trail.rules);
                verdicts.judge(address.ip(), &trail);
            }
        }
    }
    for (address, trail) in &shelf.hot {
        count.add(trail.rules);
        verdicts.judge(address.ip(), trail);
    }
}

/// The sources of each rule, if they are counted.
struct Count<'a>(Option<&'a mut Vec<u64>>);

impl Count<'_> {
    fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    fn add(&mut self, mut rules: u64) {
        let Some(counts) = &mut self.0 else { return };
        for count in counts.iter_mut() {
            *count += rules & 1;
            rules >>= 1;
        }
    }
}
