//! The report as text: three phases and a summary.

use std::io;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Connections, Lifted, LogReport, Outcome, Phase, Report, RuleReport, ViolationReport};
use crate::connected::CONNECTED;
use crate::duration::Spelled;
use crate::exempt::Part;
use crate::plain::plain;
use crate::rule::Rule;
use crate::source::spelled;

const VIOLATION: &str = "[VIOLATION]";
const ACTION: &str = "[ACTION]";
const DRYRUN: &str = "[DRYRUN]";
const WARNING: &str = "[WARNING]";
const ERROR: &str = "[ERROR]";

/// More in one network are only counted.
const EXCEPTIONS_TOLD: usize = 10;

/// Of each rule, more lines of a kind are only counted, unless all are asked for: a report is
/// written every few minutes.
const TOLD: usize = 50;

/// Writes the report, times in `zone`; `all`: every violator by himself.
pub(crate) fn write(
    report: &Report,
    zone: &TimeZone,
    all: bool,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let told = if all { usize::MAX } else { TOLD };
    Text {
        report,
        zone,
        told,
        out,
    }
    .all()
}

struct Text<'a, W> {
    report: &'a Report,
    zone: &'a TimeZone,
    /// Lines of a kind for each rule.
    told: usize,
    out: &'a mut W,
}

impl<W: io::Write> Text<'_, W> {
    fn all(&mut self) -> io::Result<()> {
        self.heading()?;
        self.reading()?;
        self.violations()?;
        self.actions()?;
        self.summary()
    }

    fn heading(&mut self) -> io::Result<()> {
        for (index, RuleReport { rule, .. }) in self.report.rules.iter().enumerate() {
            let wanted = wanted(rule);
            if self.has_one_rule() {
                writeln!(self.out, "{wanted}")?;
            } else {
                writeln!(self.out, "Rule {}: {wanted}", index + 1)?;
            }
        }
        let as_of = self.time(self.report.as_of);
        let dry_run = if self.report.dry_run {
            ", dry run: nothing is changed"
        } else {
            ""
        };
        writeln!(self.out, "As of {as_of}{dry_run}")
    }

    fn reading(&mut self) -> io::Result<()> {
        writeln!(self.out, "\nPhase 1: read the log")?;
        for LogReport {
            path,
            bytes,
            lines,
            events,
            ..
        } in &self.report.logs
        {
            writeln!(
                self.out,
                "  {}: {bytes} bytes, {}, {events} of them of the firewall",
                plain(path.as_bytes()),
                count(*lines, "line")
            )?;
        }
        self.warnings(Phase::Reading)
    }

    fn has_one_rule(&self) -> bool {
        self.report.rules.len() == 1
    }

    /// What parts the rules of a phase where there are several.
    fn rule(&mut self, index: usize, rule: &Rule) -> io::Result<()> {
        if self.has_one_rule() {
            return Ok(());
        }
        let (name, protocols) = (rule.name.to_string(), rule.protocols.to_string());
        writeln!(
            self.out,
            "  Rule {}, {} {} into {}:",
            index + 1,
            plain(name.as_bytes()),
            plain(protocols.as_bytes()),
            rule.ipset.inet
        )
    }

    fn violations(&mut self) -> io::Result<()> {
        writeln!(self.out, "\nPhase 2: find violators")?;
        for (index, report) in self.report.rules.iter().enumerate() {
            self.rule(index, &report.rule)?;
            if report.violations.is_empty() {
                writeln!(self.out, "  none")?;
                self.prefixes(report)?;
            }
            for violation in report.violations.iter().take(self.told) {
                self.violation(&report.rule, violation)?;
            }
            self.more("  ", report.violations.len(), "violator")?;
        }
        Ok(())
    }

    /// That there are more than have been told, if there are.
    fn more(&mut self, indent: &str, number: usize, noun: &str) -> io::Result<()> {
        let more = number.saturating_sub(self.told);
        if more == 0 {
            return Ok(());
        }
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        writeln!(
            self.out,
            "{indent}and {} more (--all lists them)",
            count(more, noun)
        )
    }

    /// What else there is, where no line has the prefix that is asked for.
    fn prefixes(&mut self, report: &RuleReport) -> io::Result<()> {
        if report.prefixes.is_empty() {
            return Ok(());
        }
        let [inet, inet6] = report.rule.name.prefixes();
        let held = report.prefixes.iter();
        let held = held.map(|(prefix, lines)| format!("\"{}\" ({lines})", plain(prefix)));
        writeln!(
            self.out,
            "  no line has the prefix {} or {}, which this rule stands for; the first lines of the log have {}",
            plain(inet.as_bytes()),
            plain(inet6.as_bytes()),
            held.collect::<Vec<_>>().join(", ")
        )
    }

    fn violation(&mut self, rule: &Rule, violation: &ViolationReport) -> io::Result<()> {
        let ViolationReport {
            source,
            hits,
            peak_hits,
            peak_ports,
            first_seen,
            last_seen,
            ..
        } = violation;
        let ports = peak_ports.map_or_else(String::new, |ports| {
            let ports = count(ports.into(), "port");
            format!(", {ports} within {}", rule.within)
        });
        writeln!(
            self.out,
            "  {VIOLATION} {source}: {}, {peak_hits} of them within {}{ports}, first {}, last {}",
            count(*hits, "hit"),
            rule.within,
            self.time(*first_seen),
            self.time(*last_seen)
        )
    }

    fn actions(&mut self) -> io::Result<()> {
        writeln!(self.out, "\nPhase 3: fill the sets")?;
        self.warnings(Phase::Acting)?;
        self.lifted()?;
        for (index, report) in self.report.rules.iter().enumerate() {
            self.rule(index, &report.rule)?;
            if report.violations.is_empty() {
                writeln!(self.out, "  nothing to do")?;
            }
            self.actions_of(report)?;
        }
        Ok(())
    }

    fn actions_of(&mut self, report: &RuleReport) -> io::Result<()> {
        let (mut actions, mut errors, mut kept) = (0, 0, 0);
        let is_kept = |violation: &&ViolationReport| {
            matches!(
                violation.outcome,
                Outcome::Kept(_) | Outcome::Outlasted { .. }
            )
        };
        // One is told as it is, in as many words.
        let kept_told = match report.violations.iter().filter(is_kept).count() {
            1 => 1,
            _ if self.told == usize::MAX => usize::MAX,
            _ => 0,
        };
        for violation in &report.violations {
            let told = match violation.outcome {
                Outcome::Kept(_) | Outcome::Outlasted { .. } => {
                    kept += 1;
                    kept <= kept_told
                }
                Outcome::BeyondMaxBans => self.told == usize::MAX,
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
                self.action(violation)?;
                self.exceptions(violation)?;
                self.connections(violation)?;
            } else if matches!(violation.connections, Some(Connections::Refused(..))) {
                errors += 1;
                if errors <= self.told {
                    self.connections(violation)?;
                }
            } else {
                self.connections(violation)?;
            }
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

    /// Exceptions that went because nobody in them is exempt any more.
    fn lifted(&mut self) -> io::Result<()> {
        for Lifted { source, set, error } in self.report.lifted.iter().take(self.told) {
            let out = &mut *self.out;
            match error {
                Some(why) => writeln!(
                    out,
                    "  {ERROR} cannot take the exception (nomatch) for {source} out of {set}, who is not exempt any more: {why}"
                )?,
                None if self.report.dry_run => writeln!(
                    out,
                    "  {DRYRUN} {source}: not exempt any more, the exception (nomatch) in {set} would be taken out"
                )?,
                None => writeln!(
                    out,
                    "  {ACTION} {source}: not exempt any more, the exception (nomatch) in {set} is taken out"
                )?,
            }
        }
        self.more("  ", self.report.lifted.len(), "exception")
    }

    fn exceptions(&mut self, violation: &ViolationReport) -> io::Result<()> {
        let ViolationReport {
            source, exceptions, ..
        } = violation;
        let (told, more) = exceptions.split_at(exceptions.len().min(EXCEPTIONS_TOLD));
        for Part { network, why, .. } in told {
            let network = spelled(*network);
            writeln!(self.out, "  excepted: {network} in {source} is {why}")?;
        }
        if more.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "  excepted: {} more in {source}", more.len())
    }

    fn connections(&mut self, violation: &ViolationReport) -> io::Result<()> {
        let ViolationReport {
            source,
            connections,
            ..
        } = violation;
        let out = &mut *self.out;
        if violation.connections_left > 0 {
            writeln!(
                out,
                "  left: {} of {source} older than its first line in the log (--cut-older)",
                count(violation.connections_left, "connection")
            )?;
        }
        match connections {
            None | Some(Connections::Cut(0) | Connections::WouldCut(0)) => Ok(()),
            Some(Connections::Cut(number)) => {
                writeln!(
                    out,
                    "  {ACTION} {source}: {} cut",
                    count(*number, "connection")
                )
            }
            Some(Connections::WouldCut(number)) => {
                let number = count(*number, "connection");
                writeln!(out, "  {DRYRUN} {source}: {number} would be cut")
            }
            Some(Connections::Refused(_, error)) => writeln!(out, "  {ERROR} {error}"),
        }
    }

    fn action(&mut self, violation: &ViolationReport) -> io::Result<()> {
        let ViolationReport {
            source,
            set,
            outcome,
            ..
        } = violation;
        let span = format!(
            "for {}, until {}",
            Spelled(violation.timeout.into()),
            self.time(violation.expires)
        );
        let out = &mut *self.out;
        match outcome {
            Outcome::Added => writeln!(out, "  {ACTION} {source}: added to {set} {span}"),
            Outcome::Refreshed => {
                writeln!(out, "  {ACTION} {source}: stays longer in {set}, {span}")
            }
            Outcome::WouldAdd => {
                writeln!(out, "  {DRYRUN} {source}: would be added to {set} {span}")
            }
            Outcome::Refused(error) => writeln!(out, "  {ERROR} {error}"),
            Outcome::Kept(remaining) => {
                writeln!(out, "  kept: {source} is in {set} {remaining} already")
            }
            Outcome::Outlasted { rule, until } => {
                let until = local(*until, self.zone);
                writeln!(
                    out,
                    "  kept: {source} stays in {set} by rule {rule}, until {until}"
                )
            }
            Outcome::Connected => writeln!(
                out,
                "  connected: {source} is {CONNECTED}, and not banned (--ban-connected)"
            ),
            Outcome::BeyondMaxBans => writeln!(out, "  not banned: {source} is beyond --max-bans"),
            Outcome::Exempt(why) => writeln!(out, "  exempt: {source} is {why}"),
            Outcome::Expired => writeln!(out, "  expired: {source} would have left {set} {}", {
                local(violation.expires, self.zone)
            }),
        }
    }

    fn summary(&mut self) -> io::Result<()> {
        let scanned: u64 = self.report.logs.iter().map(|log| log.lines).sum();
        writeln!(self.out, "\nSummary")?;
        writeln!(self.out, "  {:<26}{scanned}", "Lines scanned:")?;
        for (index, report) in self.report.rules.iter().enumerate() {
            self.rule(index, &report.rule)?;
            self.sum(report)?;
        }
        Ok(())
    }

    fn sum(&mut self, report: &RuleReport) -> io::Result<()> {
        let RuleReport {
            rule,
            matched,
            sources,
            sources_exact,
            violations,
            ..
        } = report;
        let about = if *sources_exact { "" } else { " (estimated)" };
        let actioned: Vec<_> = violations
            .iter()
            .filter(|violation| {
                matches!(
                    violation.outcome,
                    Outcome::Added | Outcome::Refreshed | Outcome::WouldAdd
                )
            })
            .collect();
        let (unique, capital) = if rule.counts_networks() {
            ("Unique sources:", "Sources")
        } else {
            ("Unique addresses:", "Addresses")
        };
        let actioned_label = if self.report.dry_run {
            format!("{capital} to be added:")
        } else {
            format!("{capital} actioned:")
        };
        writeln!(self.out, "  {:<26}{matched}", "Lines matching:")?;
        writeln!(self.out, "  {unique:<26}{sources}{about}")?;
        writeln!(
            self.out,
            "  {:<26}{}",
            format!("{capital} that triggered:"),
            violations.len()
        )?;
        writeln!(self.out, "  {actioned_label:<26}{}", actioned.len())?;
        for ViolationReport {
            source,
            set,
            expires,
            ..
        } in actioned.iter().take(self.told)
        {
            let until = self.time(*expires);
            writeln!(self.out, "    {source} in {set} until {until}")?;
        }
        self.more("    ", actioned.len(), "violator")
    }

    fn warnings(&mut self, phase: Phase) -> io::Result<()> {
        for warning in &self.report.warnings {
            if warning.phase == phase {
                writeln!(self.out, "  {WARNING} {}", warning.text)?;
            }
        }
        Ok(())
    }

    fn time(&self, time: Timestamp) -> String {
        local(time, self.zone)
    }
}

/// What a rule asks for, in a sentence.
fn wanted(rule: &Rule) -> String {
    let (name, protocols) = (rule.name.to_string(), rule.protocols.to_string());
    let ports = rule.distinct_ports.map_or_else(String::new, |ports| {
        format!(", to {}", count(ports.get().into(), "port"))
    });
    let networks = [
        rule.aggregate_v4
            .map(|prefix| format!(", IPv4 by /{}", prefix.get())),
        rule.aggregate_v6
            .map(|prefix| format!(", IPv6 by /{}", prefix.get())),
    ];
    let networks: String = networks.into_iter().flatten().collect();
    let besides = [
        rule.count_answers.then_some(", answers counted"),
        rule.count_multicast.then_some(", multicast counted"),
    ];
    let besides: String = besides.into_iter().flatten().collect();
    format!(
        "At least {} lines of rule {}, type {}, within {}{ports}{networks}{besides}: into {} or {} for {}",
        rule.howmany,
        plain(name.as_bytes()),
        plain(protocols.as_bytes()),
        rule.within,
        rule.ipset.inet,
        rule.ipset.inet6,
        rule.removeafter
    )
}

/// To the second, as a person reads it beside the log.
pub(crate) fn local(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %:z")
        .to_string()
}

/// `1 line`, `2 lines`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests;
