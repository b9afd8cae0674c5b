//! The report as text: three phases and a summary.

use std::io;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Connections, LogReport, Outcome, Phase, Report, RuleReport, ViolationReport};
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

/// Writes the report, times in `zone`.
pub(crate) fn write(report: &Report, zone: &TimeZone, out: &mut impl io::Write) -> io::Result<()> {
    Text { report, zone, out }.all()
}

struct Text<'a, W> {
    report: &'a Report,
    zone: &'a TimeZone,
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
            for violation in &report.violations {
                self.violation(&report.rule, violation)?;
            }
        }
        Ok(())
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
        for (index, report) in self.report.rules.iter().enumerate() {
            self.rule(index, &report.rule)?;
            if report.violations.is_empty() {
                writeln!(self.out, "  nothing to do")?;
            }
            for violation in &report.violations {
                self.action(violation)?;
                self.exceptions(violation)?;
                self.connections(violation)?;
            }
        }
        Ok(())
    }

    fn exceptions(&mut self, violation: &ViolationReport) -> io::Result<()> {
        let ViolationReport {
            source, exceptions, ..
        } = violation;
        let (told, more) = exceptions.split_at(exceptions.len().min(EXCEPTIONS_TOLD));
        for Part { network, why } in told {
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
        } in actioned
        {
            let until = self.time(*expires);
            writeln!(self.out, "    {source} in {set} until {until}")?;
        }
        Ok(())
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
mod tests {
    use super::super::Remaining;
    use super::super::tests::{report, violation};
    use super::*;

    fn text(report: &Report, zone: &TimeZone) -> String {
        let mut text = Vec::new();
        write(report, zone, &mut text).expect("written");
        String::from_utf8(text).expect("UTF-8")
    }

    #[test]
    fn every_outcome_to_the_letter() {
        let violations = vec![
            violation("203.0.113.1", Outcome::Added),
            violation("203.0.113.2", Outcome::Refreshed),
            violation("203.0.113.3", Outcome::Kept(Remaining::Seconds(90_000))),
            violation("203.0.113.4", Outcome::Kept(Remaining::Permanent)),
            violation(
                "203.0.113.5",
                Outcome::Exempt("a member of whitelist".to_owned()),
            ),
            violation("203.0.113.6", Outcome::Expired),
            violation(
                "2001:db8::7",
                Outcome::Refused(
                    "cannot add 2001:db8::7 to set \"blacklist_v6\": the set is full".to_owned(),
                ),
            ),
        ];
        let expected = "\
At least 500 lines of rule blocked, type tcp, within 30m: into blacklist or blacklist_v6 for 1d
As of 2026-11-22 09:00:00 +00:00

Phase 1: read the log
  /ram/iptables.log: 123456 bytes, 700 lines, 690 of them of the firewall
  [WARNING] 2 lines were not written by the kernel

Phase 2: find violators
  [VIOLATION] 203.0.113.1: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.2: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.3: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.4: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.5: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 203.0.113.6: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00
  [VIOLATION] 2001:db8::7: 512 hits, 501 of them within 30m, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:59:00 +00:00

Phase 3: fill the sets
  [WARNING] set \"whitelist\" cannot be asked
  [ACTION] 203.0.113.1: added to blacklist for 23h59m1s, until 2026-11-23 08:59:00 +00:00
  [ACTION] 203.0.113.2: stays longer in blacklist, for 23h59m1s, until 2026-11-23 08:59:00 +00:00
  kept: 203.0.113.3 is in blacklist for another 1d1h already
  kept: 203.0.113.4 is in blacklist for good already
  exempt: 203.0.113.5 is a member of whitelist
  expired: 203.0.113.6 would have left blacklist 2026-11-23 08:59:00 +00:00
  [ERROR] cannot add 2001:db8::7 to set \"blacklist_v6\": the set is full

Summary
  Lines scanned:            700
  Lines matching:           650
  Unique addresses:         7
  Addresses that triggered: 7
  Addresses actioned:       2
    203.0.113.1 in blacklist until 2026-11-23 08:59:00 +00:00
    203.0.113.2 in blacklist until 2026-11-23 08:59:00 +00:00
";
        assert_eq!(text(&report(false, violations), &TimeZone::UTC), expected);
    }

    #[test]
    fn a_dry_run_says_so_and_times_are_of_the_zone() {
        let mut report = report(true, vec![violation("203.0.113.1", Outcome::WouldAdd)]);
        report.rules[0].sources_exact = false;
        let text = text(&report, &TimeZone::fixed(jiff::tz::offset(1)));
        for line in [
            "As of 2026-11-22 10:00:00 +01:00, dry run: nothing is changed",
            "  [DRYRUN] 203.0.113.1: would be added to blacklist for 23h59m1s, until 2026-11-23 09:59:00 +01:00",
            "  Unique addresses:         7 (estimated)",
            "  Addresses to be added:    1",
            "    203.0.113.1 in blacklist until 2026-11-23 09:59:00 +01:00",
        ] {
            assert!(text.lines().any(|given| given == line), "{line}\n{text}");
        }
        assert!(!text.contains("[ACTION]"), "{text}");
    }

    #[test]
    fn what_became_of_connections() {
        let with = |source, connections| ViolationReport {
            connections: Some(connections),
            ..violation(source, Outcome::Added)
        };
        let violations = vec![
            with("203.0.113.1", Connections::Cut(1)),
            with("203.0.113.2", Connections::Cut(0)),
            with("203.0.113.3", Connections::Refused(1, "no".to_owned())),
            with("2001:db8::/64", Connections::WouldCut(2)),
        ];
        let text = text(&report(false, violations), &TimeZone::UTC);
        let of_connections: Vec<_> = text
            .lines()
            .skip_while(|line| !line.starts_with("Phase 3"))
            .filter(|line| line.contains("cut") || line.contains("[ERROR]"))
            .collect();
        assert_eq!(
            of_connections,
            [
                "  [ACTION] 203.0.113.1: 1 connection cut",
                "  [ERROR] no",
                "  [DRYRUN] 2001:db8::/64: 2 connections would be cut",
            ]
        );
    }

    #[test]
    fn nothing_found_is_said() {
        let text = text(&report(false, Vec::new()), &TimeZone::UTC);
        assert!(text.contains("Phase 2: find violators\n  none\n"), "{text}");
        assert!(text.ends_with("Addresses actioned:       0\n"), "{text}");
    }

    #[test]
    fn the_name_of_a_log_cannot_steer_the_terminal() {
        let mut report = report(false, Vec::new());
        if let Some(log) = report.logs.first_mut() {
            log.path = "\u{1b}[2J".to_owned();
        }
        let text = text(&report, &TimeZone::UTC);
        assert!(
            !text.contains('\u{1b}') && text.contains("\\u{1b}[2J"),
            "{text}"
        );
    }
}
