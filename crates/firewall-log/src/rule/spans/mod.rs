//! Windows of hits of which some are not known one by one: only how many came in what span of time.
//!
//! Nobody may be taken for a violator who was none, so such hits are in a window only if all of
//! their span is. Placing them anywhere would be wrong: at the end of the span, or evenly over it,
//! they can make a full window with hits that came after or before, while in truth they came at its
//! other end. What holds wherever they came: of a span that is longer than the window, the windows
//! side by side that it takes to cover it have all of the hits, so one of them has at least its
//! share.

use std::collections::HashMap;

use super::window::{Dated, Limit, Sum};

/// Hits of a source, to one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// None came before, in microseconds; `None` if that is not known.
    pub(crate) since: Option<i64>,
    /// When the last came.
    pub(crate) at: i64,
    pub(crate) hits: u64,
    pub(crate) port: Option<u16>,
}

impl Span {
    /// Of a hit that is known.
    pub(crate) fn of(hit: &impl Dated) -> Self {
        Self {
            since: Some(hit.at()),
            at: hit.at(),
            hits: 1,
            port: hit.port(),
        }
    }

    /// How long it is, if that is known.
    fn length(&self) -> Option<i64> {
        Some(self.at.saturating_sub(self.since?).max(0))
    }

    /// The hits that some window of this length must have, wherever they came.
    fn share(&self, within: i64) -> u64 {
        let windows = match self.length() {
            Some(length) if within > 0 => u64::try_from(length)
                .unwrap_or_default()
                .div_ceil(within.unsigned_abs()),
            _ => u64::MAX,
        };
        self.hits.div_ceil(windows.max(1))
    }
}

/// What they come to, in whatever order.
pub(super) fn sum(mut spans: Vec<Span>, limit: Limit) -> Sum {
    spans.sort_by_key(|span| span.at);
    let mut sum = Sum {
        hits: spans
            .iter()
            .map(|span| span.hits)
            .fold(0, u64::saturating_add),
        peak: 0,
        peak_ports: 0,
        first: spans.first().map(|span| span.at).unwrap_or_default(),
        last: spans.last().map(|span| span.at).unwrap_or_default(),
        last_violating: None,
    };
    let fits = |span: &&Span| span.length().is_some_and(|length| length <= limit.within);
    let ends: Vec<&Span> = spans.iter().filter(fits).collect();
    let mut starts = ends.clone();
    starts.sort_by_key(|span| span.since);
    let mut starts = starts.into_iter().peekable();
    let mut ports = Ports::default();
    let mut hits: u64 = 0;
    for span in ends {
        hits = hits.saturating_add(span.hits);
        ports.add(span.port);
        let earliest = span.at.saturating_sub(limit.within);
        // Whatever began so early has ended, for it fits in a window: it is among those that were
        // added.
        while let Some(gone) = starts.next_if(|span| span.since < Some(earliest)) {
            hits = hits.saturating_sub(gone.hits);
            ports.remove(gone.port);
        }
        see(&mut sum, limit, (hits, ports.number(limit)), span.at);
    }
    for span in spans.iter().filter(|span| !fits(span)) {
        let port = u32::from(span.port.is_some() && limit.ports > 0);
        see(&mut sum, limit, (span.share(limit.within), port), span.at);
    }
    sum
}

/// Takes down a window that ends at some instant.
fn see(sum: &mut Sum, limit: Limit, (hits, ports): (u64, u32), at: i64) {
    sum.peak = sum.peak.max(hits);
    sum.peak_ports = sum.peak_ports.max(ports);
    if limit.is_reached(hits, ports) {
        sum.last_violating = sum.last_violating.max(Some(at));
    }
}

/// The ports of a window, and of how many spans each is.
#[derive(Debug, Default)]
struct Ports(HashMap<u16, usize>);

impl Ports {
    fn add(&mut self, port: Option<u16>) {
        if let Some(port) = port {
            *self.0.entry(port).or_default() += 1;
        }
    }

    fn remove(&mut self, port: Option<u16>) {
        let Some(port) = port else { return };
        if let Some(spans) = self.0.get_mut(&port) {
            *spans -= 1;
            if *spans == 0 {
                self.0.remove(&port);
            }
        }
    }

    fn number(&self, limit: Limit) -> u32 {
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        if limit.ports > 0 { number } else { 0 }
    }
}

#[cfg(test)]
mod tests;
