//! How often something took how long.

use std::time::Duration;

use super::{Sample, Value};

/// Durations, counted by upper bounds.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// In seconds, ascending.
    bounds: &'static [f64],
    /// How many were at most as long as each bound and longer than the one before.
    within: Vec<u64>,
    all: u64,
    sum: Duration,
}

impl Histogram {
    /// None yet; `bounds` in seconds, ascending. What is longer than the last is counted, too.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            within: vec![0; bounds.len()],
            all: 0,
            sum: Duration::ZERO,
        }
    }

    /// One more.
    pub fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let fits = self.bounds.iter().position(|bound| seconds <= *bound);
        if let Some(within) = fits.and_then(|place| self.within.get_mut(place)) {
            *within += 1;
        }
        self.all += 1;
        self.sum = self.sum.saturating_add(took);
    }

    /// As they are written: each bucket holds those before it.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let sample = |suffix, labels, value| Sample {
            suffix,
            labels,
            value,
        };
        let mut up_to = 0;
        let buckets = self.bounds.iter().zip(&self.within);
        let mut samples: Vec<_> = buckets
            .map(|(bound, within)| {
                up_to += within;
                // With a point, as both formats want it: `1.0`.
                let labels = vec![("le", format!("{bound:?}"))];
                sample("_bucket", labels, Value::Whole(up_to))
            })
            .collect();
        let infinite = vec![("le", "+Inf".to_owned())];
        samples.push(sample("_bucket", infinite, Value::Whole(self.all)));
        samples.push(sample("_sum", Vec::new(), self.sum.into()));
        samples.push(sample("_count", Vec::new(), Value::Whole(self.all)));
        samples
    }
}
