//! What the sources of all workers come to: part by part, since no source is in two of them, and by
//! several threads.

use std::sync::{Mutex, PoisonError};
use std::thread;

use super::address::{Address, V4, V6};
use super::bank::Bank;
use super::distinct::Distinct;
use super::finding::Finding;
use super::known::Known;
use super::shelf::{OpenPart, Shelf};
use super::verdict::{Open, Rules, Verdicts};
use crate::keyed::Key;

/// Up to as many sources are always counted exactly; a little more than promised, since there is
/// only an estimate of how many there are.
const EXACT: usize = if cfg!(test) { 1 << 12 } else { 1_050_000 };

/// Hits that are worth a thread.
const WORTH: usize = if cfg!(test) { 64 } else { 1 << 15 };

/// What each rule found, and where it stands in the list. `banks` are of all workers: for each
/// bank, what each worker has seen.
pub(super) fn settle(banks: Vec<Vec<Bank>>, threads: usize) -> Vec<(usize, Finding)> {
    let mut open = Vec::new();
    let mut parts = Vec::new();
    for workers in banks {
        let Some(rules) = Open::all(&workers) else {
            continue;
        };
        let bank = open.len();
        open.push(rules);
        let (v4, v6): (Vec<_>, Vec<_>) = workers.into_iter().map(|bank| (bank.v4, bank.v6)).unzip();
        parts.extend(Sources::of(v4).map(|part| (bank, AnySources::V4(part))));
        parts.extend(Sources::of(v6).map(|part| (bank, AnySources::V6(part))));
    }
    // The largest are taken first, so that no thread is left alone with one.
    parts.sort_by_key(|(_, part)| part.size());
    let size: usize = parts.iter().map(|(_, part)| part.size()).sum();
    let threads = threads.min(1 + size / WORTH);
    estimate(&mut open, &parts, threads);
    let rules: Vec<_> = open.iter().map(|(rules, _)| rules).collect();
    let begin = || rules.iter().map(|rules| Verdicts::new(rules)).collect();
    let all = share(
        parts,
        threads,
        begin,
        |verdicts: &mut Vec<_>, (bank, part)| {
            if let Some(verdicts) = verdicts.get_mut(bank) {
                match part {
                    AnySources::V4(part) => part.settle(verdicts),
                    AnySources::V6(part) => part.settle(verdicts),
                }
            }
        },
    );
    let found: Vec<Vec<_>> = all
        .into_iter()
        .map(|verdicts| verdicts.into_iter().map(Verdicts::close).collect())
        .collect();
    for found in found {
        for ((_, open), found) in open.iter_mut().zip(found) {
            open.iter_mut()
                .zip(found)
                .for_each(|(open, found)| open.add(found));
        }
    }
    open.into_iter()
        .flat_map(|(rules, open)| {
            let exact = rules.exact;
            let findings = open.into_iter().map(move |open| open.finding(exact));
            rules.places().into_iter().zip(findings)
        })
        .collect()
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

/// Says which banks have sources without number, and about how many of them each rule has counted.
fn estimate(open: &mut [(Rules, Vec<Open>)], parts: &[(usize, AnySources)], threads: usize) {
    for (bank, (rules, open)) in open.iter_mut().enumerate() {
        let parts: Vec<_> = parts.iter().filter(|(of, _)| *of == bank).collect();
        let cold: usize = parts.iter().map(|(_, part)| part.cold()).sum();
        if cold <= EXACT {
            continue;
        }
        let all = share(parts, threads, Vec::new, |classes, (_, part)| match part {
            AnySources::V4(part) => part.estimate(classes),
            AnySources::V6(part) => part.estimate(classes),
        });
        for (class, distinct) in all.iter().flat_map(|classes| classes.iter().enumerate()) {
            let counted_by = u32::try_from(class).map_or(0, |class| rules.of_class(class));
            for (bit, open) in open.iter_mut().enumerate() {
                if counted_by >> bit & 1 != 0 {
                    open.distinct.get_or_insert_default().join(distinct);
                }
            }
        }
        let mut distinct = open.iter().filter_map(|open| open.distinct.as_ref());
        let most = u64::try_from(EXACT).unwrap_or(u64::MAX);
        rules.exact = distinct.all(|distinct| distinct.estimate() <= most);
    }
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

    fn cold(&self) -> usize {
        match self {
            Self::V4(sources) => sources.cold(),
            Self::V6(sources) => sources.cold(),
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

    /// About how many hits they have.
    fn size(&self) -> usize {
        let placed = self.workers.iter().map(|(_, part)| part.hits.size());
        placed.sum::<usize>() + self.cold()
    }

    /// How many hits are of sources that have no place.
    fn cold(&self) -> usize {
        self.workers.iter().map(|(_, part)| part.cold.len()).sum()
    }

    /// Adds the sources that have no place, for each class.
    fn estimate(&self, classes: &mut Vec<Distinct>) {
        for (_, part) in &self.workers {
            part.cold.each(|address, hit| {
                let class = usize::try_from(hit.class).unwrap_or_default();
                if classes.len() <= class {
                    classes.resize_with(class + 1, Distinct::default);
                }
                if let Some(distinct) = classes.get_mut(class) {
                    distinct.add(self.key.hash(address.words()));
                }
            });
        }
    }

    /// Counts and judges them.
    fn settle(self, verdicts: &mut Verdicts<'_>) {
        let rules = verdicts.rules;
        let mut known = Known::new(self.key);
        let mut placed = Vec::new();
        let mut cold = Vec::new();
        for (places, part) in self.workers {
            let numbers = known.add_placed(&places, &part.hits, rules);
            known.add_repeats(part.repeats, rules);
            placed.push((numbers, part.hits));
            cold.push(part.cold);
        }
        let late = known.add_cold(&cold, verdicts);
        drop(cold);
        known.judge(&placed, &late, verdicts);
    }
}
