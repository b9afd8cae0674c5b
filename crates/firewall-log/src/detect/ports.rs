//! When one source hit which port: for rules that ask for different ports.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::window::{Dated, Limit, Sum, Window};

/// The hits of one source in order of time, each with the port it went to, if it went to one.
#[derive(Debug, Clone, Default)]
pub(super) struct Ported {
    hits: Vec<(i64, Option<u16>)>,
}

impl Ported {
    /// Adds a hit. Answers the fullest window that holds it, of equally full ones the last, if it
    /// is over the limit.
    pub(super) fn add(&mut self, at: i64, port: Option<u16>, limit: Limit) -> Option<Window> {
        let place = self.hits.partition_point(|(time, _)| *time <= at);
        self.hits.insert(place, (at, port));
        let near = |time: &i64| time.abs_diff(at) <= limit.within.unsigned_abs();
        let begin = self
            .hits
            .partition_point(|(time, _)| *time < at && !near(time));
        let end = self
            .hits
            .partition_point(|(time, _)| *time <= at || near(time));
        windows(self.hits.get(begin..end).unwrap_or_default(), limit.within)
            .filter(|(window, ports)| {
                window.first <= at && at <= window.last && limit.is_reached(window.hits, *ports)
            })
            .map(|(window, _)| window)
            .max_by_key(|window| window.hits)
    }

    /// The window of a first hit.
    pub(super) fn only_window(&self, limit: Limit) -> Option<Window> {
        let mut windows = windows(&self.hits, limit.within);
        let (window, ports) = windows.next()?;
        limit.is_reached(window.hits, ports).then_some(window)
    }

    /// Forgets hits before `at`; `false` when none is left.
    pub(super) fn forget_before(&mut self, at: i64) -> bool {
        let gone = self.hits.partition_point(|(time, _)| *time < at);
        if gone > 0 {
            self.hits.drain(..gone);
            self.hits.shrink_to_fit();
        }
        !self.hits.is_empty()
    }

    /// Every window, in one pass.
    pub(super) fn sum(&self, limit: Limit) -> Sum {
        sum(&self.hits, limit)
    }
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
    for (window, ports) in windows(hits, limit.within) {
        sum.peak = sum.peak.max(window.hits);
        sum.peak_ports = sum.peak_ports.max(ports);
        if limit.is_reached(window.hits, ports) {
            sum.last_violating = Some(window.last);
        }
    }
    sum
}

/// Ends of windows in order, each with the hits and the number of different ports of the window
/// that ends there.
fn windows<T: Dated>(hits: &[T], within: i64) -> impl Iterator<Item = (Window, u32)> {
    let mut start = 0;
    let mut ports: HashMap<u16, u32> = HashMap::new();
    hits.iter().enumerate().filter_map(move |(end, hit)| {
        let last = hit.at();
        if let Some(port) = hit.port() {
            *ports.entry(port).or_default() += 1;
        }
        let first = loop {
            let first = hits.get(start)?;
            if last.saturating_sub(first.at()) <= within {
                break first.at();
            }
            if let Some(Entry::Occupied(mut left)) = first.port().map(|port| ports.entry(port)) {
                *left.get_mut() -= 1;
                if *left.get() == 0 {
                    left.remove();
                }
            }
            start += 1;
        };
        let window = Window {
            hits: (end - start + 1) as u64,
            first,
            last,
        };
        Some((window, u32::try_from(ports.len()).unwrap_or(u32::MAX)))
    })
}
