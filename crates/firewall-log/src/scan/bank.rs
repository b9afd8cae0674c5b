//! The rules that count sources alike, and the sources they count.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::address::{V4, V6};
use super::distinct::Distinct;
use super::hits::{Hit, TIME_MAX};
use super::shelf::Shelf;
use crate::detect::Threshold;
use crate::keyed::Key;
use crate::packet::Protocol;

/// Rules of one bank, one bit each.
pub(super) const RULES_MAX: usize = 64;

/// What one worker has seen of the sources.
#[derive(Debug, Clone)]
pub(super) struct Bank {
    /// Where the rules stand in the list that was given.
    pub(super) rules: Vec<(usize, Threshold)>,
    pub(super) ports: bool,
    /// The rules of each class, as bits; the same for all workers.
    classes: Arc<Mutex<Vec<u64>>>,
    /// What this worker has seen of each class.
    seen: Vec<Seen>,
    pub(super) v4: Shelf<V4>,
    pub(super) v6: Shelf<V6>,
}

/// Packets that the same rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class {
    number: u32,
}

/// The hits of a class.
#[derive(Debug, Clone, Default)]
struct Seen {
    hits: u64,
    /// The sources that have no place of their own.
    cold: Option<Distinct>,
}

impl Bank {
    pub(super) fn new(rules: Vec<(usize, Threshold)>) -> Self {
        let key = Key::random();
        Self {
            ports: rules.iter().any(|(_, rule)| rule.ports().is_some()),
            rules,
            classes: Arc::default(),
            seen: Vec::new(),
            v4: Shelf::new(key),
            v6: Shelf::new(key),
        }
    }

    /// The class of a packet; `None` if no rule counts it.
    pub(super) fn class(&mut self, prefix: &[u8], protocol: Option<Protocol>) -> Option<Class> {
        let bits = self.rules.iter().rev().map(|(_, rule)| {
            u64::from(rule.counts_prefix(prefix) && rule.counts_protocol(protocol))
        });
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
        if self.seen.len() <= place {
            self.seen.resize_with(place + 1, Seen::default);
        }
        let number = u32::try_from(place).ok()?;
        Some(Class { number })
    }

    /// Counts a packet of a class.
    #[inline]
    pub(super) fn add(&mut self, class: Class, source: IpAddr, port: Option<u16>, at: i64) {
        let place = usize::try_from(class.number).unwrap_or_default();
        let (Some((_, first)), Some(seen)) = (self.rules.first(), self.seen.get_mut(place)) else {
            return;
        };
        seen.hits += 1;
        let (network, _) = first.network(source);
        let hit = Hit {
            at: at.clamp(-TIME_MAX, TIME_MAX),
            class: class.number,
            port,
        };
        let cold = match network {
            IpAddr::V4(source) => self.v4.add(V4::new(source), hit, self.ports),
            IpAddr::V6(source) => self.v6.add(V6::new(source), hit, self.ports),
        };
        if let Some(hash) = cold {
            seen.cold.get_or_insert_default().add(hash);
        }
    }

    /// The rules of each class, as bits.
    pub(super) fn classes(&self) -> Vec<u64> {
        let classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        classes.clone()
    }

    /// The hits of each class.
    pub(super) fn hits(&self) -> impl Iterator<Item = u64> {
        self.seen.iter().map(|seen| seen.hits)
    }

    /// The sources without place that a rule has counted, if there are any.
    pub(super) fn cold(banks: &[Self], classes: &[u64], bit: usize) -> Option<Distinct> {
        let seen = banks.iter().flat_map(|bank| bank.seen.iter().zip(classes));
        let mut cold = seen
            .filter(|(_, rules)| **rules >> bit & 1 != 0)
            .filter_map(|(seen, _)| seen.cold.as_ref());
        let mut all = cold.next()?.clone();
        cold.for_each(|other| all.join(other));
        Some(all)
    }
}
