//! Windows of time: how many hits are in which.

/// How many hits, to how many ports, in how long a time are too many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) hits: u64,
    /// 0 where ports do not matter.
    pub(crate) ports: u32,
    pub(crate) within: i64,
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
    pub(crate) fn is_reached(self, hits: u64, ports: u32) -> bool {
        hits >= self.hits && ports >= self.ports
    }
}

/// The fullest window that holds a given hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) hits: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// What the hits of a source come to under a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) hits: u64,
    pub(crate) peak: u64,
    /// The most different ports in any one window; 0 unless the rule asks for them.
    pub(crate) peak_ports: u32,
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// The last hit of the last window with at least as many hits as the rule wants.
    pub(crate) last_violating: Option<i64>,
}

/// Ends of windows in order, each with the hits of the window that ends there.
pub(crate) fn windows<T: Dated>(hits: &[T], within: i64) -> impl Iterator<Item = Window> {
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
pub(crate) fn sum<T: Dated>(hits: &[T], limit: Limit) -> Sum {
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
