//! What the sources of all workers come to: part by part, since no source is in two of them, and by several threads.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::Finding;
use super::address::{Address, V4, V6};
use super::bank::Bank;
use super::cold::Cold;
use super::hits::{Hit, Hits};
use super::shelf::{Buckets, OpenPart, Shelf};
use super::verdict::{Open, Rules, Verdicts};
use crate::keyed::Key;

/// Up to as many sources are always counted exactly; a little more than promised, since at first there is only an estimate.
const EXACT: u64 = 1_050_000;

/// Words of hits that are worth a thread.
const WORTH: usize = if cfg!(test) { 64 } else { 1 << 16 };

/// What each rule found, and where it stands in the list. `banks` are of all workers: for each bank, what each worker has seen.
pub(super) fn settle(banks: Vec<Vec<Bank>>, threads: usize) -> Vec<(usize, Finding)> {
    let mut rules = Vec::new();
    let mut open = Vec::new();
    let mut parts = Vec::new();
    for workers in banks {
        let Some((of_bank, open_rules)) = open_bank(&workers) else {
            continue;
        };
        let bank = rules.len();
        rules.push(of_bank);
        open.push(open_rules);
        let (v4, v6): (Vec<_>, Vec<_>) = workers.into_iter().map(|bank| (bank.v4, bank.v6)).unzip();
        parts.extend(Sources::of(v4).map(|part| (bank, AnySources::V4(part))));
        parts.extend(Sources::of(v6).map(|part| (bank, AnySources::V6(part))));
    }
    // The largest are taken first, so that no thread is left alone with one.
    parts.sort_by_key(|(_, part)| part.size());
    let size: usize = parts.iter().map(|(_, part)| part.size()).sum();
    let threads = threads.min(1 + size / WORTH);
    let parts = Mutex::new(parts);
    let work = || {
        let mut verdicts: Vec<_> = rules.iter().map(Verdicts::new).collect();
        loop {
            let next = parts.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((bank, part)) = next else {
                return verdicts;
            };
            match (part, verdicts.get_mut(bank)) {
                (AnySources::V4(part), Some(verdicts)) => part.settle(verdicts),
                (AnySources::V6(part), Some(verdicts)) => part.settle(verdicts),
                (_, None) => {}
            }
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = vec![work()];
        for other in others {
            match other.join() {
                Ok(verdicts) => all.push(verdicts),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        for verdicts in all {
            for (open, verdicts) in open.iter_mut().zip(verdicts) {
                verdicts.close(open);
            }
        }
    });
    rules
        .iter()
        .zip(open)
        .flat_map(|(rules, open)| {
            let findings = open.into_iter().map(|open| open.finding(rules.exact));
            rules.places().zip(findings).collect::<Vec<_>>()
        })
        .collect()
}

/// The rules of a bank, and what is known of each before the sources are looked at.
fn open_bank(workers: &[Bank]) -> Option<(Rules, Vec<Open>)> {
    let first = workers.first()?;
    let classes = first.classes();
    let open: Vec<_> = (0..first.rules.len())
        .map(|bit| {
            let hits = workers.iter().flat_map(|bank| bank.hits().zip(&classes));
            let matched = hits.filter(|(_, rules)| **rules >> bit & 1 != 0);
            Open {
                matched: matched.map(|(hits, _)| hits).sum(),
                cold: Bank::cold(workers, &classes, bit),
                sources: 0,
                violators: Vec::new(),
            }
        })
        .collect();
    let mut cold = open.iter().filter_map(|open| open.cold.as_ref());
    let exact = cold.all(|cold| cold.estimate() <= EXACT);
    let rules = Rules::new(first.rules.clone(), classes, first.ports, exact);
    Some((rules, open))
}

/// Sources of either family.
enum AnySources {
    V4(Sources<V4>),
    V6(Sources<V6>),
}

impl AnySources {
    fn size(&self) -> usize {
        match self {
            Self::V4(sources) => sources.size(),
            Self::V6(sources) => sources.size(),
        }
    }
}

/// The same part of what each worker has seen.
struct Sources<A> {
    key: Key,
    workers: Vec<OpenPart<A>>,
}

impl<A: Address> Sources<A> {
    fn of(shelves: Vec<Shelf<A>>) -> impl Iterator<Item = Self> {
        let mut all: Vec<Self> = Vec::new();
        for shelf in shelves {
            let key = shelf.key();
            for (place, part) in shelf.into_parts().enumerate() {
                match all.get_mut(place) {
                    Some(sources) => sources.workers.push(part),
                    None => all.push(Self {
                        key,
                        workers: vec![part],
                    }),
                }
            }
        }
        all.into_iter()
    }

    /// About how many words its hits are.
    fn size(&self) -> usize {
        let words = |(_, part): &OpenPart<A>| {
            let cold = part.cold.iter().map(Vec::len).sum::<usize>();
            part.hits.len() + cold + part.odd.len()
        };
        self.workers.iter().map(words).sum()
    }

    /// Counts and judges them.
    fn settle(self, verdicts: &mut Verdicts<'_>) {
        let rules = verdicts.rules;
        let mut known = Known::new(self.key);
        let mut hits = Vec::new();
        let mut others = Vec::new();
        for (places, part) in self.workers {
            let numbers = known.add_placed(&places, &part.hits, rules);
            hits.push((numbers, part.hits));
            others.push((part.cold, part.odd));
        }
        let late = known.add_cold(others, verdicts);
        let placed = hits.iter().flat_map(|(numbers, hits)| {
            let number = |place: usize| numbers.get(place).copied();
            hits.iter(rules.ports)
                .filter_map(move |(place, hit)| Some((number(place)?, hit)))
        });
        known.judge(placed.chain(late.iter(rules.ports)), verdicts);
    }
}

/// The hits of sources that a worker had no places for.
type Others<A> = (Vec<Vec<Cold<A>>>, Vec<(A, Hit)>);

/// The sources of a part that are looked at one by one.
struct Known<A> {
    key: Key,
    numbers: HashMap<A, usize, Key>,
    sources: Vec<Source<A>>,
}

/// A source, as all workers together have seen it.
struct Source<A> {
    address: A,
    /// The rules that counted any of its hits, as bits.
    rules: u64,
    hits: usize,
}

impl<A: Address> Known<A> {
    fn new(key: Key) -> Self {
        Self {
            key,
            numbers: HashMap::with_hasher(key),
            sources: Vec::new(),
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
            }),
        }
        number
    }

    /// Adds the sources that a worker had places for; the number of each place.
    fn add_placed(&mut self, places: &[Option<A>], hits: &Hits, rules: &Rules) -> Vec<usize> {
        let mut counts = vec![(0, 0); places.len()];
        for (place, hit) in hits.iter(rules.ports) {
            if let Some((count, counted_by)) = counts.get_mut(place) {
                *count += 1;
                *counted_by |= rules.of_class(hit.class);
            }
        }
        let numbers = places.iter().zip(counts).map(|(address, (count, rules))| {
            address.map_or(usize::MAX, |address| self.add(address, count, rules))
        });
        numbers.collect()
    }

    /// Adds the hits of other sources that are known or may have enough of them; the rest is at most counted.
    fn add_cold(&mut self, cold: Vec<Others<A>>, verdicts: &mut Verdicts<'_>) -> Hits {
        let rules = verdicts.rules;
        let mut late = Hits::default();
        if cold
            .iter()
            .all(|(cold, odd)| cold.is_empty() && odd.is_empty())
        {
            return late;
        }
        let mut buckets = Buckets::new();
        for source in &self.sources {
            let hits = u32::try_from(source.hits).unwrap_or(u32::MAX);
            buckets.add(self.key.hash(source.address.words()), hits);
        }
        for (cold, odd) in &cold {
            let addresses = cold.iter().flatten().map(|cold| cold.address);
            for address in addresses.chain(odd.iter().map(|(address, _)| *address)) {
                buckets.add(self.key.hash(address.words()), 1);
            }
        }
        let mut counted: HashMap<A, u64, Key> = HashMap::with_hasher(self.key);
        let cold = cold.into_iter().flat_map(|(cold, odd)| {
            let cold = cold.into_iter().flatten();
            cold.map(|cold| (cold.address, cold.hit())).chain(odd)
        });
        for (address, hit) in cold {
            let counted_by = rules.of_class(hit.class);
            let most = buckets.most(self.key.hash(address.words()));
            if most >= rules.least || self.numbers.contains_key(&address) {
                let number = self.add(address, 1, counted_by);
                late.add(number, hit, rules.ports);
            } else if rules.exact {
                *counted.entry(address).or_default() |= counted_by;
            }
        }
        for (address, rules) in counted {
            verdicts.count(rules, self.key.hash(address.words()));
        }
        late
    }

    /// Counts all sources, and judges those that have enough hits.
    fn judge(self, hits: impl Iterator<Item = (usize, Hit)>, verdicts: &mut Verdicts<'_>) {
        let least = usize::try_from(verdicts.rules.least).unwrap_or(usize::MAX);
        let mut length = 0;
        // Where the next hit of each source goes, if it is judged.
        let mut next: Vec<usize> = self
            .sources
            .iter()
            .map(|source| {
                let start = length;
                if source.hits < least {
                    return usize::MAX;
                }
                length += source.hits;
                start
            })
            .collect();
        let mut sorted = vec![Hit::default(); length];
        for (number, hit) in hits {
            if let Some(next) = next.get_mut(number)
                && let Some(place) = sorted.get_mut(*next)
            {
                *place = hit;
                *next += 1;
            }
        }
        let mut rest = sorted.as_mut_slice();
        for source in &self.sources {
            verdicts.count(source.rules, self.key.hash(source.address.words()));
            if source.hits >= least {
                let (hits, others) = std::mem::take(&mut rest).split_at_mut(source.hits);
                verdicts.judge(source.address.ip(), source.rules, hits);
                rest = others;
            }
        }
    }
}
