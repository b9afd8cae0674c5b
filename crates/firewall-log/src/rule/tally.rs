//! What the packets of a source come to under a rule.

use std::net::IpAddr;
use std::time::SystemTime;

use super::ports;
use super::spans::{self, Span};
use super::threshold::Threshold;
use super::window::{self, Dated, Sum};
use crate::time::from_micros;

/// What all packets of a source come to under one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Who; the first address of the network, where the rule [counts
    /// networks](Threshold::aggregate_v6).
    pub source: IpAddr,
    /// The prefix length of the network; 32 or 128 for a single address.
    pub prefix_length: u8,
    /// All packets the rule counted.
    pub hits: u64,
    /// The most of them in any one window.
    pub peak_hits: u64,
    /// The most different destination ports in any one window, if the rule [asks for
    /// them](Threshold::distinct_ports).
    pub peak_ports: Option<u32>,
    /// The first of all.
    pub first_seen: SystemTime,
    /// The last of all.
    pub last_seen: SystemTime,
    /// The last packet of the last window that reached the threshold, which a ban is dated from;
    /// `None` if none did.
    pub last_violating: Option<SystemTime>,
}

impl Tally {
    pub(crate) fn of_sum(rule: &Threshold, source: IpAddr, sum: Sum) -> Self {
        let (source, prefix_length) = rule.network(source);
        Self {
            source,
            prefix_length,
            hits: sum.hits,
            peak_hits: sum.peak,
            peak_ports: rule.ports().map(|_| sum.peak_ports),
            first_seen: from_micros(sum.first),
            last_seen: from_micros(sum.last),
            last_violating: sum.last_violating.map(from_micros),
        }
    }

    /// Of hits in order.
    pub(crate) fn of<T: Dated>(rule: &Threshold, source: IpAddr, hits: &[T]) -> Self {
        let limit = rule.limit();
        let sum = match rule.ports() {
            Some(_) => ports::sum(hits, limit),
            None => window::sum(hits, limit),
        };
        Self::of_sum(rule, source, sum)
    }

    /// Of hits of which some are not known one by one.
    pub(crate) fn of_spans(rule: &Threshold, source: IpAddr, spans: Vec<Span>) -> Self {
        Self::of_sum(rule, source, spans::sum(spans, rule.limit()))
    }
}
