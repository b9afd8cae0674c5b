//! The figures of one scan. Each reads the whole log again, so that what it read are states and no
//! counters; what it did adds up with what the scans before it did.

use std::time::Duration;

use jiff::Timestamp;
use netfilter_host::metrics::{Metrics, Textfile};

use super::bans::{Bans, RuleKey};
use super::{KINDS_HELP, begin, kinds};
use crate::error::chain;
use crate::report::Report;
use crate::rule::Rule;

/// Replaces the file by the figures of a scan that took so long; what to warn of.
pub(crate) fn write(
    file: &Textfile,
    rules: &[Rule],
    report: &Report<'_>,
    took: Duration,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut metrics = metrics(file, rules, report, took);
    match file.before() {
        Ok(before) => metrics.go_on_from(&before),
        Err(why) => warnings.push(why),
    }
    if let Err(error) = file.write(&metrics) {
        warnings.push(chain(&error));
    }
    warnings
}

fn metrics(file: &Textfile, rules: &[Rule], report: &Report<'_>, took: Duration) -> Metrics {
    let mut metrics = begin(file);
    metrics
        .counter("rampart_scans", "Scans that came to their end.")
        .is(1_u64);
    metrics
        .gauge(
            "rampart_scan_timestamp_seconds",
            "When the last scan ended.",
        )
        .is(Timestamp::now());
    metrics
        .gauge(
            "rampart_scan_duration_seconds",
            "How long the last scan took.",
        )
        .is(took);
    metrics
        .gauge(
            "rampart_scan_complete",
            "Whether all that the last scan wanted is in the kernel.",
        )
        .is(report.is_complete());
    of_logs(&mut metrics, report);
    for (of_rule, number) in report.rules.iter().zip(1..) {
        let key = RuleKey::of(number, of_rule.rule);
        let violators = u64::try_from(of_rule.violations.len()).unwrap_or(u64::MAX);
        for (name, help, number) in [
            (
                "rampart_scan_matched_lines",
                "Lines of the log that a rule counts.",
                of_rule.counted.matched,
            ),
            (
                "rampart_scan_sources",
                "Sources of the lines that a rule counts.",
                of_rule.counted.sources,
            ),
            (
                "rampart_scan_violators",
                "Sources that break the threshold of a rule.",
                violators,
            ),
        ] {
            key.labelled(&[], |labels| {
                metrics.gauge(name, help).sample(labels, number);
            });
        }
    }
    let mut bans = Bans::default();
    bans.by(rules);
    bans.count_all(report.rules.iter().flat_map(|rule| &rule.violations));
    if !report.dry_run {
        bans.gone(&report.dropped, &report.lifted);
    }
    bans.write(&mut metrics);
    metrics
}

fn of_logs(metrics: &mut Metrics, report: &Report<'_>) {
    let all = |number: fn(&crate::scan::LogRead) -> u64| {
        report.logs.iter().map(number).fold(0, u64::saturating_add)
    };
    metrics
        .gauge("rampart_scan_log_bytes", "Bytes of the log, as text.")
        .is(all(|log| log.bytes));
    let counts = [
        all(|log| log.events),
        all(|log| log.unparsed),
        all(|log| log.rejected),
        all(|log| log.misplaced),
    ];
    for (kind, number) in kinds(all(|log| log.lines), counts) {
        metrics
            .gauge("rampart_scan_log_lines", KINDS_HELP)
            .sample(&[("kind", kind)], number);
    }
    metrics
        .gauge(
            "rampart_scan_lost_packets",
            "Packets that the log lacks by its own account.",
        )
        .is(all(|log| log.lost));
}
