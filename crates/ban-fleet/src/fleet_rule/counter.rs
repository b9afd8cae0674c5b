//! What this host has seen, for the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::BUCKETS;
use crate::name::Rule;
use crate::prefix::Prefix;
use crate::record::{Bucket, Evidence};
use crate::time::Time;

/// Counts packets of sources in buckets.
#[derive(Clone, Debug)]
pub struct Counter {
    rule: Rule,
    width: u64,
    floor: NonZeroU32,
    sources: BTreeMap<Prefix, BTreeMap<Bucket, u64>>,
}

impl Counter {
    pub(super) fn new(rule: Rule, width: u64, floor: NonZeroU32) -> Self {
        Self {
            rule,
            width,
            floor,
            sources: BTreeMap::new(),
        }
    }

    /// Counts so many packets at an instant.
    pub fn count(&mut self, source: Prefix, at: Time, packets: u64) {
        let Some(bucket) = Bucket::at(self.width, at) else {
            return;
        };
        if packets > 0 {
            let hits = self.sources.entry(source).or_default();
            let hits = hits.entry(bucket).or_default();
            *hits = hits.saturating_add(packets);
        }
    }

    /// What is worth telling: of at most `most` sources, those with the most packets in eight
    /// buckets, each with at least as many as the rule's floor. A flood from forged sources, of one
    /// packet each, costs nothing then, and any other one no more than that.
    pub fn evidence(&self, most: usize) -> Vec<Evidence> {
        let sources = self.sources.iter();
        let peaks = sources.map(|(source, hits)| (Reverse(peak(hits)), *source, hits));
        let mut told: Vec<_> = peaks
            .filter(|(Reverse(peak), ..)| *peak >= u64::from(self.floor.get()))
            .collect();
        told.sort_unstable_by_key(|(peak, source, _)| (*peak, *source));
        told.truncate(most);
        let evidence = told.into_iter().flat_map(|(_, source, hits)| {
            hits.iter().map(move |(bucket, hits)| Evidence {
                rule: self.rule.clone(),
                bucket: *bucket,
                source,
                hits: *hits,
            })
        });
        evidence.collect()
    }
}

/// The most packets in eight buckets side by side.
fn peak(hits: &BTreeMap<Bucket, u64>) -> u64 {
    let windows = hits.keys().map(|first| {
        let window = hits.range(first..);
        let window = window.take_while(|(bucket, _)| bucket.number() < first.number() + BUCKETS);
        window.map(|(_, hits)| *hits).fold(0, u64::saturating_add)
    });
    windows.max().unwrap_or(0)
}
