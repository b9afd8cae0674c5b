//! Hits that are not known one by one: only how many came in what span of time.
//!
//! Nobody may be taken for a violator who was none, so such hits are in a window only if all of
//! their span is. Placing them anywhere would be wrong: at the end of the span, or evenly over it,
//! they can make a full window with hits that came after or before, while in truth they came at its
//! other end. What holds wherever they came: of a span that is longer than the window, the windows
//! side by side that it takes to cover it have all of the hits, so one of them has at least its
//! share. For example, of 11 hits in 201 seconds some window of 100 seconds has 4.

use super::window::{Dated, Limit, Window};

/// Hits of a source, to one port; a single hit is one that begins when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// None came before, in microseconds; `None` if that is not known.
    pub(crate) since: Option<i64>,
    /// When the last came, in microseconds.
    pub(crate) at: i64,
    pub(crate) hits: u64,
    pub(crate) port: Option<u16>,
}

impl Dated for Span {
    fn at(&self) -> i64 {
        self.at
    }

    fn since(&self) -> i64 {
        self.since.unwrap_or(self.at)
    }

    fn hits(&self) -> u64 {
        self.hits
    }

    fn port(&self) -> Option<u16> {
        self.port
    }
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

    /// Whether a window can hold all of it.
    pub(crate) fn fits(&self, limit: Limit) -> bool {
        self.length().is_some_and(|length| length <= limit.within)
    }

    /// What some window must hold, wherever the hits of a span came that does not fit.
    pub(crate) fn share(&self, limit: Limit) -> Window {
        let windows = match self.length() {
            Some(length) if limit.within > 0 => {
                length.unsigned_abs().div_ceil(limit.within.unsigned_abs())
            }
            _ => u64::MAX,
        };
        Window {
            hits: self.hits.div_ceil(windows.max(1)),
            ports: u32::from(self.port.is_some() && limit.ports > 0),
            last: self.at,
        }
    }
}
