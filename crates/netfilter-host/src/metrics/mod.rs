//! Figures for a monitoring system, in the two texts that Prometheus and its kin read.
//!
//! [`Metrics`] is what a program counts. It is written as OpenMetrics 1.0, for whoever reads a
//! program's output, and in the text format of Prometheus, which is all that the textfile collector
//! of `node_exporter` reads: of OpenMetrics it would know no counter, and refuse a file with types
//! of its own. A [`Textfile`] is such a file, from which the counters of the next run go on.
//!
//! Names of metrics and labels are the program's own. What labels *say* may come from a
//! configuration, and is escaped. No address belongs into a label: each would be a series of its
//! own for as long as the monitoring system remembers.
//!
//! ```
//! use netfilter_host::metrics::Metrics;
//!
//! let mut metrics = Metrics::new("log-collector", "1.2.3");
//! metrics
//!     .counter("rampart_collector_lines", "Lines written.")
//!     .sample(&[("log", "a \"quoted\" name")], 7_u64);
//! let text = metrics.openmetrics();
//! assert!(text.contains("# TYPE rampart_collector_lines counter\n"));
//! assert!(text.contains("rampart_collector_lines_total{log=\"a \\\"quoted\\\" name\"} 7\n"));
//! assert!(text.ends_with("# EOF\n"));
//! ```

mod background;
mod histogram;
mod text;
mod textfile;

pub use background::Background;
pub use histogram::Histogram;
pub use textfile::{Before, Textfile};

/// Figures, by metric.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// What every sample says besides.
    everywhere: Vec<(&'static str, String)>,
    families: Vec<Family>,
}

/// One metric with its samples.
#[derive(Clone, Debug)]
struct Family {
    /// Without `_total`.
    name: &'static str,
    help: &'static str,
    kind: Kind,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Clone, Debug)]
struct Sample {
    /// What stands behind the name of the metric: `_bucket`.
    suffix: &'static str,
    labels: Vec<(&'static str, String)>,
    value: Value,
}

/// A figure: a whole number, or a measured one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number of things.
    Whole(u64),
    /// Seconds, a share.
    Measured(f64),
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Whole(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

/// 1 for yes, 0 for no.
impl From<bool> for Value {
    fn from(is_so: bool) -> Self {
        Self::Whole(is_so.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Measured(number)
    }
}

impl From<std::time::Duration> for Value {
    fn from(length: std::time::Duration) -> Self {
        Self::Measured(length.as_secs_f64())
    }
}

/// The seconds since 1970; to the millisecond, beyond which a double has no room.
impl From<jiff::Timestamp> for Value {
    fn from(instant: jiff::Timestamp) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
        let milliseconds = instant.as_millisecond() as f64;
        Self::Measured(milliseconds / 1000.0)
    }
}

/// The samples of a metric, to which more are added.
#[derive(Debug)]
pub struct Samples<'a>(&'a mut Family);

impl Metrics {
    /// None yet, but for `rampart_build_info`, which says which program of which version counts.
    pub fn new(program: &str, version: &str) -> Self {
        let mut new = Self {
            everywhere: Vec::new(),
            families: Vec::new(),
        };
        new.gauge("rampart_build_info", "The program that counts; always 1.")
            .sample(&[("program", program), ("version", version)], true);
        new
    }

    /// Has every sample say this, too.
    pub fn everywhere(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.everywhere.push((label, value.into()));
        self
    }

    /// What is as it is now: a size, an instant, a state.
    pub fn gauge(&mut self, name: &'static str, help: &'static str) -> Samples<'_> {
        self.family(name, help, Kind::Gauge)
    }

    /// What only grows; `name` without `_total`, which is put behind it.
    pub fn counter(&mut self, name: &'static str, help: &'static str) -> Samples<'_> {
        self.family(name, help, Kind::Counter)
    }

    /// How often something took how long.
    pub fn histogram(&mut self, name: &'static str, help: &'static str, taken: &Histogram) {
        let family = self.family(name, help, Kind::Histogram);
        family.0.samples.extend(taken.samples());
    }

    /// Adds to every counter what it came to before. What this run does not count is not gone on
    /// with: a rule that is no more has no series.
    pub fn go_on_from(&mut self, before: &Before) {
        let Self {
            everywhere,
            families,
        } = self;
        let counters = families
            .iter_mut()
            .filter(|family| family.kind == Kind::Counter);
        for family in counters {
            let name = family.name;
            for sample in &mut family.samples {
                let series = text::series(name, "_total", &sample.labels, everywhere);
                if let (Value::Whole(now), Some(before)) = (&mut sample.value, before.of(&series)) {
                    *now = now.saturating_add(before);
                }
            }
        }
    }

    /// The family of this name, which may have samples already: those of one metric stand together.
    fn family(&mut self, name: &'static str, help: &'static str, kind: Kind) -> Samples<'_> {
        let known = self.families.iter().position(|family| family.name == name);
        let place = known.unwrap_or(self.families.len());
        if known.is_none() {
            self.families.push(Family {
                name,
                help,
                kind,
                samples: Vec::new(),
            });
        }
        #[expect(clippy::indexing_slicing, reason = "it is there, or was just pushed")]
        Samples(&mut self.families[place])
    }
}

impl Samples<'_> {
    /// One more; no two of a metric have the same labels.
    pub fn sample(
        &mut self,
        labels: &[(&'static str, &str)],
        value: impl Into<Value>,
    ) -> &mut Self {
        let labels = labels.iter();
        let labels = labels.map(|(label, value)| (*label, (*value).to_owned()));
        self.0.samples.push(Sample {
            suffix: "",
            labels: labels.collect(),
            value: value.into(),
        });
        self
    }

    /// The one of a metric that has no labels.
    pub fn is(&mut self, value: impl Into<Value>) {
        self.sample(&[], value);
    }
}

#[cfg(test)]
mod tests;
