//! The sources of a part that are looked at one by one.

use std::collections::HashMap;

use super::address::Address;
use super::cold::Cold;
use super::hits::{Evidence, Hit, Hits, Repeat};
use super::shelf::Buckets;
use super::verdict::{Rules, Verdicts};
use crate::keyed::Key;

/// The hits of each source together, of those that have enough to be judged.
struct Sorted<T> {
    hits: Vec<T>,
    /// For each source, where its next hit goes.
    next: Vec<usize>,
}

impl<T: Evidence> Sorted<T> {
    fn new<A>(sources: &[Source<A>], least: u32) -> Self {
        let mut length = 0;
        let mut place = |source: &Source<A>| {
            if !source.has(least) {
                return usize::MAX;
            }
            length += source.hits;
            length - source.hits
        };
        let next = sources.iter().map(&mut place).collect();
        Self {
            hits: vec![T::default(); length],
            next,
        }
    }

    #[inline]
    fn add(&mut self, source: usize, hit: Hit) {
        let Some(next) = self.next.get_mut(source) else {
            return;
        };
        if let Some(place) = self.hits.get_mut(*next) {
            *place = hit.into();
            *next += 1;
        }
    }
}

/// The sources of a part that are looked at one by one.
pub(super) struct Known<A> {
    key: Key,
    numbers: HashMap<A, usize, Key>,
    sources: Vec<Source<A>>,
    /// What lines sum up of a source, by its number.
    repeats: HashMap<usize, Vec<Repeat>>,
}

/// A source, as all workers together have seen it.
struct Source<A> {
    address: A,
    /// The rules that counted any of its hits, as bits.
    rules: u64,
    hits: usize,
    /// Hits that lines sum up.
    repeated: u64,
}

impl<A> Source<A> {
    fn all(&self) -> u64 {
        (self.hits as u64).saturating_add(self.repeated)
    }

    fn has(&self, hits: u32) -> bool {
        self.all() >= hits.into()
    }
}

impl<A: Address> Known<A> {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            numbers: HashMap::with_hasher(key),
            sources: Vec::new(),
            repeats: HashMap::new(),
        }
    }

    /// Adds hits to a source; its number.
    fn add(&mut self, address: A, hits: usize, rules: u64) -> usize {
        let number = *self.numbers.entry(address).or_insert(self.sources.len());
        match self.sources.get_mut(number) {
            Some(source) => {
                source.hits += hits;
                source.rules |= rules;
            }
            None => self.sources.push(Source {
                address,
                rules,
                hits,
                repeated: 0,
            }),
        }
        number
    }

    /// Adds hits that lines sum up.
    pub(super) fn add_repeats(&mut self, repeats: Vec<(A, Repeat)>, rules: &Rules) {
        for (address, repeat) in repeats {
            let number = self.add(address, 0, rules.of_class(repeat.hit.class));
            if let Some(source) = self.sources.get_mut(number) {
                source.repeated = source.repeated.saturating_add(repeat.times);
            }
            self.repeats.entry(number).or_default().push(repeat);
        }
    }

    /// Adds the sources that a worker had places for; the number of each place.
    pub(super) fn add_placed(
        &mut self,
        places: &[Option<A>],
        hits: &Hits,
        rules: &Rules,
    ) -> Vec<usize> {
        let mut counts = vec![(0, 0); places.len()];
        hits.each(|place, hit| {
            if let Some((count, counted_by)) = counts.get_mut(place) {
                *count += 1;
                *counted_by |= rules.of_class(hit.class);
            }
        });
        let numbers = places.iter().zip(counts).map(|(address, (count, rules))| {
            address.map_or(usize::MAX, |address| self.add(address, count, rules))
        });
        numbers.collect()
    }

    /// Adds the hits of other sources that are known or may have enough of them; the rest is at
    /// most counted.
    pub(super) fn add_cold(&mut self, cold: &[Cold<A>], verdicts: &mut Verdicts<'_>) -> Hits {
        let rules = verdicts.rules;
        let mut late = Hits::new(rules.ports);
        let hits = cold.iter().map(Cold::len).sum();
        if hits == 0 {
            return late;
        }
        let buckets = self.buckets(cold, hits);
        // A source has a place with a worker or not; only of several workers one may have it and
        // another not. What lines sum up has none.
        let shared = cold.len() > 1 || !self.repeats.is_empty();
        let mut few = Vec::new();
        for cold in cold {
            cold.each(|address, hit| {
                let most = buckets.most(self.key.hash(address.words()));
                if most >= rules.least || (shared && self.numbers.contains_key(&address)) {
                    let number = self.add(address, 1, rules.of_class(hit.class));
                    late.add(number, hit);
                } else if rules.exact {
                    few.push((address, hit.class));
                }
            });
        }
        few.sort_unstable();
        for hits in few.chunk_by(|(one, _), (other, _)| one == other) {
            let counted_by = hits.iter().map(|(_, class)| rules.of_class(*class));
            verdicts.count(counted_by.fold(0, |all, rules| all | rules));
        }
        late
    }

    /// How many hits the sources of each bucket have.
    fn buckets(&self, cold: &[Cold<A>], hits: usize) -> Buckets {
        let mut buckets = Buckets::new(hits);
        for source in &self.sources {
            let hits = u32::try_from(source.all()).unwrap_or(u32::MAX);
            buckets.add(self.key.hash(source.address.words()), hits);
        }
        for cold in cold {
            cold.each(|address, _| buckets.add(self.key.hash(address.words()), 1));
        }
        buckets
    }

    /// Counts all sources and judges those that have enough hits; `late` are those of
    /// [`add_cold`](Self::add_cold), `placed` those that workers had places for, with the number of
    /// each place.
    pub(super) fn judge(
        &self,
        placed: &[(Vec<usize>, Hits)],
        late: &Hits,
        verdicts: &mut Verdicts<'_>,
    ) {
        if verdicts.rules.are_uniform() {
            self.judge_by::<i64>(placed, late, verdicts);
        } else {
            self.judge_by::<Hit>(placed, late, verdicts);
        }
    }

    fn judge_by<T: Evidence>(
        &self,
        placed: &[(Vec<usize>, Hits)],
        late: &Hits,
        verdicts: &mut Verdicts<'_>,
    ) {
        let rules = verdicts.rules;
        let mut sorted = Sorted::<T>::new(&self.sources, rules.least);
        for (numbers, hits) in placed {
            hits.each(|place, hit| {
                if let Some(number) = numbers.get(place) {
                    sorted.add(*number, hit);
                }
            });
        }
        late.each(|number, hit| sorted.add(number, hit));
        let mut rest = sorted.hits.as_mut_slice();
        for (number, source) in self.sources.iter().enumerate() {
            verdicts.count(source.rules);
            if !rules.exact {
                let hash = self.key.hash(source.address.words());
                verdicts.estimate(source.rules, hash);
            }
            if source.has(rules.least) {
                let (hits, others) = std::mem::take(&mut rest).split_at_mut(source.hits);
                let address = source.address.ip();
                match self.repeats.get(&number) {
                    Some(repeats) => verdicts.judge_repeated(address, source.rules, hits, repeats),
                    None => verdicts.judge(address, source.rules, hits),
                }
                rest = others;
            }
        }
    }
}
