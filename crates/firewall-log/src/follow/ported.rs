//! When one source hit which port: for rules that ask for different ports.

use crate::rule::{Limit, Sum, Window, sum_of_ports, windows_of_ports};

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
        windows_of_ports(self.hits.get(begin..end).unwrap_or_default(), limit.within)
            .filter(|(window, ports)| {
                window.first <= at && at <= window.last && limit.is_reached(window.hits, *ports)
            })
            .map(|(window, _)| window)
            .max_by_key(|window| window.hits)
    }

    /// The window of a first hit.
    pub(super) fn only_window(&self, limit: Limit) -> Option<Window> {
        let mut windows = windows_of_ports(&self.hits, limit.within);
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
        sum_of_ports(&self.hits, limit)
    }
}
