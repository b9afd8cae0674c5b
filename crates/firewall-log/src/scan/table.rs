//! The sources that a worker has seen, and when they hit.

use super::address::{Address, Bits};
use super::group::RuleGroup;
use super::hits::{By, Hit, HitLog, Repeat, SLOTS_MAX};
use super::worker::Keep;
use crate::keyed::Key;
use crate::template::Source;

/// What a worker has seen of the sources of both families, for one group of rules.
#[derive(Debug, Clone)]
pub(super) struct SourceTables {
    pub(super) v4: SourceTable<1>,
    pub(super) v6: SourceTable<4>,
}

/// The sources of one family.
///
/// A limited number of them has a slot each, in a table that stays in the processor's own cache:
/// who came first has it. Of all others there may be as many as an attacker likes to forge; they
/// get no entry of any table, and their address is written beside each of their hits.
///
/// What the slots buy is memory: where every hit has its address beside it, a scan of the mixed log
/// of `benches/log_scan.rs` needs 1.5 times as much, in about the same time.
#[derive(Debug, Clone)]
pub(super) struct SourceTable<const N: usize> {
    key: Key,
    /// What of an address counts.
    mask: Bits,
    shards: [Shard<N>; SHARDS],
    /// Hits that are not kept yet, at most [`WAITING`].
    waiting: Vec<(Bits, Hit)>,
}

const WAITING: usize = 64;

/// The sources are in so many shards, by the upper bits of the hash: none is in two of them.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;
pub(super) const SHARD_BITS: u32 = 4;

/// The sources of one shard.
#[derive(Debug, Clone)]
pub(super) struct Shard<const N: usize> {
    /// Who has which slot; empty before the first hit.
    pub(super) slots: Vec<Option<Address<N>>>,
    pub(super) hits: HitLog<N>,
    /// Hits that lines sum up, of whatever source.
    pub(super) repeats: Vec<(Bits, Repeat)>,
}

impl SourceTables {
    pub(super) fn new(group: &RuleGroup) -> Self {
        let key = Key::random();
        let (v4, v6) = group.aggregates();
        Self {
            v4: SourceTable::new(key, v4, group.asks_for_ports()),
            v6: SourceTable::new(key, v6, group.asks_for_ports()),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, source: Source, hit: Hit) {
        if source.is_ipv6() {
            self.v6.add(source.bits(), hit);
        } else {
            self.v4.add(source.bits(), hit);
        }
    }

    pub(super) fn add_repeat(&mut self, source: Source, repeat: Repeat) {
        if source.is_ipv6() {
            self.v6.add_repeat(source.bits(), repeat);
        } else {
            self.v4.add_repeat(source.bits(), repeat);
        }
    }
}

/// Those of each group.
impl Keep for Vec<SourceTables> {
    #[inline]
    fn add(&mut self, group: usize, _: u64, source: Source, hit: Hit) {
        if let Some(tables) = self.get_mut(group) {
            tables.add(source, hit);
        }
    }

    fn add_repeat(&mut self, group: usize, _: u64, source: Source, repeat: Repeat) {
        if let Some(tables) = self.get_mut(group) {
            tables.add_repeat(source, repeat);
        }
    }
}

impl<const N: usize> SourceTable<N> {
    /// The slots of a shard, as a power of two: of IPv4, whose addresses are smaller, twice as
    /// many. In the tests of this crate so few that sources without a slot are met.
    const SLOT_BITS: u32 = if cfg!(test) {
        0
    } else if N == 1 {
        9
    } else {
        8
    };

    /// An empty table that counts networks of this prefix length; `ports`: whether a rule asks for
    /// ports.
    fn new(key: Key, length: u8, ports: bool) -> Self {
        Self {
            key,
            mask: Address::<N>::mask(length),
            shards: std::array::from_fn(|_| Shard {
                slots: Vec::new(),
                hits: HitLog::new(ports),
                repeats: Vec::new(),
            }),
            waiting: Vec::new(),
        }
    }

    /// Keeps a hit, soon.
    #[inline]
    fn add(&mut self, source: Bits, hit: Hit) {
        self.waiting.push((source, hit));
        if self.waiting.len() >= WAITING {
            self.keep_waiting();
        }
    }

    /// Keeps the hits that wait: so many in one loop that the processor looks up some slots while
    /// it writes the hits of others.
    #[inline(never)]
    fn keep_waiting(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for (source, hit) in waiting.drain(..) {
            self.keep(source, hit);
        }
        self.waiting = waiting;
    }

    #[inline]
    fn keep(&mut self, source: Bits, hit: Hit) {
        let (source, hash) = self.network(source);
        let Some(shard) = self.shards.get_mut(upper(hash, SHARD_BITS)) else {
            return;
        };
        let slot = upper(hash << SHARD_BITS, Self::SLOT_BITS).min(SLOTS_MAX - 1);
        if shard.slots.is_empty() {
            shard.slots.resize(1 << Self::SLOT_BITS, None);
        }
        let address = || Address::new(source);
        let owner = shard.slots.get_mut(slot);
        let is_owner =
            owner.is_some_and(|owner| owner.get_or_insert_with(address).bits() == source);
        let by = if is_owner {
            By::Slot(slot)
        } else {
            By::Address(source)
        };
        shard.hits.add(by, hit);
    }

    fn add_repeat(&mut self, source: Bits, repeat: Repeat) {
        let (source, hash) = self.network(source);
        if let Some(shard) = self.shards.get_mut(upper(hash, SHARD_BITS)) {
            shard.repeats.push((source, repeat));
        }
    }

    /// What of an address counts, and its hash.
    #[inline]
    fn network(&self, [low, high]: Bits) -> (Bits, u64) {
        let [low_mask, high_mask] = self.mask;
        let network = [low & low_mask, high & high_mask];
        (network, self.key.hash(network))
    }

    /// What sources are hashed with.
    pub(super) fn key(&self) -> Key {
        self.key
    }

    pub(super) fn into_shards(mut self) -> [Shard<N>; SHARDS] {
        self.keep_waiting();
        self.shards
    }
}

/// The upper bits of a hash.
#[inline]
pub(super) fn upper(hash: u64, bits: u32) -> usize {
    let upper = hash.checked_shr(u64::BITS - bits).unwrap_or_default();
    usize::try_from(upper).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sources that share a slot, and rule sets and distances of every size.
    #[test]
    fn every_hit_is_kept_somewhere() {
        let mut table = SourceTable::<1>::new(Key::random(), 32, false);
        let mut expected = Vec::new();
        for number in 0..5000_u32 {
            let hit = Hit {
                at: i64::from(number) * 200_001 - 9000,
                rule_set: number % 5 * 20_000,
                port: None,
            };
            let address = [u64::from(number % 97), 0];
            table.add(address, hit);
            expected.push((address, hit));
        }
        let mut kept = Vec::new();
        let mut overflow = 0;
        for shard in table.into_shards() {
            overflow += shard.hits.overflow();
            shard.hits.each(|by, hit| {
                let address = match by {
                    By::Slot(slot) => shard.slots[slot].unwrap().bits(),
                    By::Address(address) => address,
                };
                kept.push((address, hit));
            });
        }
        assert!(overflow > 0 && overflow < 5000);
        let order = |hits: &mut Vec<(Bits, Hit)>| hits.sort_by_key(|(_, hit)| hit.at);
        order(&mut kept);
        order(&mut expected);
        assert_eq!(kept, expected);
    }
}
