//! Who sent most, in bounded memory (Misra and Gries, 1982).

use std::collections::HashMap;
use std::hash::Hash;

use super::Split;

/// The keys that were counted most. Whoever has more packets than [`lacks`](Self::lacks) is among
/// them, however many others there are.
#[derive(Debug, Clone)]
pub(super) struct Frequent<K> {
    kept: HashMap<K, Kept>,
    /// So many are left when there are twice as many.
    room: usize,
    /// What a key may have been counted for before it was dropped.
    lacks: u64,
    is_whole: bool,
}

/// What is known of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) packets: Split,
    /// In microseconds; of all that is known, before the time that is looked at, too.
    pub(super) first: i64,
    pub(super) last: i64,
    /// Packets that may be missing, because it was dropped before.
    pub(super) lacks: u64,
    /// What is left of its packets after those of others were taken off.
    weight: u64,
}

impl<K: Eq + Hash> Frequent<K> {
    /// Remembers so many, and twice as many at times.
    pub(super) fn new(room: usize) -> Self {
        Self {
            kept: HashMap::new(),
            room,
            lacks: 0,
            is_whole: true,
        }
    }

    /// Counts packets of a key that came at `at`, in microseconds; none, where only that it was there
    /// matters.
    pub(super) fn add(&mut self, key: K, at: i64, packets: Split) {
        let lacks = self.lacks;
        let kept = self.kept.entry(key).or_insert(Kept {
            packets: Split::default(),
            first: at,
            last: at,
            lacks,
            weight: 0,
        });
        kept.packets += packets;
        kept.weight = kept.weight.saturating_add(packets.all());
        kept.first = kept.first.min(at);
        kept.last = kept.last.max(at);
        if self.kept.len() > self.room.saturating_mul(2) {
            self.drop_some();
        }
    }

    /// Takes off as much of each as leaves no more than there is room for.
    #[cold]
    fn drop_some(&mut self) {
        let mut weights: Vec<_> = self.kept.values().map(|kept| kept.weight).collect();
        let place = weights.len().saturating_sub(self.room + 1);
        let (_, off, _) = weights.select_nth_unstable(place);
        let off = *off;
        self.lacks = self.lacks.saturating_add(off);
        self.is_whole = false;
        self.kept.retain(|_, kept| {
            kept.weight = kept.weight.saturating_sub(off);
            kept.weight > 0
        });
    }

    /// How many packets a key can have that is not among them; 0 where none was dropped that had any.
    pub(super) fn lacks(&self) -> u64 {
        self.lacks
    }

    /// Whether there was room for all.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// All that are kept.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &Kept)> {
        self.kept.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn blocked(blocked: u64) -> Split {
        Split {
            blocked,
            allowed: 0,
        }
    }

    proptest! {
        /// What is said of a key brackets what is true of it, and nobody with more than is said to
        /// be missing is.
        #[test]
        fn what_is_missing_is_known(keys in vec((0_u8..40, 1_u64..5), 0..400), room in 1_usize..12) {
            let mut frequent = Frequent::new(room);
            let mut all: HashMap<u8, u64> = HashMap::new();
            // Low numbers come more often.
            for (at, (key, times)) in (0..).zip(keys) {
                let key = key.saturating_sub(20);
                frequent.add(key, at, blocked(times));
                *all.entry(key).or_default() += times;
                prop_assert!(frequent.kept.len() <= 2 * room);
            }
            for (key, truth) in &all {
                match frequent.kept.get(key) {
                    None => prop_assert!(*truth <= frequent.lacks(), "{key}: {truth}"),
                    Some(kept) => {
                        let said = kept.packets.blocked;
                        prop_assert!(said <= *truth && *truth <= said + kept.lacks);
                    }
                }
            }
            let sum: u64 = all.values().sum();
            // The bound of Misra and Gries, for counters of which the smallest are dropped at once.
            prop_assert!(frequent.lacks() <= sum / (room as u64 + 1), "{} of {sum}", frequent.lacks());
        }
    }
}
