//! The rules that count sources alike, and the sources they count.

use std::sync::{Arc, Mutex, PoisonError};

use super::address::{V4, V6};
use super::hits::{Hit, Repeat, TIME_MAX};
use super::shelf::Shelf;
use crate::keyed::Key;
use crate::rule::{Excepted, Nature, Threshold};
use crate::template::Observation;

/// Rules of one bank, one bit each.
pub(super) const RULES_MAX: usize = 64;

/// What one worker has seen of the sources.
#[derive(Debug, Clone)]
pub(super) struct Bank {
    /// Where the rules stand in the list that was given.
    pub(super) rules: Vec<(usize, Threshold)>,
    pub(super) ports: bool,
    /// Whose packets none of the rules counts.
    excepted: Option<Arc<Excepted>>,
    /// The rules of each class, as bits; the same for all workers.
    classes: Arc<Mutex<Vec<u64>>>,
    /// The class of each kind of packet, as this worker numbers them.
    kinds: Vec<Option<u32>>,
    /// How many packets of each class this worker has seen.
    seen: Vec<u64>,
    pub(super) v4: Shelf<V4>,
    pub(super) v6: Shelf<V6>,
}

impl Bank {
    pub(super) fn new(rules: Vec<(usize, Threshold)>) -> Self {
        let key = Key::random();
        let network = |rule: &(usize, Threshold)| rule.1.aggregates();
        let (v4, v6) = rules.first().map_or((0, 0), network);
        let ports = rules.iter().any(|(_, rule)| rule.ports().is_some());
        Self {
            ports,
            excepted: rules
                .first()
                .map(|(_, rule)| rule.excepted().clone())
                .filter(|excepted| !excepted.is_empty()),
            rules,
            classes: Arc::default(),
            kinds: Vec::new(),
            seen: Vec::new(),
            v4: Shelf::new(key, v4, ports),
            v6: Shelf::new(key, v6, ports),
        }
    }

    /// Whether a rule counts sources like those of the bank.
    pub(super) fn is_for(rules: &[(usize, Threshold)], other: &Threshold) -> bool {
        rules.iter().all(|(_, rule)| {
            rule.aggregates() == other.aggregates() && rule.excepted() == other.excepted()
        })
    }

    /// The class of packets; `None` if no rule counts them.
    pub(super) fn class(&self, prefix: &[u8], nature: Nature) -> Option<u32> {
        let counts = |rule: &Threshold| rule.counts(prefix, nature);
        let bits = self
            .rules
            .iter()
            .rev()
            .map(|(_, rule)| u64::from(counts(rule)));
        let rules = bits.fold(0, |rules, bit| rules << 1 | bit);
        if rules == 0 {
            return None;
        }
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = classes.iter().position(|class| *class == rules);
        let place = known.unwrap_or_else(|| {
            classes.push(rules);
            classes.len() - 1
        });
        u32::try_from(place).ok()
    }

    /// Takes packets of the next kind for packets of a class.
    pub(super) fn add_kind(&mut self, class: Option<u32>) {
        self.kinds.push(class);
        let place = class.and_then(|class| usize::try_from(class).ok());
        if let Some(place) = place.filter(|place| *place >= self.seen.len()) {
            self.seen.resize(place + 1, 0);
        }
    }

    /// Counts a packet.
    #[inline(never)]
    pub(super) fn count(&mut self, packet: &Observation) {
        let Some(hit) = self.hit(packet, 1) else {
            return;
        };
        match packet.source.v4() {
            Some(source) => self.v4.add(V4::from_bits(source), hit),
            None => self.v6.add(V6::from_words(packet.source.v6()), hit),
        }
    }

    /// Counts packets that came since some instant, in microseconds, all but the last it is not
    /// known when.
    #[cold]
    pub(super) fn count_repeated(&mut self, packet: &Observation, since: Option<i64>, times: u64) {
        let Some(hit) = self.hit(packet, times) else {
            return;
        };
        let since = since.map(|since| since.clamp(-TIME_MAX, TIME_MAX));
        let repeat = Repeat { hit, since, times };
        match packet.source.v4() {
            Some(source) => self.v4.add_repeat(V4::from_bits(source), repeat),
            None => self
                .v6
                .add_repeat(V6::from_words(packet.source.v6()), repeat),
        }
    }

    /// What is kept of a packet, which has been seen so many times; `None` if no rule counts it.
    #[inline]
    fn hit(&mut self, packet: &Observation, times: u64) -> Option<Hit> {
        let kind = usize::try_from(packet.rule_set).ok();
        let class = (*kind.and_then(|kind| self.kinds.get(kind))?)?;
        if self.excepts(packet) {
            return None;
        }
        let place = usize::try_from(class).ok();
        if let Some(seen) = place.and_then(|place| self.seen.get_mut(place)) {
            *seen += times;
        }
        Some(Hit {
            at: packet.at.clamp(-TIME_MAX, TIME_MAX),
            class,
            port: packet.port,
        })
    }

    #[inline]
    fn excepts(&self, packet: &Observation) -> bool {
        self.excepted.as_ref().is_some_and(|excepted| {
            let [low, high] = packet.source.v6().map(u128::from);
            let v6 = || excepted.has_v6(high << 64 | low);
            packet
                .source
                .v4()
                .map_or_else(v6, |source| excepted.has_v4(source))
        })
    }

    /// Keeps what waits to be kept.
    pub(super) fn flush(&mut self) {
        self.v4.flush();
        self.v6.flush();
    }

    /// The rules of each class, as bits.
    pub(super) fn classes(&self) -> Vec<u64> {
        let classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        classes.clone()
    }

    /// The hits of each class.
    pub(super) fn hits(&self) -> impl Iterator<Item = u64> {
        self.seen.iter().copied()
    }
}
