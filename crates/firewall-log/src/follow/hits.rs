//! When one source hit: kept small for the many that hit once, quick for the few that hit a million
//! times.

use super::late::Late;
use super::ported::Ported;
use crate::rule::{Limit, Sum, Window, sum, windows};

/// The times of one source's hits, in microseconds.
#[derive(Debug, Clone)]
pub(super) enum Hits {
    One(i64),
    Two(i64, i64),
    /// In order of time.
    Ordered(Vec<i64>),
    /// Some came late; from the first of those on, order costs a tree.
    Unordered(Box<Late>),
    /// With the ports, for a rule that asks for them.
    Ported(Box<Ported>),
}

impl Hits {
    /// The first hit of a source.
    pub(super) fn new(at: i64, port: Option<u16>, limit: Limit) -> Self {
        if limit.ports == 0 {
            return Self::One(at);
        }
        let mut hits = Ported::default();
        hits.add(at, port, limit);
        Self::Ported(Box::new(hits))
    }

    /// Adds a hit. Answers the fullest window that holds it, of equally full ones the last, if it
    /// has as many hits as the limit.
    pub(super) fn add(&mut self, at: i64, port: Option<u16>, limit: Limit) -> Option<Window> {
        let late = match self {
            Self::Ported(hits) => return hits.add(at, port, limit),
            Self::One(first) => {
                *self = Self::Two(at.min(*first), at.max(*first));
                return self.few(at, limit);
            }
            Self::Two(first, second) => {
                let mut times = vec![*first, *second, at];
                times.sort_unstable();
                *self = Self::Ordered(times);
                return self.few(at, limit);
            }
            Self::Ordered(times) if times.last().is_none_or(|last| *last <= at) => {
                times.push(at);
                return last_window(times, at, limit);
            }
            Self::Ordered(times) => {
                let mut late = Box::new(Late::new(times, limit.within));
                let window = late.insert(at);
                *self = Self::Unordered(late);
                window
            }
            Self::Unordered(late) => late.insert(at),
        };
        late.filter(|window| window.hits >= limit.hits)
    }

    /// The window of a first hit.
    pub(super) fn first_window(&self, limit: Limit) -> Option<Window> {
        match self {
            Self::One(at) => self.few(*at, limit),
            Self::Ported(hits) => hits.only_window(limit),
            _ => None,
        }
    }

    /// Forgets hits before `at`; `false` when none is left.
    pub(super) fn forget_before(&mut self, at: i64) -> bool {
        let mut times = match self {
            Self::One(time) => return *time >= at,
            Self::Two(first, second) => vec![*first, *second],
            Self::Ordered(times) if times.first().is_none_or(|first| *first >= at) => return true,
            Self::Ordered(times) => std::mem::take(times),
            Self::Unordered(late) => late.times(),
            Self::Ported(hits) => return hits.forget_before(at),
        };
        times.drain(..times.partition_point(|time| *time < at));
        times.shrink_to_fit();
        *self = match times.as_slice() {
            [] => return false,
            [only] => Self::One(*only),
            [first, second] => Self::Two(*first, *second),
            _ => Self::Ordered(times),
        };
        true
    }

    /// Every window, in one pass.
    pub(super) fn sum(&self, limit: Limit) -> Sum {
        let sum = |times: &[i64]| sum(times, limit);
        match self {
            Self::One(time) => sum(&[*time]),
            Self::Two(first, second) => sum(&[*first, *second]),
            Self::Ordered(times) => sum(times),
            Self::Unordered(late) => sum(&late.times()),
            Self::Ported(hits) => hits.sum(limit),
        }
    }

    /// The fullest window that holds `at`, for a handful of hits.
    fn few(&self, at: i64, limit: Limit) -> Option<Window> {
        let (one, two);
        let times = match self {
            Self::One(time) => {
                one = [*time];
                &one[..]
            }
            Self::Two(first, second) => {
                two = [*first, *second];
                &two[..]
            }
            Self::Ordered(times) => times,
            Self::Unordered(_) | Self::Ported(_) => return None,
        };
        windows(times, limit.within)
            .filter(|window| window.first <= at && at <= window.last && window.hits >= limit.hits)
            .max_by_key(|window| window.hits)
    }
}

/// The window that ends at the last hit, which no other window that holds it can exceed: one look
/// at the hit that would have to be its first.
fn last_window(times: &[i64], at: i64, limit: Limit) -> Option<Window> {
    let first = times.len().checked_sub(usize::try_from(limit.hits).ok()?)?;
    if at.saturating_sub(*times.get(first)?) > limit.within {
        return None;
    }
    let start = times.partition_point(|time| at.saturating_sub(*time) > limit.within);
    Some(Window {
        hits: (times.len() - start) as u64,
        first: *times.get(start)?,
        last: at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_seen_once_is_small() {
        assert_eq!(size_of::<Hits>(), 24);
    }
}
