//! Which sources broke which threshold.

use std::net::IpAddr;

use super::trail::Trail;
use crate::detect::{Tally, Threshold};

/// A source with more hits is one of few, and gives the memory back.
const KEPT: usize = 1 << 16;

/// The rules of a bank, and who violates them.
pub(super) struct Verdicts<'a> {
    rules: &'a [(usize, Threshold)],
    /// The rules of each class of hits, as bits.
    classes: Vec<u64>,
    pub(super) ports: bool,
    /// A source with fewer hits violates none of the rules.
    pub(super) least: u32,
    /// For each rule.
    pub(super) violators: Vec<Vec<Tally>>,
    times: Vec<i64>,
    ported: Vec<(i64, Option<u16>)>,
}

impl<'a> Verdicts<'a> {
    pub(super) fn new(rules: &'a [(usize, Threshold)], classes: Vec<u64>, ports: bool) -> Self {
        let least = rules.iter().map(|(_, rule)| rule.least_hits()).min();
        Self {
            rules,
            classes,
            ports,
            least: least.unwrap_or(u32::MAX),
            violators: rules.iter().map(|_| Vec::new()).collect(),
            times: Vec::new(),
            ported: Vec::new(),
        }
    }

    pub(super) fn rules_of(&self, class: u32) -> u64 {
        let place = usize::try_from(class).unwrap_or(usize::MAX);
        self.classes.get(place).copied().unwrap_or_default()
    }

    /// Adds a source to the violators of each rule that it violates.
    pub(super) fn judge(&mut self, source: IpAddr, trail: &Trail) {
        if trail.len() < self.least {
            return;
        }
        let (mut times, mut ported) = (
            std::mem::take(&mut self.times),
            std::mem::take(&mut self.ported),
        );
        times.clear();
        ported.clear();
        for (bit, (_, rule)) in self.rules.iter().enumerate() {
            let counts = |class| self.rules_of(class) >> bit & 1 != 0;
            if trail.rules >> bit & 1 == 0 || trail.len() < rule.least_hits() {
                continue;
            }
            let hits = || trail.iter(self.ports).filter(|hit| counts(hit.class));
            let tally = if rule.ports().is_some() {
                if ported.is_empty() || !trail.is_uniform() {
                    ported.clear();
                    ported.extend(hits().map(|hit| (hit.at, hit.port)));
                    if !ported.is_sorted_by_key(|(at, _)| *at) {
                        ported.sort_by_key(|(at, _)| *at);
                    }
                }
                Tally::of_ports(rule, source, &ported)
            } else {
                if times.is_empty() || !trail.is_uniform() {
                    times.clear();
                    times.extend(hits().map(|hit| hit.at));
                    if !times.is_sorted() {
                        #[expect(
                            clippy::stable_sort_primitive,
                            reason = "what several workers saw are a few runs in order, which it merges"
                        )]
                        times.sort();
                    }
                }
                Tally::of_times(rule, source, &times)
            };
            if tally.last_violating.is_some()
                && let Some(violators) = self.violators.get_mut(bit)
            {
                violators.push(tally);
            }
        }
        if times.capacity() <= KEPT {
            self.times = times;
        }
        if ported.capacity() <= KEPT {
            self.ported = ported;
        }
    }
}
