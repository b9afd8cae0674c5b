//! Which sources broke which rule.

use std::net::IpAddr;

use super::distinct::Distinct;
use super::finding::Finding;
use super::group::{BESIDE, RuleGroup};
use super::hits::{Hit, Repeat};
use crate::rule::{Beside, Dated, Span, Tally, Threshold};

/// What a rule has found, or a part of that.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleResult {
    /// The packets that the rule counted.
    matched: u64,
    /// How many different sources they came from, as far as those are counted one by one.
    sources: u64,
    /// Where there are too many sources to count them one by one, an estimate of how many.
    pub(super) distinct: Option<Distinct>,
    violators: Vec<Tally>,
}

impl RuleResult {
    /// Adds another part.
    pub(super) fn join(&mut self, other: Self) {
        self.matched += other.matched;
        self.sources += other.sources;
        self.violators.extend(other.violators);
        if let Some(distinct) = other.distinct {
            self.distinct.get_or_insert_default().join(&distinct);
        }
    }

    pub(super) fn finding(self) -> Finding {
        let estimate = self.distinct.map(|sources| sources.estimate());
        Finding {
            matched: self.matched,
            sources: estimate.unwrap_or(self.sources),
            sources_exact: estimate.is_none(),
            violators: self.violators,
        }
    }
}

/// What is kept of a hit to judge by.
pub(super) trait Evidence: Dated + Copy + Default + From<Hit> {
    /// The rules that count it, as bits; `sets` are those of each rule set.
    fn rules(&self, sets: &[u64]) -> u64;
}

impl Evidence for Hit {
    fn rules(&self, sets: &[u64]) -> u64 {
        let place = usize::try_from(self.rule_set).unwrap_or(usize::MAX);
        sets.get(place).copied().unwrap_or_default()
    }
}

/// The time is enough where all hits are counted by the same rules and none asks for ports.
impl Evidence for i64 {
    fn rules(&self, _: &[u64]) -> u64 {
        u64::MAX
    }
}

impl From<Hit> for i64 {
    fn from(hit: Hit) -> Self {
        hit.at
    }
}

/// Judges sources by the rules of a group. What the rules find goes to `results`, of all rules in
/// the order in which the scan was given them.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    group: &'a RuleGroup,
    /// The rules of the group in each rule set, as bits.
    pub(super) sets: Vec<u64>,
    /// A source with fewer hits violates none of the rules.
    pub(super) least: u32,
    /// Whether all sources are counted one by one; if not, how many there are is estimated.
    pub(super) exact: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(group: &'a RuleGroup, sets: Vec<u64>) -> Self {
        let least = group.rules.iter().map(|(_, rule)| rule.least_hits());
        Self {
            group,
            sets,
            least: least.min().unwrap_or(u32::MAX),
            exact: true,
        }
    }

    /// Whether the time is [enough](Evidence) to judge by.
    pub(super) fn needs_only_time(&self) -> bool {
        let mut sets = self.sets.iter().filter(|rules| **rules != 0);
        let first = sets.next();
        sets.all(|rules| Some(rules) == first)
            && !self.group.asks_for_ports()
            && !self.group.looks_beside()
    }

    /// The rules that these bits stand for, each with its bit and its place in `results`.
    fn rules(&self, bits: u64) -> impl Iterator<Item = (u64, usize, &Threshold)> {
        let rules = (0_u32..).zip(&self.group.rules);
        let rules = rules.map(|(bit, (place, rule))| (1 << bit, *place, rule));
        rules.filter(move |(bit, ..)| bits & bit != 0)
    }

    fn each(&self, results: &mut [RuleResult], bits: u64, mut add: impl FnMut(&mut RuleResult)) {
        for (_, place, _) in self.rules(bits) {
            results.get_mut(place).into_iter().for_each(&mut add);
        }
    }

    /// Counts so many packets under these rules.
    pub(super) fn match_packets(&self, results: &mut [RuleResult], rules: u64, packets: u64) {
        self.each(results, rules, |result| result.matched += packets);
    }

    /// Counts a source under these rules.
    pub(super) fn count(&self, results: &mut [RuleResult], rules: u64) {
        self.each(results, rules, |result| result.sources += 1);
    }

    /// Counts the sources of `distinct` under these rules.
    pub(super) fn estimate(&self, results: &mut [RuleResult], rules: u64, distinct: &Distinct) {
        self.each(results, rules, |result| {
            result.distinct.get_or_insert_default().join(distinct);
        });
    }

    /// Counts a source of this hash under these rules.
    pub(super) fn estimate_one(&self, results: &mut [RuleResult], rules: u64, hash: u64) {
        self.each(results, rules, |result| {
            result.distinct.get_or_insert_default().add(hash);
        });
    }

    /// Adds a source to the violators of those of these rules that it violates. Its hits are put in
    /// order; of `repeats`, when each of their hits came is not known.
    pub(super) fn judge<T: Evidence>(
        &self,
        results: &mut [RuleResult],
        source: IpAddr,
        rules: u64,
        hits: &mut [T],
        repeats: &[Repeat],
    ) {
        if !hits.is_sorted_by_key(Dated::at) {
            // What several workers saw are a few runs in order, which it merges.
            hits.sort_by_key(Dated::at);
        }
        let of = |hit: &T| hit.rules(&self.sets);
        let first = hits.first().map(of);
        let is_uniform = hits.iter().all(|hit| Some(of(hit)) == first);
        let mut counted: Vec<T> = Vec::new();
        for (bit, place, rule) in self.rules(rules) {
            let mut tally = if !repeats.is_empty() {
                let single = hits.iter().filter(|hit| of(hit) & bit != 0);
                let repeated = repeats
                    .iter()
                    .filter(|repeat| repeat.hit.rules(&self.sets) & bit != 0);
                let spans = single.map(Span::of).chain(repeated.map(Repeat::span));
                Tally::of_spans(rule, source, spans.collect())
            } else if !rule.is_reached(hits) {
                // Of all hits no window has enough; then none has of those that the rule counts.
                continue;
            } else if is_uniform {
                Tally::of(rule, source, hits)
            } else {
                counted.clear();
                counted.extend(hits.iter().filter(|hit| of(hit) & bit != 0));
                Tally::of(rule, source, &counted)
            };
            if let Some(last_violating) = tally.last_violating {
                if self.group.looks_beside() {
                    let single = hits.iter().filter(|hit| of(hit) & BESIDE != 0);
                    let repeated = repeats.iter();
                    let repeated =
                        repeated.filter(|repeat| repeat.hit.rules(&self.sets) & BESIDE != 0);
                    let spans = single.map(Span::of).chain(repeated.map(Repeat::span));
                    tally.beside = Beside::of(spans, last_violating);
                }
                if let Some(result) = results.get_mut(place) {
                    result.violators.push(tally);
                }
            }
        }
    }
}
