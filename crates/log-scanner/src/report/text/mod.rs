//! The report as text: three phases and a summary. What is said of the run as a whole.

mod rule;
mod violator;

use std::io;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(crate) use rule::{name as rule_name, wanted};
pub(crate) use violator::{connections, evidence, exceptions, in_a_line};

use super::{Report, RuleReport};
use crate::connected::CONNECTED;
use crate::duration::Spelled;
use crate::scan::LogRead;
use crate::violation::{Dropped, Lifted, TakenBack};
use crate::words::{count, local, plain};

pub(crate) const VIOLATION: &str = "[VIOLATION]";
const ACTION: &str = "[ACTION]";
const DRYRUN: &str = "[DRYRUN]";
pub(crate) const WARNING: &str = "[WARNING]";
const ERROR: &str = "[ERROR]";

/// Of each rule, more lines of a kind are only counted, unless all are asked for: a report is
/// written every few minutes.
pub(crate) const TOLD: usize = 50;

/// Writes the report, times in `zone`; `all`: every violator by himself.
pub(crate) fn write(
    report: &Report<'_>,
    zone: &TimeZone,
    all: bool,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let told = if all { usize::MAX } else { TOLD };
    let mut text = Text {
        report,
        zone,
        told,
        out,
    };
    text.heading()?;
    text.reading()?;
    writeln!(text.out, "\nPhase 2: find violators")?;
    text.of_each_rule(Text::violations_of)?;
    writeln!(text.out, "\nPhase 3: fill the sets")?;
    text.warnings(&report.troubles)?;
    for note in &report.notes {
        writeln!(text.out, "  {note}")?;
    }
    text.lifted()?;
    text.dropped()?;
    text.of_each_rule(Text::actions_of)?;
    text.summary()
}

/// That an exception went because nobody in it is exempt any more, in a line.
pub(crate) fn lifted(Lifted { source, set, error }: &Lifted, dry_run: bool) -> String {
    match error {
        Some(why) => format!(
            "{ERROR} cannot take the exception (nomatch) for {source} out of {set}, who is not exempt any more: {why}"
        ),
        None if dry_run => format!(
            "{DRYRUN} {source}: not exempt any more, the exception (nomatch) in {set} would be taken out"
        ),
        None => format!(
            "{ACTION} {source}: not exempt any more, the exception (nomatch) in {set} is taken out"
        ),
    }
}

/// That a ban gives way to others in a set that is full, in a line.
pub(crate) fn dropped(dropped: &Dropped, dry_run: bool) -> String {
    let Dropped {
        source,
        set,
        timeout,
        error,
    } = dropped;
    let before = Spelled((*timeout).into());
    match error {
        Some(why) => format!(
            "{ERROR} cannot drop {source} from {set}, which is full, for bans that end later: {why}"
        ),
        None if dry_run => format!(
            "{DRYRUN} {source}: would be dropped from {set} {before} before its end, which is full, for bans that end later"
        ),
        None => format!(
            "{ACTION} {source}: dropped from {set} {before} before its end, which is full, for bans that end later"
        ),
    }
}

/// That a ban was taken back, in a line.
pub(crate) fn taken_back(TakenBack { source, set, error }: &TakenBack) -> String {
    match error {
        Some(why) => format!("cannot take {source} out of {set}, which is {CONNECTED}: {why}"),
        None => format!("{source} is taken out of {set} again: it is {CONNECTED}"),
    }
}

/// A line without the tag of what was done.
pub(crate) fn untagged(line: &str) -> &str {
    let said = line.strip_prefix(ACTION);
    said.map_or(line, str::trim_start)
}

struct Text<'a, W> {
    report: &'a Report<'a>,
    zone: &'a TimeZone,
    /// Lines of a kind for each rule.
    told: usize,
    out: &'a mut W,
}

impl<W: io::Write> Text<'_, W> {
    fn heading(&mut self) -> io::Result<()> {
        for (RuleReport { rule, .. }, number) in self.report.rules.iter().zip(1..) {
            let wanted = wanted(rule);
            if self.has_one_rule() {
                writeln!(self.out, "{wanted}")?;
            } else {
                writeln!(self.out, "Rule {number}: {wanted}")?;
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
        for log in &self.report.logs {
            let LogRead { bytes, events, .. } = log;
            let (path, lines) = (plain(log.path.as_bytes()), count(log.lines, "line"));
            writeln!(
                self.out,
                "  {path}: {bytes} bytes, {lines}, {events} of them of the firewall"
            )?;
        }
        self.warnings(&self.report.doubts)
    }

    fn has_one_rule(&self) -> bool {
        self.report.rules.len() == 1
    }

    /// Says something of every rule, under its name where there are several.
    fn of_each_rule(
        &mut self,
        mut say: impl FnMut(&mut Self, &RuleReport<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        for (report, number) in self.report.rules.iter().zip(1..) {
            if !self.has_one_rule() {
                let name = rule::name(report.rule);
                let set = &report.rule.ipset;
                writeln!(self.out, "  Rule {number}, {name} into {set}:")?;
            }
            say(self, report)?;
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

    /// Exceptions that went because nobody in them is exempt any more.
    fn lifted(&mut self) -> io::Result<()> {
        for one in self.report.lifted.iter().take(self.told) {
            writeln!(self.out, "  {}", lifted(one, self.report.dry_run))?;
        }
        self.more("  ", self.report.lifted.len(), "exception")
    }

    /// Bans that gave way.
    fn dropped(&mut self) -> io::Result<()> {
        for one in self.report.dropped.iter().take(self.told) {
            writeln!(self.out, "  {}", dropped(one, self.report.dry_run))?;
        }
        self.more("  ", self.report.dropped.len(), "ban")
    }

    fn summary(&mut self) -> io::Result<()> {
        let scanned: u64 = self.report.logs.iter().map(|log| log.lines).sum();
        writeln!(self.out, "\nSummary")?;
        self.sum("Lines scanned:", scanned)?;
        self.of_each_rule(Self::summary_of)
    }

    fn sum(&mut self, label: &str, number: impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.out, "  {label:<26}{number}")
    }

    fn warnings(&mut self, warnings: &[String]) -> io::Result<()> {
        for warning in warnings {
            writeln!(self.out, "  {WARNING} {warning}")?;
        }
        Ok(())
    }

    fn time(&self, time: Timestamp) -> String {
        local(time, self.zone)
    }
}

#[cfg(test)]
mod tests;
