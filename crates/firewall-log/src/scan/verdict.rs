//! Which sources broke which threshold.

use std::net::IpAddr;

use super::bank::Bank;
use super::distinct::Distinct;
use super::finding::Finding;
use super::hits::{Evidence, Repeat};
use crate::rule::{Dated, Span, Tally, Threshold};

/// The rules of a bank, as sources are judged by them.
pub(super) struct Rules {
    /// Each with where it stands in the list that was given.
    list: Vec<(usize, Threshold)>,
    /// The rules of each class of hits, as bits.
    classes: Vec<u64>,
    /// Whether any of the rules asks for ports.
    pub(super) ports: bool,
    /// Whether all sources are counted; if not, how many there are is estimated.
    pub(super) exact: bool,
    /// A source with fewer hits violates none of the rules.
    pub(super) least: u32,
}

impl Rules {
    fn new(list: Vec<(usize, Threshold)>, classes: Vec<u64>, ports: bool) -> Self {
        let least = list.iter().map(|(_, rule)| rule.least_hits()).min();
        Self {
            list,
            classes,
            ports,
            exact: true,
            least: least.unwrap_or(u32::MAX),
        }
    }

    /// Where the rules stand in the list that was given.
    pub(super) fn places(&self) -> Vec<usize> {
        self.list.iter().map(|(place, _)| *place).collect()
    }

    /// Whether a time is all that tells one hit from another.
    pub(super) fn are_uniform(&self) -> bool {
        self.classes.len() == 1 && !self.ports
    }

    pub(super) fn of_class(&self, class: u32) -> u64 {
        let place = usize::try_from(class).unwrap_or(usize::MAX);
        self.classes.get(place).copied().unwrap_or_default()
    }
}

/// What one thread has found.
pub(super) struct Verdicts<'a> {
    pub(super) rules: &'a Rules,
    /// For each rule, how many sources it has counted.
    sources: Vec<u64>,
    /// For each rule, the sources that have been looked at, where all cannot be.
    distinct: Vec<Distinct>,
    /// For each rule.
    violators: Vec<Vec<Tally>>,
}

impl<'a> Verdicts<'a> {
    pub(super) fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            sources: vec![0; rules.list.len()],
            distinct: if rules.exact {
                Vec::new()
            } else {
                vec![Distinct::default(); rules.list.len()]
            },
            violators: vec![Vec::new(); rules.list.len()],
        }
    }

    /// Counts a source that these rules have counted.
    pub(super) fn count(&mut self, rules: u64) {
        for (bit, count) in self.sources.iter_mut().enumerate() {
            *count += rules >> bit & 1;
        }
    }

    /// Counts a source of this hash among those of which there are too many.
    pub(super) fn estimate(&mut self, rules: u64, hash: u64) {
        for (bit, distinct) in self.distinct.iter_mut().enumerate() {
            if rules >> bit & 1 != 0 {
                distinct.add(hash);
            }
        }
    }

    /// Adds a source to the violators of each rule that it violates. Its hits are put in order.
    pub(super) fn judge<T: Evidence>(&mut self, source: IpAddr, rules: u64, hits: &mut [T]) {
        if !hits.is_sorted_by_key(Dated::at) {
            // What several workers saw are a few runs in order, which it merges.
            hits.sort_by_key(Dated::at);
        }
        let class = hits.first().map(T::class);
        let is_uniform = hits.iter().all(|hit| Some(hit.class()) == class);
        let mut counted: Vec<T> = Vec::new();
        for (bit, (_, rule)) in self.rules.list.iter().enumerate() {
            // Of all hits no window may have enough; then of those that the rule counts none has.
            if rules >> bit & 1 == 0 || !rule.is_reached(hits) {
                continue;
            }
            let tally = if is_uniform {
                Tally::of(rule, source, hits)
            } else {
                counted.clear();
                let counts = |hit: &&T| self.rules.of_class(hit.class()) >> bit & 1 != 0;
                counted.extend(hits.iter().filter(counts));
                Tally::of(rule, source, &counted)
            };
            if tally.last_violating.is_none() {
                continue;
            }
            if let Some(violators) = self.violators.get_mut(bit) {
                violators.push(tally);
            }
        }
    }

    /// The same for a source of which lines sum up some hits.
    pub(super) fn judge_repeated<T: Evidence>(
        &mut self,
        source: IpAddr,
        rules: u64,
        hits: &[T],
        repeats: &[Repeat],
    ) {
        for (bit, (_, rule)) in self.rules.list.iter().enumerate() {
            let counts = |class| self.rules.of_class(class) >> bit & 1 != 0;
            if rules >> bit & 1 == 0 {
                continue;
            }
            let single = hits.iter().filter(|hit| counts(hit.class()));
            let repeated = repeats.iter().filter(|repeat| counts(repeat.hit.class));
            let spans = single.map(Span::of).chain(repeated.map(Repeat::span));
            let tally = Tally::of_spans(rule, source, spans.collect());
            if tally.last_violating.is_some() {
                if let Some(violators) = self.violators.get_mut(bit) {
                    violators.push(tally);
                }
            }
        }
    }

    /// What was found for each rule.
    pub(super) fn close(self) -> Vec<Found> {
        let mut distinct = self.distinct.into_iter().map(Some);
        let found = self.sources.into_iter().zip(self.violators);
        found
            .map(|(sources, violators)| Found {
                sources,
                distinct: distinct.next().flatten(),
                violators,
            })
            .collect()
    }
}

/// What one thread has found for a rule.
pub(super) struct Found {
    sources: u64,
    distinct: Option<Distinct>,
    violators: Vec<Tally>,
}

/// What is known of a rule until all sources have been looked at.
#[derive(Default)]
pub(super) struct Open {
    matched: u64,
    sources: u64,
    /// Where there are too many to count, those that are not looked at one by one; in the end all.
    pub(super) distinct: Option<Distinct>,
    violators: Vec<Tally>,
}

impl Open {
    /// The rules of a bank, and what is known of each before the sources are looked at.
    pub(super) fn all(workers: &[Bank]) -> Option<(Rules, Vec<Self>)> {
        let first = workers.first()?;
        let classes = first.classes();
        let hits = || workers.iter().flat_map(|bank| bank.hits().zip(&classes));
        let matched = |bit| {
            let hits = hits().filter(|(_, rules)| **rules >> bit & 1 != 0);
            hits.map(|(hits, _)| hits).sum()
        };
        let open = (0..first.rules.len())
            .map(|bit| Self {
                matched: matched(bit),
                ..Self::default()
            })
            .collect();
        Some((Rules::new(first.rules.clone(), classes, first.ports), open))
    }

    /// Adds what a thread has found.
    pub(super) fn add(&mut self, found: Found) {
        self.sources += found.sources;
        self.violators.extend(found.violators);
        if let Some(distinct) = found.distinct {
            self.distinct.get_or_insert_default().join(&distinct);
        }
    }

    /// What the rule found; `exact`: whether all its sources were counted.
    pub(super) fn finding(self, exact: bool) -> Finding {
        let estimate = self.distinct.filter(|_| !exact).map(|all| all.estimate());
        Finding {
            matched: self.matched,
            sources: estimate.unwrap_or(self.sources),
            sources_exact: estimate.is_none(),
            violators: self.violators,
        }
    }
}
