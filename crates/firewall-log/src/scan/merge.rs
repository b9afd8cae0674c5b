//! What the workers' tables come to together: shard by shard, since no source is in two of them,
//! and by several threads.

use std::sync::{Mutex, PoisonError};
use std::thread;

use super::distinct::Distinct;
use super::finding::Finding;
use super::group::Rules;
use super::index::Shards;
use super::table::SourceTables;
use super::verdict::{Judge, RuleResult};

/// Up to so many sources are always counted exactly. It is a little more than what is promised,
/// since how many there are is only an estimate.
const EXACT: usize = if cfg!(test) { 1 << 12 } else { 1_050_000 };

/// Words of hits that are worth a thread.
const WORTH: usize = if cfg!(test) { 64 } else { 1 << 15 };

/// What each rule found, in the order in which the scan was given them. `workers` have a table for
/// each group of rules.
pub(super) fn merge(
    rules: &Rules,
    workers: Vec<Vec<SourceTables>>,
    threads: usize,
) -> Vec<Finding> {
    let mut results = vec![RuleResult::default(); rules.number];
    let mut workers: Vec<_> = workers.into_iter().map(Vec::into_iter).collect();
    for (place, group) in rules.groups.iter().enumerate() {
        let mut judge = Judge::new(group, rules.sets_of(place));
        let tables = workers.iter_mut().filter_map(Iterator::next);
        let (v4, v6): (Vec<_>, Vec<_>) = tables.map(|tables| (tables.v4, tables.v6)).unzip();
        let (v4, v6) = (Shards::of(v4), Shards::of(v6));
        let v4_size: usize = v4.iter().map(Shards::size).sum();
        let v6_size: usize = v6.iter().map(Shards::size).sum();
        let threads = threads.min(1 + (v4_size + v6_size) / WORTH);
        let v4_overflow: usize = v4.iter().map(Shards::overflow).sum();
        let v6_overflow: usize = v6.iter().map(Shards::overflow).sum();
        if v4_overflow + v6_overflow > EXACT {
            let begin = || vec![None; judge.sets.len()];
            let v4 = share(v4.iter().collect(), threads, begin, |sets, shards| {
                shards.estimate(sets);
            });
            let v6 = share(v6.iter().collect(), threads, begin, |sets, shards| {
                shards.estimate(sets);
            });
            estimate(&mut judge, &mut results, v4.into_iter().chain(v6));
        }
        let begin = || vec![RuleResult::default(); rules.number];
        let v4 = share(v4, threads, begin, |results, shards| {
            shards.merge(&judge, results);
        });
        let v6 = share(v6, threads, begin, |results, shards| {
            shards.merge(&judge, results);
        });
        for part in v4.into_iter().chain(v6) {
            join(&mut results, part);
        }
    }
    results.into_iter().map(RuleResult::finding).collect()
}

/// Says whether the sources without a slot, which are counted here for each rule set, are too many
/// to be counted one by one, and if so, about how many of them each rule has counted.
fn estimate(
    judge: &mut Judge<'_>,
    results: &mut [RuleResult],
    sets: impl Iterator<Item = Vec<Option<Distinct>>>,
) {
    let mut found = vec![RuleResult::default(); results.len()];
    judge.estimate(&mut found, u64::MAX, &Distinct::default());
    for (rules, distinct) in sets.flat_map(|sets| judge.sets.clone().into_iter().zip(sets)) {
        if let Some(distinct) = distinct {
            judge.estimate(&mut found, rules, &distinct);
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
