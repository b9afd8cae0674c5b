//! Who is to be banned, and when it is his turn: a source at once when it breaks a threshold, and
//! while it goes on from time to time.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::neighbours::Neighbours;
use crate::rule::Rule;
use crate::source::Source;
use crate::violation::Violator;

/// How long a ban is not prolonged after it was made or prolonged, while its source goes on: its
/// end lags so much behind, and not at all once the source has stopped.
const PAUSE: Duration = Duration::from_secs(5);

/// How many sources wait at most, and are known to have had their turn. More are told, and have
/// their turn with their next line.
const MOST: usize = 100_000;

/// A rule, from 0, and a source that breaks its threshold.
pub(crate) type Case = (usize, Source);

/// The sources that wait, and those that had their turn a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    waiting: HashMap<Case, Waiting>,
    lately: HashMap<Case, Lately>,
    /// When `lately` is gone through next.
    sweep: Option<Instant>,
    turned_away: u64,
    /// Those who were banned, by rules that look for networks of them.
    neighbours: Neighbours,
}

#[derive(Debug)]
struct Waiting {
    violator: Violator,
    due: Instant,
}

#[derive(Debug)]
struct Lately {
    /// What its last turn was about.
    last_violating: Timestamp,
    until: Instant,
}

impl Pending {
    /// Takes in that a source breaks the threshold of a rule.
    pub(crate) fn add(&mut self, case: Case, violator: Violator, now: Instant) {
        if let Some(waiting) = self.waiting.get_mut(&case) {
            waiting.take_in(&violator);
            return;
        }
        let due = match self.lately.get(&case) {
            Some(lately) if violator.last_violating <= lately.last_violating => return,
            Some(lately) => lately.until,
            None => now,
        };
        if self.waiting.len() < MOST {
            self.waiting.insert(case, Waiting { violator, due });
        } else {
            self.turned_away += 1;
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Those whose turn it is, in no order. A source that has its turn by one rule has it by all, so
    /// that what it did is looked at in the order in which it came.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<(Case, Violator)> {
        self.sweep(now);
        let due = self.waiting.iter();
        let due = due.filter(|(_, waiting)| waiting.due <= now);
        let sources: HashSet<Source> = due.map(|((_, source), _)| *source).collect();
        let due = self.waiting.keys();
        let due: Vec<_> = due
            .filter(|(_, source)| sources.contains(source))
            .copied()
            .collect();
        let taken = due
            .into_iter()
            .filter_map(|case| self.waiting.remove_entry(&case));
        taken
            .map(|(case, waiting)| (case, waiting.violator))
            .collect()
    }

    /// All that wait.
    pub(crate) fn take_all(&mut self) -> Vec<(Case, Violator)> {
        let all = self.waiting.drain();
        all.map(|(case, waiting)| (case, waiting.violator))
            .collect()
    }

    /// Lets a source wait, also for what it does meanwhile.
    pub(crate) fn put_back(&mut self, case: Case, violator: Violator, due: Instant) {
        match self.waiting.entry(case) {
            Entry::Occupied(mut waiting) => {
                let waiting = waiting.get_mut();
                waiting.take_in(&violator);
                waiting.due = waiting.due.max(due);
            }
            Entry::Vacant(place) => {
                place.insert(Waiting { violator, due });
            }
        }
    }

    /// Notes that a source had its turn.
    pub(crate) fn done(
        &mut self,
        case: Case,
        rule: &Rule,
        last_violating: Timestamp,
        now: Instant,
    ) {
        if self.lately.len() < MOST {
            let until = now + PAUSE.min(Duration::from(rule.removeafter) / 4);
            let lately = Lately {
                last_violating,
                until,
            };
            self.lately.insert(case, lately);
        }
    }

    /// Notes that a source is banned.
    pub(crate) fn banned(&mut self, number: usize, rule: &Rule, violator: &Violator) {
        self.neighbours.add(number, rule, violator);
    }

    /// The networks that those who are banned are enough for, where there is news of them.
    pub(crate) fn take_networks(&mut self, rules: &[Rule]) -> Vec<(Case, Violator)> {
        let networks = self.neighbours.take(rules).into_iter();
        networks
            .map(|(number, violator)| ((number - 1, violator.source), violator))
            .collect()
    }

    /// Forgets of those who were banned whose bans are over.
    pub(crate) fn forget(&mut self, rules: &[Rule], now: Timestamp) {
        self.neighbours.forget(rules, now);
    }

    /// When somebody has his turn next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.waiting.values().map(|waiting| waiting.due).min()
    }

    /// How many were not even let wait, since this was asked last.
    pub(crate) fn take_turned_away(&mut self) -> u64 {
        std::mem::take(&mut self.turned_away)
    }

    fn sweep(&mut self, now: Instant) {
        if self.sweep.is_none_or(|sweep| sweep <= now) {
            self.lately.retain(|_, lately| lately.until > now);
            self.sweep = Some(now + PAUSE);
        }
    }
}

impl Waiting {
    /// What a source does while it waits: the last window counts, and the fullest.
    fn take_in(&mut self, more: &Violator) {
        let known = &mut self.violator;
        known.hits = known.hits.max(more.hits);
        known.peak_hits = known.peak_hits.max(more.peak_hits);
        known.peak_ports = known.peak_ports.max(more.peak_ports);
        known.first_seen = known.first_seen.min(more.first_seen);
        known.last_seen = known.last_seen.max(more.last_seen);
        known.last_violating = known.last_violating.max(more.last_violating);
        known.due_since = known.due_since.min(more.due_since);
        known.bouts.take_in(&more.bouts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::tests::{rule, time, violator};

    const SOURCE: &str = "203.0.113.7";

    fn at(last: &str) -> Violator {
        violator(SOURCE, &format!("2026-11-22T{last}Z"))
    }

    fn since(first: &str, last: &str) -> Violator {
        Violator {
            due_since: at(first).due_since,
            ..at(last)
        }
    }

    #[test]
    fn at_once_and_then_from_time_to_time() {
        let (rule, start) = (rule(), Instant::now());
        let case = (0, at("08:00:00").source);
        let mut pending = Pending::default();
        pending.add(case, at("09:00:00"), start);
        pending.add(case, at("09:00:01"), start);
        let waited = since("09:00:00", "09:00:01");
        assert_eq!(pending.take_due(start), [(case, waited)]);
        pending.done(case, &rule, time("2026-11-22T09:00:01Z"), start);

        // A line that comes late tells of nothing new.
        pending.add(case, at("09:00:00.5"), start);
        assert_eq!(pending.next_due(), None);
        pending.add(case, at("09:00:02"), start);
        assert_eq!(pending.next_due(), Some(start + PAUSE));
        assert!(pending.take_due(start).is_empty());
        pending.add(case, at("09:00:03"), start);
        let later = start + PAUSE;
        let waited = since("09:00:02", "09:00:03");
        assert_eq!(pending.take_due(later), [(case, waited.clone())]);
        pending.put_back(case, waited.clone(), later + PAUSE);
        assert!(pending.take_due(later).is_empty());
        assert_eq!(pending.take_all(), [(case, waited)]);
        // Another rule has its own.
        pending.add((1, case.1), at("09:00:03"), later);
        assert_eq!(pending.take_due(later).len(), 1);
    }

    #[test]
    fn a_short_ban_is_prolonged_before_it_ends() {
        let rule = Rule {
            removeafter: "1s".parse().expect("a second"),
            ..rule()
        };
        let (mut pending, start) = (Pending::default(), Instant::now());
        let case = (0, at("08:00:00").source);
        pending.done(case, &rule, time("2026-11-22T09:00:00Z"), start);
        pending.add(case, at("09:00:01"), start);
        assert_eq!(pending.next_due(), Some(start + Duration::from_millis(250)));
    }
}
