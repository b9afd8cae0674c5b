//! What the packets of a source come to under a rule.

use std::net::IpAddr;
use std::time::SystemTime;

use super::bout::{Bout, bouts};
use super::span::Span;
use super::threshold::Threshold;
use super::window::{Dated, Window, windows};
use crate::time::from_micros;

/// What all packets of a source come to under one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// The source; the first address of its network, where the rule [counts
    /// networks](Threshold::aggregate_v6).
    pub source: IpAddr,
    /// The prefix length of the network; 32 or 128 for a single address.
    pub prefix_length: u8,
    /// All packets of the source that the rule counted.
    pub hits: u64,
    /// The most packets in any one window.
    pub peak_hits: u64,
    /// The most different destination ports in any one window, if the rule [asks for
    /// them](Threshold::distinct_ports).
    pub peak_ports: Option<u32>,
    /// The first packet of all.
    pub first_seen: SystemTime,
    /// The last packet of all.
    pub last_seen: SystemTime,
    /// The last packet of the last window that reached the threshold, which a ban is dated from;
    /// `None` if none did.
    pub last_violating: Option<SystemTime>,
    /// When windows reached the threshold, in order; the latest 64 bouts, and none unless the rule
    /// [asks for them](Threshold::bouts).
    pub bouts: Vec<Bout>,
    /// What else was logged of the source, where the rule [asks for it](Threshold::beside); `None`
    /// where nothing was.
    pub beside: Option<Beside>,
}

/// What else was logged of a violator, under prefixes that count for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beside {
    /// The packets.
    pub hits: u64,
    /// Those of them that came after the [last window](Tally::last_violating) that reached the
    /// threshold, which a ban that is dated from it would have kept out.
    pub later: u64,
    /// The first packet.
    pub first_seen: SystemTime,
    /// The last packet.
    pub last_seen: SystemTime,
}

impl Beside {
    /// Of hits in any order; `None` of none.
    pub(crate) fn of<T: Dated>(
        hits: impl Iterator<Item = T>,
        last_violating: SystemTime,
    ) -> Option<Self> {
        let mut all: Option<Self> = None;
        for hit in hits {
            let at = from_micros(hit.at());
            let beside = all.get_or_insert(Self {
                hits: 0,
                later: 0,
                first_seen: at,
                last_seen: at,
            });
            beside.hits = beside.hits.saturating_add(hit.hits());
            if at > last_violating {
                beside.later = beside.later.saturating_add(hit.hits());
            }
            beside.first_seen = beside.first_seen.min(at);
            beside.last_seen = beside.last_seen.max(at);
        }
        all
    }
}

impl Tally {
    /// Of single hits, in order.
    pub(crate) fn of<T: Dated>(rule: &Threshold, source: IpAddr, hits: &[T]) -> Self {
        Self::new(rule, source, hits, windows(hits, hits, rule.limit()))
    }

    /// Of hits of which some are not known one by one, in whatever order.
    pub(crate) fn of_spans(rule: &Threshold, source: IpAddr, mut spans: Vec<Span>) -> Self {
        let limit = rule.limit();
        spans.sort_by_key(|span| span.at);
        let (ends, longer): (Vec<Span>, Vec<_>) = spans.iter().partition(|span| span.fits(limit));
        let mut starts = ends.clone();
        starts.sort_by_key(|span| span.since);
        let windows = windows(&ends, &starts, limit);
        let shares = longer.iter().map(|span| span.share(limit));
        Self::new(rule, source, &spans, windows.chain(shares))
    }

    fn new<T: Dated>(
        rule: &Threshold,
        source: IpAddr,
        hits: &[T],
        windows: impl Iterator<Item = Window>,
    ) -> Self {
        let time_of = |hit: Option<&T>| from_micros(hit.map(Dated::at).unwrap_or_default());
        let (source, prefix_length) = rule.network(source);
        let mut tally = Self {
            source,
            prefix_length,
            hits: hits.iter().map(Dated::hits).fold(0, u64::saturating_add),
            peak_hits: 0,
            peak_ports: rule.ports().map(|_| 0),
            first_seen: time_of(hits.first()),
            last_seen: time_of(hits.last()),
            last_violating: None,
            bouts: Vec::new(),
            beside: None,
        };
        let (mut last_violating, mut ends) = (None, Vec::new());
        for window in windows {
            tally.peak_hits = tally.peak_hits.max(window.hits);
            tally.peak_ports = tally.peak_ports.map(|peak| peak.max(window.ports));
            if rule.limit().is_reached(window) {
                last_violating = last_violating.max(Some(window.last));
                ends.extend(rule.apart().map(|_| window.last));
            }
        }
        tally.last_violating = last_violating.map(from_micros);
        tally.bouts = bouts(ends, rule.apart().unwrap_or_default());
        tally
    }
}
