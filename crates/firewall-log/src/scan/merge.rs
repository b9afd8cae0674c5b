//! What the workers' tables come to together: shard by shard, since no source is in two of them,
//! and by several threads.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::address::{Address, Bits};
use super::distinct::Distinct;
use super::finding::Finding;
use super::group::Rules;
use super::hits::{By, Hit, Repeat};
use super::table::{SHARD_BITS, Shard, SourceTable, SourceTables, upper};
use super::verdict::{Evidence, Judge, RuleResult};
use crate::keyed::Key;

/// Up to so many sources are always counted exactly. It is a little more than what is promised,
/// since how many there are is only an estimate.
const EXACT: usize = if cfg!(test) { 1 << 12 } else { 1_050_000 };

/// Hits that are worth a thread.
const WORTH: usize = if cfg!(test) { 64 } else { 1 << 15 };

/// What each rule found, in the order in which the scan was given them. `workers` have a table for
/// each group of rules.
pub(super) fn merge(
    rules: &Rules,
    workers: Vec<Vec<SourceTables>>,
    threads: usize,
) -> Vec<Finding> {
    let mut judges: Vec<Judge<'_>> = Vec::new();
    let mut shards: Vec<(usize, Box<dyn Mergeable>)> = Vec::new();
    let mut workers: Vec<_> = workers.into_iter().map(Vec::into_iter).collect();
    for (place, group) in rules.groups.iter().enumerate() {
        judges.push(Judge::new(group, rules.sets_of(place)));
        let tables = workers.iter_mut().filter_map(Iterator::next);
        let (v4, v6): (Vec<_>, Vec<_>) = tables.map(|tables| (tables.v4, tables.v6)).unzip();
        shards.extend(Shards::of(v4).map(|shards| (place, shards)));
        shards.extend(Shards::of(v6).map(|shards| (place, shards)));
    }
    // The largest are taken first, so that no thread is left alone with one.
    shards.sort_by_key(|(_, shards)| shards.size());
    let size: usize = shards.iter().map(|(_, shards)| shards.size()).sum();
    let threads = threads.min(1 + size / WORTH);
    let mut results = vec![RuleResult::default(); rules.number];
    for (place, judge) in judges.iter_mut().enumerate() {
        let of_group = shards.iter().filter(|(group, _)| *group == place);
        let of_group = of_group.map(|(_, shards)| shards.as_ref()).collect();
        estimate(judge, &mut results, of_group, threads);
    }
    let begin = || vec![RuleResult::default(); rules.number];
    let all = share(shards, threads, begin, |results, (place, shards)| {
        if let Some(judge) = judges.get(place) {
            shards.merge(judge, results);
        }
    });
    for part in all {
        join(&mut results, part);
    }
    results.into_iter().map(RuleResult::finding).collect()
}

/// Gives items to several threads, from the last to the first, one after the other to whichever is
/// free; what each thread made of those it got.
fn share<T: Send, S: Send>(
    items: Vec<T>,
    threads: usize,
    begin: impl Fn() -> S + Sync,
    take: impl Fn(&mut S, T) + Sync,
) -> Vec<S> {
    let items = Mutex::new(items);
    let work = || {
        let mut made = begin();
        loop {
            let next = items.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match next {
                Some(item) => take(&mut made, item),
                None => return made,
            }
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = vec![work()];
        for other in others {
            match other.join() {
                Ok(made) => all.push(made),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

/// Finds out whether the sources without a slot are too many to count one by one, and if so, about
/// how many of them each rule has counted.
fn estimate(
    judge: &mut Judge<'_>,
    results: &mut [RuleResult],
    shards: Vec<&dyn Mergeable>,
    threads: usize,
) {
    let overflow: usize = shards.iter().map(|shards| shards.overflow()).sum();
    if overflow <= EXACT {
        return;
    }
    let begin = || vec![None; judge.sets.len()];
    let all = share(shards, threads, begin, |sets, shards| shards.estimate(sets));
    let mut found = vec![RuleResult::default(); results.len()];
    judge.estimate(&mut found, u64::MAX, &Distinct::default());
    for sets in all {
        for (rules, distinct) in judge.sets.iter().zip(&sets) {
            if let Some(distinct) = distinct {
                judge.estimate(&mut found, *rules, distinct);
            }
        }
    }
    let most = u64::try_from(EXACT).unwrap_or(u64::MAX);
    let mut distinct = found.iter().filter_map(|result| result.distinct.as_ref());
    judge.exact = distinct.all(|distinct| distinct.estimate() <= most);
    if !judge.exact {
        join(results, found);
    }
}

/// Adds a part of what each rule has found.
fn join(results: &mut [RuleResult], part: Vec<RuleResult>) {
    for (result, part) in results.iter_mut().zip(part) {
        result.join(part);
    }
}

/// The shards of the same number of all workers, of either family.
trait Mergeable: Send + Sync {
    /// About how many hits there are.
    fn size(&self) -> usize;

    /// How many hits are of sources without a slot.
    fn overflow(&self) -> usize;

    /// Adds the sources without a slot, for each rule set.
    fn estimate(&self, sets: &mut [Option<Distinct>]);

    /// Counts and judges all sources.
    fn merge(self: Box<Self>, judge: &Judge<'_>, results: &mut [RuleResult]);
}

struct Shards<const N: usize> {
    key: Key,
    workers: Vec<Shard<N>>,
}

impl<const N: usize> Shards<N> {
    fn of(tables: Vec<SourceTable<N>>) -> impl Iterator<Item = Box<dyn Mergeable>> {
        let mut all: Vec<Self> = Vec::new();
        for table in tables {
            let key = table.key();
            for (place, shard) in table.into_shards().into_iter().enumerate() {
                if all.len() <= place {
                    all.push(Self {
                        key,
                        workers: Vec::new(),
                    });
                }
                if let Some(shards) = all.get_mut(place) {
                    shards.workers.push(shard);
                }
            }
        }
        all.into_iter()
            .map(|shards| Box::new(shards) as Box<dyn Mergeable>)
    }
}

impl<const N: usize> Mergeable for Shards<N> {
    fn size(&self) -> usize {
        self.workers.iter().map(|shard| shard.hits.size()).sum()
    }

    fn overflow(&self) -> usize {
        self.workers.iter().map(|shard| shard.hits.overflow()).sum()
    }

    fn estimate(&self, sets: &mut [Option<Distinct>]) {
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

    fn merge(mut self: Box<Self>, judge: &Judge<'_>, results: &mut [RuleResult]) {
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
