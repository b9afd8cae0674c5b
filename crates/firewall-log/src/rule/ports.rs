//! Windows and the different ports in them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::window::{Dated, Limit, Sum, Window};

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
pub(crate) fn windows<T: Dated>(hits: &[T], within: i64) -> impl Iterator<Item = (Window, u32)> {
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
