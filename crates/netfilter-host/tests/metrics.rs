//! What others read in the two texts: Prometheus's own checker, and its client library for Python.

use std::process::ExitCode;
use std::time::Duration;

use netfilter_host::metrics::{Histogram, Metrics};
use netns_testbed::{Failed, MetricsText, read_metrics, trial};

fn main() -> ExitCode {
    netns_testbed::run(vec![trial(
        "others_read_what_was_written",
        others_read_what_was_written,
    )])
}

/// What a label may say, the worst first.
const NAMES: [&str; 7] = [
    "a \"b\"} 7\n# EOF\n",
    "\\",
    "\\n",
    "ends in \\\"",
    "{x=\"y\",z}",
    "é 漢字 \u{202e}",
    "",
];

fn others_read_what_was_written() -> Result<(), Failed> {
    let mut metrics = Metrics::new("test", "1.0\"\n").everywhere("textfile", "a\\b");
    for (name, number) in NAMES.into_iter().zip(1_u64..) {
        metrics
            .counter("rampart_test", "A counter.")
            .sample(&[("name", name)], number);
        metrics
            .gauge("rampart_test_seconds", "A gauge.")
            .sample(&[("name", name)], 0.5);
    }
    let mut taken = Histogram::new(&[0.0005, 0.25, 1.0]);
    taken.observe(Duration::from_millis(1));
    taken.observe(Duration::from_secs(7));
    metrics.histogram("rampart_test_took_seconds", "A histogram.", &taken);
    for text in [
        MetricsText::OpenMetrics(metrics.openmetrics()),
        MetricsText::Prometheus(metrics.prometheus()),
    ] {
        let read = read_metrics(&text)?;
        for (name, number) in NAMES.into_iter().zip(1_u32..) {
            let labels = [("textfile", "a\\b"), ("name", name)];
            let of = |metric| read.value(metric, &labels);
            assert_eq!(of("rampart_test_total"), Some(number.into()), "{name:?}");
            assert_eq!(of("rampart_test_seconds"), Some(0.5), "{name:?}");
        }
        assert_eq!(read.kind("rampart_test_total"), Some("counter"));
        assert_eq!(
            read.kind("rampart_test_took_seconds_bucket"),
            Some("histogram")
        );
        let bucket = [("textfile", "a\\b"), ("le", "+Inf")];
        assert_eq!(
            read.value("rampart_test_took_seconds_bucket", &bucket),
            Some(2.0)
        );
    }
    Ok(())
}
