//! The sources of a shard, as all workers together have seen them.

use std::collections::HashMap;

use super::address::{Address, Bits};
use super::distinct::Distinct;
use super::hits::{By, Hit, Repeat};
use super::table::{SHARD_BITS, SHARDS, Shard, SourceTable, upper};
use super::verdict::{Evidence, Judge, RuleResult};
use crate::keyed::Key;

/// The shards of one number, of all workers.
pub(super) struct Shards<const N: usize> {
    key: Key,
    workers: Vec<Shard<N>>,
}

impl<const N: usize> Shards<N> {
    /// The shards of each number together.
    pub(super) fn of(tables: Vec<SourceTable<N>>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for table in tables {
            let key = table.key();
            all.resize_with(SHARDS, || Self {
                key,
                workers: Vec::new(),
            });
            for (shards, shard) in all.iter_mut().zip(table.into_shards()) {
                shards.workers.push(shard);
            }
        }
        all
    }

    /// How many words of hits there are.
    pub(super) fn size(&self) -> usize {
        self.workers.iter().map(|shard| shard.hits.size()).sum()
    }

    /// How many hits are of sources without a slot.
    pub(super) fn overflow(&self) -> usize {
        self.workers.iter().map(|shard| shard.hits.overflow()).sum()
    }

    /// Counts the sources without a slot, for each rule set.
    pub(super) fn estimate(&self, sets: &mut [Option<Distinct>]) {
        for shard in &self.workers {
            shard.hits.each(|by, hit| {
                let set = sets.get_mut(usize::try_from(hit.rule_set).unwrap_or(usize::MAX));
                if let (By::Address(source), Some(set)) = (by, set) {
                    let distinct = set.get_or_insert_with(Distinct::default);
                    distinct.add(self.key.hash(source));
                }
            });
        }
    }

    /// Counts and judges all sources.
    pub(super) fn merge(mut self, judge: &Judge<'_>, results: &mut [RuleResult]) {
        let mut index = SourceIndex::new(self.key, self.overflow());
        let add = |shard| index.add_slots(shard, judge, results);
        let slots: Vec<_> = self.workers.iter().map(add).collect();
        for shard in &mut self.workers {
            for (source, repeat) in shard.repeats.drain(..) {
                index.add_repeat(source, repeat, judge, results);
            }
        }
        index.add_overflow(&self.workers, judge, results);
        if judge.needs_only_time() {
            index.judge::<i64>(&self.workers, &slots, judge, results);
        } else {
            index.judge::<Hit>(&self.workers, &slots, judge, results);
        }
    }
}

/// The sources of a shard that are looked at one by one.
struct SourceIndex<const N: usize> {
    key: Key,
    numbers: HashMap<Address<N>, usize, Key>,
    sources: Vec<Indexed<N>>,
    buckets: Buckets,
    /// Whether any of the sources may have hits that were logged with their address.
    has_overflow: bool,
}

/// A source, as all workers together have seen it.
struct Indexed<const N: usize> {
    address: Address<N>,
    /// The rules that counted any of its hits, as bits.
    rules: u64,
    /// Its hits, but for those that lines sum up.
    hits: usize,
    repeats: Vec<Repeat>,
}

impl<const N: usize> Indexed<N> {
    /// How many hits it has.
    fn all_hits(&self) -> u64 {
        let repeated = self.repeats.iter().map(|repeat| repeat.times);
        repeated.fold(self.hits as u64, u64::saturating_add)
    }

    /// Whether it has enough hits to be judged.
    fn is_suspect(&self, judge: &Judge<'_>) -> bool {
        self.all_hits() >= judge.least.into()
    }
}

impl<const N: usize> SourceIndex<N> {
    /// An empty index of a shard with so many hits of sources without a slot.
    fn new(key: Key, overflow: usize) -> Self {
        Self {
            key,
            numbers: HashMap::with_hasher(key),
            sources: Vec::new(),
            buckets: Buckets::new(overflow),
            has_overflow: false,
        }
    }

    /// Adds hits to a source; its number.
    fn add(&mut self, source: Bits, hits: usize, rules: u64) -> usize {
        let address = Address::new(source);
        let number = *self.numbers.entry(address).or_insert(self.sources.len());
        match self.sources.get_mut(number) {
            Some(source) => {
                source.hits += hits;
                source.rules |= rules;
            }
            None => self.sources.push(Indexed {
                address,
                rules,
                hits,
                repeats: Vec::new(),
            }),
        }
        number
    }

    /// Adds the sources that have a slot with a worker, and counts all its packets; the number of
    /// the source of each slot.
    fn add_slots(
        &mut self,
        shard: &Shard<N>,
        judge: &Judge<'_>,
        results: &mut [RuleResult],
    ) -> Vec<usize> {
        let mut matched = vec![0_u64; judge.sets.len()];
        let mut slots = vec![(0, 0); shard.slots.len()];
        shard.hits.each(|by, hit| {
            let set = usize::try_from(hit.rule_set).unwrap_or(usize::MAX);
            matched
                .get_mut(set)
                .into_iter()
                .for_each(|packets| *packets += 1);
            match by {
                By::Slot(slot) => {
                    if let Some((hits, rules)) = slots.get_mut(slot) {
                        *hits += 1;
                        *rules |= hit.rules(&judge.sets);
                    }
                }
                By::Address(source) => self.buckets.add(self.key.hash(source), 1),
            }
        });
        for (rules, packets) in judge.sets.iter().zip(matched) {
            judge.match_packets(results, *rules, packets);
        }
        let slots = shard.slots.iter().zip(slots);
        let numbers = slots.map(|(address, (hits, rules))| {
            address.map_or(usize::MAX, |address| self.add(address.bits(), hits, rules))
        });
        numbers.collect()
    }

    /// Adds hits that a line sums up.
    fn add_repeat(
        &mut self,
        source: Bits,
        repeat: Repeat,
        judge: &Judge<'_>,
        results: &mut [RuleResult],
    ) {
        let rules = repeat.hit.rules(&judge.sets);
        judge.match_packets(results, rules, repeat.times);
        let number = self.add(source, 0, rules);
        if let Some(source) = self.sources.get_mut(number) {
            source.repeats.push(repeat);
        }
    }

    /// Adds those of the sources without a slot that may have enough hits to be judged, or that
    /// have been added for another reason; the others are counted at most.
    fn add_overflow(
        &mut self,
        workers: &[Shard<N>],
        judge: &Judge<'_>,
        results: &mut [RuleResult],
    ) {
        for source in &self.sources {
            let hits = u32::try_from(source.all_hits()).unwrap_or(u32::MAX);
            self.buckets.add(self.key.hash(source.address.bits()), hits);
        }
        // A source has a slot with a worker or not; only of several workers one may have it and
        // another not. Lines that sum up hits are not kept in slots.
        let is_shared =
            workers.len() > 1 || self.sources.iter().any(|source| !source.repeats.is_empty());
        if !is_shared && !judge.exact && self.buckets.fullest() < judge.least {
            return;
        }
        let mut few = Vec::new();
        for shard in workers {
            shard.hits.each(|by, hit| {
                let By::Address(source) = by else { return };
                let most = self.buckets.most(self.key.hash(source));
                let is_known = || self.numbers.contains_key(&Address::new(source));
                if most >= judge.least || (is_shared && is_known()) {
                    self.add(source, 1, hit.rules(&judge.sets));
                    self.has_overflow = true;
                } else if judge.exact {
                    few.push((Address::<N>::new(source), hit.rule_set));
                }
            });
        }
        few.sort_unstable();
        for hits in few.chunk_by(|(one, _), (other, _)| one == other) {
            let sets = hits.iter().map(|(_, rule_set)| Hit {
                rule_set: *rule_set,
                ..Hit::default()
            });
            let rules = sets.fold(0, |rules, hit| rules | hit.rules(&judge.sets));
            judge.count(results, rules);
        }
    }

    /// Counts all sources and judges those that have enough hits; `slots` are the numbers of the
    /// sources of each worker's slots.
    fn judge<T: Evidence>(
        &self,
        workers: &[Shard<N>],
        slots: &[Vec<usize>],
        judge: &Judge<'_>,
        results: &mut [RuleResult],
    ) {
        let mut length = 0;
        // For each source, where its next hit goes: those of one source lie together.
        let mut next: Vec<usize> = Vec::with_capacity(self.sources.len());
        next.extend(self.sources.iter().map(|source| {
            if !source.is_suspect(judge) {
                return usize::MAX;
            }
            length += source.hits;
            length - source.hits
        }));
        let mut all = vec![T::default(); length];
        let shards = workers.iter().zip(slots).filter(|_| length > 0);
        for (shard, slots) in shards {
            shard.hits.each(|by, hit| {
                let number = match by {
                    By::Slot(slot) => slots.get(slot),
                    By::Address(source) if self.has_overflow => {
                        self.numbers.get(&Address::new(source))
                    }
                    By::Address(_) => None,
                };
                let Some(next) = number.and_then(|number| next.get_mut(*number)) else {
                    return;
                };
                if let Some(place) = all.get_mut(*next) {
                    *place = hit.into();
                    *next += 1;
                }
            });
        }
        let mut rest = all.as_mut_slice();
        for source in &self.sources {
            let Indexed { address, rules, .. } = source;
            judge.count(results, *rules);
            if !judge.exact {
                judge.estimate_one(results, *rules, self.key.hash(address.bits()));
            }
            if source.is_suspect(judge) {
                let (hits, others) = std::mem::take(&mut rest).split_at_mut(source.hits);
                judge.judge(results, address.ip(), *rules, hits, &source.repeats);
                rest = others;
            }
        }
    }
}

/// How many hits the sources of each bucket of a shard have together.
#[derive(Debug)]
struct Buckets {
    sums: Vec<u32>,
    bits: u32,
}

impl Buckets {
    /// For so many hits: few for each bucket.
    fn new(hits: usize) -> Self {
        let bits = (hits / 2).max(1).ilog2().clamp(8, 16);
        Self {
            sums: vec![0; 1 << bits],
            bits,
        }
    }

    /// By the bits of the hash after those of the shard.
    #[inline]
    fn place(&self, hash: u64) -> usize {
        upper(hash << SHARD_BITS, self.bits)
    }

    fn add(&mut self, hash: u64, hits: u32) {
        let place = self.place(hash);
        if let Some(sum) = self.sums.get_mut(place) {
            *sum = sum.saturating_add(hits);
        }
    }

    /// The most hits that a source of this hash can have.
    fn most(&self, hash: u64) -> u32 {
        self.sums.get(self.place(hash)).copied().unwrap_or(u32::MAX)
    }

    /// The most hits that any source can have.
    fn fullest(&self) -> u32 {
        self.sums.iter().copied().max().unwrap_or_default()
    }
}
