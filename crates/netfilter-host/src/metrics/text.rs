//! The two texts. They differ in what a counter is called where its type and help are told, and in
//! the end that OpenMetrics has.
//!
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>,
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Write as _;

use super::{Family, Kind, Metrics, Value};

/// The first line of a textfile, by which it is known as ours.
pub(super) const BEGIN: &str = "# Rampart metrics 1";
/// The last line of both.
pub(super) const END: &str = "# EOF";

impl Metrics {
    /// OpenMetrics 1.0: `application/openmetrics-text; version=1.0.0; charset=utf-8`.
    pub fn openmetrics(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, "");
        text + END + "\n"
    }

    /// The text format of Prometheus, 0.0.4, for a textfile collector.
    pub fn prometheus(&self) -> String {
        let mut text = format!("{BEGIN}\n");
        self.write(&mut text, "_total");
        text + END + "\n"
    }

    /// `counted` stands behind the name of a counter where its type is told.
    fn write(&self, text: &mut String, counted: &str) {
        for family in &self.families {
            if family.samples.is_empty() {
                continue;
            }
            let Family { name, help, .. } = family;
            let (kind, told, suffix) = match family.kind {
                Kind::Counter => ("counter", counted, "_total"),
                Kind::Gauge => ("gauge", "", ""),
                Kind::Histogram => ("histogram", "", ""),
            };
            // To a string, which takes all.
            let _ = write!(
                text,
                "# HELP {name}{told} {help}\n# TYPE {name}{told} {kind}\n"
            );
            for sample in &family.samples {
                let suffix = if suffix.is_empty() {
                    sample.suffix
                } else {
                    suffix
                };
                let series = series(name, suffix, &sample.labels, &self.everywhere);
                let _ = match sample.value {
                    Value::Whole(number) => writeln!(text, "{series} {number}"),
                    Value::Measured(number) if number.is_nan() => writeln!(text, "{series} NaN"),
                    Value::Measured(number) if number.is_infinite() => {
                        let sign = if number > 0.0 { '+' } else { '-' };
                        writeln!(text, "{series} {sign}Inf")
                    }
                    Value::Measured(number) => writeln!(text, "{series} {number}"),
                };
            }
        }
    }
}

/// A series: `rampart_bans_total{rule="blocked"}`.
pub(super) fn series(
    name: &str,
    suffix: &str,
    labels: &[(&'static str, String)],
    everywhere: &[(&'static str, String)],
) -> String {
    let mut series = format!("{name}{suffix}");
    let labels = everywhere.iter().chain(labels);
    for (number, (label, value)) in labels.enumerate() {
        series.push(if number == 0 { '{' } else { ',' });
        let _ = write!(series, "{label}=\"");
        for character in value.chars() {
            match character {
                '\\' => series.push_str("\\\\"),
                '"' => series.push_str("\\\""),
                '\n' => series.push_str("\\n"),
                // Readers that end lines at one would be lost.
                '\r' => series.push(char::REPLACEMENT_CHARACTER),
                other => series.push(other),
            }
        }
        series.push('"');
    }
    if series.ends_with('"') {
        series.push('}');
    }
    series
}
