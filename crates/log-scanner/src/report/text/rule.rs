//! What is said of a rule.

use std::io;

use super::{ERROR, Text};
use crate::report::RuleReport;
use crate::rule::Rule;
use crate::violation::{Banned, Outcome};
use crate::words::{count, plain};

impl<W: io::Write> Text<'_, W> {
    /// Who broke its threshold.
    pub(super) fn violations_of(&mut self, report: &RuleReport<'_>) -> io::Result<()> {
        if report.violations.is_empty() {
            writeln!(self.out, "  none")?;
            self.prefixes(report)?;
        }
        for banned in report.violations.iter().take(self.told) {
            self.violation(banned)?;
        }
        self.more("  ", report.violations.len(), "violator")
    }

    /// What else there is, where no line has the prefix that is asked for.
    fn prefixes(&mut self, report: &RuleReport<'_>) -> io::Result<()> {
        if report.counted.prefixes.is_empty() {
            return Ok(());
        }
        let [inet, inet6] = report.rule.name.prefixes();
        let held = report.counted.prefixes.iter();
        let held = held.map(|held| format!("\"{}\" ({})", plain(&held.prefix), held.lines));
        writeln!(
            self.out,
            "  no line has the prefix {} or {}, which this rule stands for; the first lines of the log have {}",
            plain(inet.as_bytes()),
            plain(inet6.as_bytes()),
            held.collect::<Vec<_>>().join(", ")
        )
    }

    /// What became of its violators.
    pub(super) fn actions_of(&mut self, report: &RuleReport<'_>) -> io::Result<()> {
        if report.violations.is_empty() {
            writeln!(self.out, "  nothing to do")?;
        }
        let (mut actions, mut errors, mut kept) = (0, 0, 0);
        let is_kept = |banned: &&Banned<'_>| {
            matches!(banned.outcome, Outcome::Kept(_) | Outcome::Outlasted { .. })
        };
        // One is told as it is, in as many words.
        let kept_told = match report.violations.iter().filter(is_kept).count() {
            1 => 1,
            _ if self.told == usize::MAX => usize::MAX,
            _ => 0,
        };
        for banned in &report.violations {
            let told = match banned.outcome {
                Outcome::Kept(_) | Outcome::Outlasted { .. } => {
                    kept += 1;
                    kept <= kept_told
                }
                Outcome::BeyondMaxBans | Outcome::NoRoom | Outcome::NoHandshake => {
                    self.told == usize::MAX
                }
                Outcome::Refused(_) => {
                    errors += 1;
                    errors <= self.told
                }
                _ => {
                    actions += 1;
                    actions <= self.told
                }
            };
            if told {
                self.action(banned)?;
                self.exceptions(banned)?;
            } else if banned
                .connections
                .as_ref()
                .is_some_and(|connections| connections.error.is_some())
            {
                errors += 1;
                if errors > self.told {
                    continue;
                }
            }
            self.connections(banned)?;
        }
        if kept > kept_told {
            let kept = count(u64::try_from(kept).unwrap_or(u64::MAX), "violator");
            writeln!(
                self.out,
                "  kept: {kept} there already, for as long or longer (--all lists them)"
            )?;
        }
        self.more("  ", actions, "violator")?;
        self.more(&format!("  {ERROR} "), errors, "failure")
    }

    /// How many there were.
    pub(super) fn summary_of(&mut self, report: &RuleReport<'_>) -> io::Result<()> {
        let counted = &report.counted;
        let actioned = report.violations.iter().filter(|banned| {
            matches!(
                banned.outcome,
                Outcome::Added | Outcome::Refreshed | Outcome::WouldAdd
            )
        });
        let (unique, capital) = if report.rule.counts_networks() {
            ("Unique sources:", "Sources")
        } else {
            ("Unique addresses:", "Addresses")
        };
        let done = if self.report.dry_run {
            "to be added"
        } else {
            "actioned"
        };
        let about = if counted.sources_exact {
            ""
        } else {
            " (estimated)"
        };
        let actioned_number = actioned.clone().count();
        self.sum("Lines matching:", counted.matched)?;
        self.sum(unique, format!("{}{about}", counted.sources))?;
        self.sum(
            &format!("{capital} that triggered:"),
            report.violations.len(),
        )?;
        self.sum(&format!("{capital} {done}:"), actioned_number)?;
        for Banned { ban, .. } in actioned.take(self.told) {
            let (source, set, until) = (ban.source(), ban.set(), self.time(ban.expires));
            writeln!(self.out, "    {source} in {set} until {until}")?;
        }
        self.more("    ", actioned_number, "violator")
    }
}

/// A rule's name and type: `blocked tcp`.
pub(crate) fn name(rule: &Rule) -> String {
    let (name, protocols) = (rule.name.to_string(), rule.protocols.to_string());
    let (name, protocols) = (plain(name.as_bytes()), plain(protocols.as_bytes()));
    format!("{name} {protocols}")
}

/// What a rule asks for, in a sentence.
pub(crate) fn wanted(rule: &Rule) -> String {
    let (name, protocols) = (rule.name.to_string(), rule.protocols.to_string());
    let besides = [
        rule.distinct_ports
            .map(|ports| format!(", to {}", count(ports.get().into(), "port"))),
        rule.aggregate_v4
            .map(|prefix| format!(", IPv4 by /{}", prefix.get())),
        rule.aggregate_v6
            .map(|prefix| format!(", IPv6 by /{}", prefix.get())),
        rule.aggregate_auto.then(|| {
            let enough = rule.enough_neighbours();
            format!(", networks from {enough} addresses on")
        }),
        rule.count_answers.then(|| ", answers counted".to_owned()),
        rule.count_multicast
            .then(|| ", multicast counted".to_owned()),
        rule.handshake.then(|| ", by TCP handshakes".to_owned()),
    ];
    let besides: String = besides.into_iter().flatten().collect();
    let again = rule.repeat.map_or_else(String::new, |repeat| {
        let (factor, within, at_most) = (repeat.factor, repeat.within, repeat.at_most);
        format!(", each further time within {within} {factor} times as long, at most {at_most}")
    });
    format!(
        "At least {} lines of rule {}, type {}, within {}{besides}: into {} or {} for {}{again}",
        rule.howmany,
        plain(name.as_bytes()),
        plain(protocols.as_bytes()),
        rule.within,
        rule.ipset.inet,
        rule.ipset.inet6,
        rule.removeafter
    )
}
