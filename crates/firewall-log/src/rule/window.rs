//! The law: which packets of a source are in one window of time, and when they are too many.

use std::collections::HashMap;

/// How many hits, to how many ports, in how long a time are too many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) hits: u64,
    /// 0 where ports do not matter.
    pub(crate) ports: u32,
    /// In microseconds.
    pub(crate) within: i64,
}

/// A hit: a packet, or several of which it is only known in what span of time they came.
pub(crate) trait Dated {
    /// When the last came, in microseconds.
    fn at(&self) -> i64;

    /// None came before, in microseconds.
    fn since(&self) -> i64 {
        self.at()
    }

    /// How many packets they are.
    fn hits(&self) -> u64 {
        1
    }

    /// The port that they went to.
    fn port(&self) -> Option<u16> {
        None
    }
}

impl Dated for i64 {
    fn at(&self) -> i64 {
        *self
    }
}

/// What is in a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) hits: u64,
    /// How many different ports they went to; 0 where ports do not matter.
    pub(crate) ports: u32,
    /// The last of them, in microseconds.
    pub(crate) last: i64,
}

impl Limit {
    /// Whether a window breaks the threshold.
    pub(crate) fn is_reached(self, window: Window) -> bool {
        window.hits >= self.hits && window.ports >= self.ports
    }
}

/// The windows of a source's hits. At each hit one ends, which holds what lies within the time of
/// the limit before it, both ends included.
///
/// A span of time is in a window if all of it is. `ends` are the hits in order of their last
/// packet, `starts` the same hits in order of their first; none is longer than a window. Of
/// several hits at one instant, the window of the last holds them all.
pub(crate) fn windows<T: Dated>(
    ends: &[T],
    starts: &[T],
    limit: Limit,
) -> impl Iterator<Item = Window> {
    let port_of = move |hit: &T| hit.port().filter(|_| limit.ports > 0);
    let mut starts = starts.iter().peekable();
    let mut hits: u64 = 0;
    let mut ports: HashMap<u16, usize> = HashMap::new();
    ends.iter().map(move |end| {
        hits = hits.saturating_add(end.hits());
        if let Some(port) = port_of(end) {
            *ports.entry(port).or_default() += 1;
        }
        let begin = end.at().saturating_sub(limit.within);
        // What began so early is over, being no longer than a window: it was added before.
        while let Some(gone) = starts.next_if(|hit| hit.since() < begin) {
            hits = hits.saturating_sub(gone.hits());
            if let Some(port) = port_of(gone) {
                let left = ports.get(&port).map_or(0, |hits| hits - 1);
                match left {
                    0 => ports.remove(&port),
                    left => ports.insert(port, left),
                };
            }
        }
        Window {
            hits,
            ports: u32::try_from(ports.len()).unwrap_or(u32::MAX),
            last: end.at(),
        }
    })
}

/// Whether any window of so many single hits, which are in order, is as short as the limit says: if
/// not, none breaks the threshold.
pub(super) fn are_near<T: Dated>(hits: &[T], limit: Limit) -> bool {
    let others = usize::try_from(limit.hits.saturating_sub(1)).unwrap_or(usize::MAX);
    let lasts = hits.get(others..).unwrap_or_default();
    let mut windows = hits.iter().zip(lasts);
    windows.any(|(first, last)| last.at().saturating_sub(first.at()) <= limit.within)
}
