//! Which sources broke which threshold.

use std::net::IpAddr;

use super::Finding;
use super::distinct::Distinct;
use super::hits::Hit;
use crate::detect::{Tally, Threshold};

/// A source with more hits is one of few, and gives the memory back.
const KEPT: usize = 1 << 16;

/// The rules of a bank, as sources are judged by them.
pub(super) struct Rules {
    /// Each with where it stands in the list that was given.
    rules: Vec<(usize, Threshold)>,
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
    pub(super) fn new(
        rules: Vec<(usize, Threshold)>,
        classes: Vec<u64>,
        ports: bool,
        exact: bool,
    ) -> Self {
        let least = rules.iter().map(|(_, rule)| rule.least_hits()).min();
        Self {
            rules,
            classes,
            ports,
            exact,
            least: least.unwrap_or(u32::MAX),
        }
    }

    /// Where the rules stand in the list that was given.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.rules.iter().map(|(place, _)| *place)
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
    times: Vec<i64>,
    ported: Vec<(i64, Option<u16>)>,
}

impl<'a> Verdicts<'a> {
    pub(super) fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            sources: vec![0; rules.rules.len()],
            distinct: if rules.exact {
                Vec::new()
            } else {
                vec![Distinct::default(); rules.rules.len()]
            },
            violators: vec![Vec::new(); rules.rules.len()],
            times: Vec::new(),
            ported: Vec::new(),
        }
    }

    /// Counts a source of this hash that these rules have counted.
    pub(super) fn count(&mut self, rules: u64, hash: u64) {
        for (bit, count) in self.sources.iter_mut().enumerate() {
            *count += rules >> bit & 1;
        }
        for (bit, distinct) in self.distinct.iter_mut().enumerate() {
            if rules >> bit & 1 != 0 {
                distinct.add(hash);
            }
        }
    }

    /// Adds a source to the violators of each rule that it violates. Its hits are put in order.
    pub(super) fn judge(&mut self, source: IpAddr, rules: u64, hits: &mut [Hit]) {
        if !hits.is_sorted_by_key(|hit| hit.at) {
            // What several workers saw are a few runs in order, which it merges.
            hits.sort_by_key(|hit| hit.at);
        }
        let class = hits.first().map(|hit| hit.class);
        let is_uniform = hits.iter().all(|hit| Some(hit.class) == class);
        self.times.clear();
        for (bit, (_, rule)) in self.rules.rules.iter().enumerate() {
            if rules >> bit & 1 == 0 {
                continue;
            }
            let counted = || {
                let counts = |hit: &&Hit| self.rules.of_class(hit.class) >> bit & 1 != 0;
                hits.iter().filter(counts)
            };
            if !is_uniform || self.times.is_empty() {
                self.times.clear();
                self.times.extend(counted().map(|hit| hit.at));
            }
            if !rule.is_reached(&self.times) {
                continue;
            }
            let tally = if rule.ports().is_some() {
                self.ported.clear();
                self.ported.extend(counted().map(|hit| (hit.at, hit.port)));
                Tally::of_ports(rule, source, &self.ported)
            } else {
                Tally::of_times(rule, source, &self.times)
            };
            if tally.last_violating.is_some()
                && let Some(violators) = self.violators.get_mut(bit)
            {
                violators.push(tally);
            }
        }
        if self.times.capacity() > KEPT {
            (self.times, self.ported) = (Vec::new(), Vec::new());
        }
    }

    /// Adds what was found to what is known of each rule.
    pub(super) fn close(self, open: &mut [Open]) {
        let found = self.sources.into_iter().zip(self.violators);
        for (open, (sources, violators)) in open.iter_mut().zip(found) {
            open.sources += sources;
            open.violators.extend(violators);
        }
        for (open, distinct) in open.iter_mut().zip(&self.distinct) {
            if let Some(cold) = &mut open.cold {
                cold.join(distinct);
            }
        }
    }
}

/// What is known of a rule until all sources have been looked at.
pub(super) struct Open {
    pub(super) matched: u64,
    /// The sources that are not looked at one by one.
    pub(super) cold: Option<Distinct>,
    pub(super) sources: u64,
    pub(super) violators: Vec<Tally>,
}

impl Open {
    /// What the rule found; `exact`: whether all its sources were counted.
    pub(super) fn finding(self, exact: bool) -> Finding {
        let estimate = self.cold.filter(|_| !exact).map(|all| all.estimate());
        Finding {
            matched: self.matched,
            sources: estimate.unwrap_or(self.sources),
            sources_exact: estimate.is_none(),
            violators: self.violators,
        }
    }
}
