//! `status` as figures for a monitoring system.

use std::io::{self, Write as _};
use std::process::ExitCode;

use jiff::Timestamp;
use netfilter_host::metrics::{Metrics, Textfile};

use super::report::{FamilyReport, Report};
use crate::findings::{Findings, Status, causes};
use crate::rules::Policies;
use crate::set_fill::SetFill;

/// Writes the file; the exit status says whether it is written. What is odd or wrong is counted in it.
pub(crate) fn write(report: &Report, findings: &Findings, file: &Textfile) -> ExitCode {
    let written = file.write(&metrics(report, findings));
    let status = match written {
        Ok(()) => Status::Done,
        Err(error) => {
            // Nobody is left to be told when standard error is closed.
            let _ = writeln!(io::stderr(), "error: {}", causes(&error));
            Status::Incomplete
        }
    };
    ExitCode::from(status as u8)
}

/// The figures of a look.
pub(crate) fn metrics(report: &Report, findings: &Findings) -> Metrics {
    let mut metrics = Metrics::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    of_the_firewall(&mut metrics, report);
    let mut found = metrics.gauge(
        "rampart_firewall_problems",
        "What firewall-apply status complains of: errors make the firewall void or incomplete, warnings weaken it.",
    );
    for (severity, problems) in [("error", &findings.errors), ("warning", &findings.warnings)] {
        found.sample(&[("severity", severity)], problems.len());
    }
    for family in &report.families {
        of_policies(&mut metrics, family);
        of_rules(&mut metrics, family);
    }
    for set in &report.sets {
        of_set(&mut metrics, set);
    }
    metrics
}

fn of_the_firewall(metrics: &mut Metrics, report: &Report) {
    metrics
        .gauge(
            "rampart_firewall_timestamp_seconds",
            "When this was looked at.",
        )
        .is(Timestamp::now());
    metrics
        .gauge(
            "rampart_firewall_up",
            "Whether a firewall of Rampart stands.",
        )
        .is(report.up);
    if let Some(since) = report.since {
        metrics
            .gauge(
                "rampart_firewall_applied_timestamp_seconds",
                "When the rules that stand went in.",
            )
            .is(since);
    }
    if let Some(changed) = report.changed {
        metrics
            .gauge(
                "rampart_firewall_configuration_changed",
                "Whether the configuration is another than the one that went in.",
            )
            .is(changed);
    }
    metrics
        .gauge(
            "rampart_firewall_pending",
            "Whether a change waits for firewall-apply confirm.",
        )
        .is(report.pending.is_some());
    if let Some(pending) = &report.pending {
        metrics
            .gauge(
                "rampart_firewall_pending_until_timestamp_seconds",
                "When the change that waits goes back unless it is confirmed.",
            )
            .is(pending.until);
    }
}

fn of_policies(metrics: &mut Metrics, of: &FamilyReport) {
    let place = [("family", of.family), ("table", of.table)];
    for (chain, policy) in &of.policies {
        let Some(policy) = policy else { continue };
        let labels = [&place[..], &[("chain", *chain), ("policy", policy)]].concat();
        metrics
            .gauge(
                "rampart_policy",
                "The policy of a built-in chain, in a label; always 1.",
            )
            .sample(&labels, true);
    }
    let wanted = |wanted: &Policies, chain: &str| wanted.get(chain).cloned().flatten();
    for (chain, policy) in &of.policies {
        let Some(wanted) = wanted(&of.wanted_policies, chain) else {
            continue;
        };
        let labels = [&place[..], &[("chain", *chain)]].concat();
        metrics
            .gauge(
                "rampart_policy_as_configured",
                "Whether a built-in chain has the policy that the configuration gives it.",
            )
            .sample(&labels, policy.as_ref() == Some(&wanted));
    }
    for jump in &of.jumps {
        let labels = [&place[..], &[("from", &*jump.from), ("to", &*jump.to)]].concat();
        metrics
            .gauge(
                "rampart_jump_position",
                "Which rule of its chain the jump to a chain of Rampart is, from 1; 0 for none.",
            )
            .sample(&labels, jump.position.unwrap_or_default());
    }
}

fn of_rules(metrics: &mut Metrics, of: &FamilyReport) {
    for chain in &of.chains {
        for rule in &chain.rules {
            let number = rule.number.to_string();
            let labels = [
                ("family", of.family),
                ("table", of.table),
                ("chain", &*chain.name),
                ("number", &*number),
                ("purpose", rule.purpose),
                ("of", rule.of.as_deref().unwrap_or_default()),
                ("decision", rule.decision),
            ];
            metrics
                .counter(
                    "rampart_rule_packets",
                    "Packets that a rule has counted; decision is none where another rule decides.",
                )
                .sample(&labels, rule.packets);
            metrics
                .counter("rampart_rule_bytes", "Bytes that a rule has counted.")
                .sample(&labels, rule.bytes);
        }
    }
}

fn of_set(metrics: &mut Metrics, set: &SetFill) {
    let labels = [("set", &*set.name), ("family", &*set.family)];
    metrics
        .gauge("rampart_set_present", "Whether a set is there.")
        .sample(&labels, set.is_there());
    if !set.is_there() {
        return;
    }
    metrics
        .gauge("rampart_set_entries", "Members of a set.")
        .sample(&labels, set.entries);
    metrics
        .gauge(
            "rampart_set_permanent_entries",
            "Members of a set that stay for good.",
        )
        .sample(&labels, set.permanent);
    metrics
        .gauge(
            "rampart_set_memory_bytes",
            "What a set takes in the kernel.",
        )
        .sample(&labels, set.memory);
    metrics
        .gauge(
            "rampart_set_nearly_full",
            "Whether a set that does not grow with its files is full by four fifths.",
        )
        .sample(&labels, set.is_tight);
    if let Some(most) = set.maxelem {
        metrics
            .gauge(
                "rampart_set_max_entries",
                "The most members that a set takes.",
            )
            .sample(&labels, most);
    }
}
