//! When one source hit: kept small for the many that hit once, quick for the few that hit a million times.

use super::late::Late;
use super::ports::Ported;

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

/// What the hits of a source come to under a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) hits: u64,
    pub(super) peak: u64,
    /// The most different ports in any one window; 0 unless the rule asks for them.
    pub(super) peak_ports: u32,
    pub(super) first: i64,
    pub(super) last: i64,
    /// The last hit of the last window with at least as many hits as the rule wants.
    pub(super) last_violating: Option<i64>,
}

/// The fullest window that holds a given hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) hits: u64,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// How many hits, to how many ports, in how long a time are too many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(super) hits: u64,
    /// 0 where ports do not matter.
    pub(super) ports: u32,
    pub(super) within: i64,
}

/// What has a time, and perhaps a port.
pub(crate) trait Dated {
    fn at(&self) -> i64;

    fn port(&self) -> Option<u16>;
}

impl Dated for i64 {
    fn at(&self) -> i64 {
        *self
    }

    fn port(&self) -> Option<u16> {
        None
    }
}

impl Dated for (i64, Option<u16>) {
    fn at(&self) -> i64 {
        self.0
    }

    fn port(&self) -> Option<u16> {
        self.1
    }
}

impl Limit {
    pub(super) fn is_reached(self, hits: u64, ports: u32) -> bool {
        hits >= self.hits && ports >= self.ports
    }
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

    /// Adds a hit. Answers the fullest window that holds it, of equally full ones the last, if it has as many hits as
    /// the limit.
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

/// The window that ends at the last hit, which no other window that holds it can exceed: one look at the hit that would have to
/// be its first.
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

/// Ends of windows in order, each with the hits of the window that ends there.
fn windows<T: Dated>(hits: &[T], within: i64) -> impl Iterator<Item = Window> {
    let (mut start, mut first) = (0, hits.first().map(Dated::at).unwrap_or_default());
    hits.iter().enumerate().map(move |(end, last)| {
        let last = last.at();
        while last.saturating_sub(first) > within {
            start += 1;
            first = hits.get(start).map_or(last, Dated::at);
        }
        Window {
            hits: (end - start + 1) as u64,
            first,
            last,
        }
    })
}

/// Whether any window of these hits, which are in order, has as many as the limit.
pub(super) fn is_reached<T: Dated>(hits: &[T], limit: Limit) -> bool {
    let others = usize::try_from(limit.hits.saturating_sub(1)).unwrap_or(usize::MAX);
    let lasts = hits.get(others..).unwrap_or_default();
    let mut windows = hits.iter().zip(lasts);
    windows.any(|(first, last)| last.at().saturating_sub(first.at()) <= limit.within)
}

/// What hits in order come to.
pub(super) fn sum<T: Dated>(hits: &[T], limit: Limit) -> Sum {
    let mut sum = Sum {
        hits: hits.len() as u64,
        peak: 0,
        peak_ports: 0,
        first: hits.first().map(Dated::at).unwrap_or_default(),
        last: hits.last().map(Dated::at).unwrap_or_default(),
        last_violating: None,
    };
    for window in windows(hits, limit.within) {
        sum.peak = sum.peak.max(window.hits);
        if window.hits >= limit.hits {
            sum.last_violating = Some(window.last);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_seen_once_is_small() {
        assert_eq!(size_of::<Hits>(), 24);
    }
}
