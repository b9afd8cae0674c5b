//! What came of it, for a person.

use std::io;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::census::{Kind, NotCounted, Reason};
use super::{NEAR, Suspect, Tried, TriedRule};
use crate::report::text::{TOLD, VIOLATION, WARNING, rule_name, wanted};
use crate::words::{count, local, plain};

/// Writes it, times in `zone`; `all`: everybody by himself.
pub(super) fn write(
    tried: &Tried<'_>,
    zone: &TimeZone,
    all: bool,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let told = if all { usize::MAX } else { TOLD };
    let mut text = Text { zone, told, out };
    writeln!(text.out, "As of {}", local(tried.as_of, zone))?;
    for log in &tried.logs {
        let (path, lines) = (plain(log.path.as_bytes()), count(log.lines, "line"));
        let events = log.events;
        writeln!(
            text.out,
            "  {path}: {lines}, {events} of them of the firewall"
        )?;
    }
    for warning in &tried.warnings {
        writeln!(text.out, "  {WARNING} {warning}")?;
    }
    for (rule, number) in tried.rules.iter().zip(1..) {
        text.rule(number, rule)?;
    }
    text.lines(tried)
}

struct Text<'a, W> {
    zone: &'a TimeZone,
    /// So many of a kind, of each rule.
    told: usize,
    out: &'a mut W,
}

impl<W: io::Write> Text<'_, W> {
    fn rule(&mut self, number: usize, tried: &TriedRule<'_>) -> io::Result<()> {
        let name = rule_name(tried.rule);
        writeln!(
            self.out,
            "\nRule {number}, {name}\n  {}",
            wanted(tried.rule)
        )?;
        let (matched, counted) = (tried.counted.matched, &tried.counted);
        let about = if counted.sources_exact { "" } else { "about " };
        let sources = count(counted.sources, "source");
        let lines = count(matched, "line");
        writeln!(self.out, "  counts {lines} of {about}{sources}")?;
        if !counted.prefixes.is_empty() {
            let held = counted.prefixes.iter();
            let held = held.map(|held| format!("\"{}\" ({})", plain(&held.prefix), held.lines));
            let held = held.collect::<Vec<_>>().join(", ");
            writeln!(
                self.out,
                "  no line has its prefix; the first lines have {held}"
            )?;
        }
        for suspect in tried.violators.iter().take(self.told) {
            self.suspect(VIOLATION, suspect)?;
            let (set, until) = (suspect.ban.set(), local(suspect.ban.expires, self.zone));
            writeln!(self.out, "    would be in {set} until {until}")?;
            self.besides(suspect)?;
        }
        self.more(tried.violators.len(), "violator")?;
        for suspect in tried.near.iter().take(self.told) {
            self.suspect(&format!("near, {} %:", suspect.percent()), suspect)?;
            self.besides(suspect)?;
        }
        self.more(tried.near.len(), "near miss")?;
        let number = |all: &[Suspect<'_>]| u64::try_from(all.len()).unwrap_or(u64::MAX);
        let (violators, near) = (number(&tried.violators), number(&tried.near));
        let violators = count(violators, "violator");
        writeln!(
            self.out,
            "  {violators}; from {NEAR} % on, but not all the way: {near}"
        )
    }

    /// Who, and how far he went.
    fn suspect(&mut self, word: &str, suspect: &Suspect<'_>) -> io::Result<()> {
        let (rule, violator) = (suspect.ban.rule, &suspect.ban.violator);
        let ports = violator.peak_ports.zip(rule.distinct_ports);
        let ports = ports.map_or_else(String::new, |(ports, wanted)| {
            format!(" and {ports} of {wanted} ports")
        });
        writeln!(
            self.out,
            "  {word} {}: {}, at most {} of {}{ports} within {}, first {}, last {}",
            violator.source,
            count(violator.hits, "hit"),
            violator.peak_hits,
            rule.howmany,
            rule.within,
            local(violator.first_seen, self.zone),
            local(violator.last_seen, self.zone)
        )
    }

    /// Whether he would be let go, and what of his was let in.
    fn besides(&mut self, suspect: &Suspect<'_>) -> io::Result<()> {
        if let Some(why) = &suspect.exempt {
            writeln!(self.out, "    exempt: {} is {why}", suspect.ban.source())?;
        }
        let Some(allowed) = &suspect.allowed else {
            return Ok(());
        };
        let time = |time| Timestamp::try_from(time).map(|time| local(time, self.zone));
        let (first, last) = (time(allowed.first_seen), time(allowed.last_seen));
        let later = match allowed.later {
            0 => String::new(),
            later if later == allowed.hits => ", afterwards".to_owned(),
            later => format!(", {later} of them afterwards"),
        };
        writeln!(
            self.out,
            "    let in: {}{later}, first {}, last {}",
            count(allowed.hits, "packet"),
            first.unwrap_or_default(),
            last.unwrap_or_default()
        )
    }

    fn more(&mut self, number: usize, noun: &str) -> io::Result<()> {
        match number.saturating_sub(self.told) {
            0 => Ok(()),
            more => writeln!(self.out, "  and {more} more of {noun} (--all lists them)"),
        }
    }

    /// What no rule counts, and what is none of the firewall.
    fn lines(&mut self, tried: &Tried<'_>) -> io::Result<()> {
        let counted = count(tried.census.counted, "line");
        writeln!(
            self.out,
            "\nLines of the firewall: {counted} counted by a rule"
        )?;
        for NotCounted { why, prefix, lines } in tried.census.not_counted() {
            let prefix = prefix.unwrap_or("other prefixes");
            writeln!(self.out, "  {lines:>8}  {prefix}: {}", because(why))?;
        }
        if !tried.census.strange().is_empty() {
            writeln!(self.out, "\nOther lines")?;
        }
        for (kind, strange) in tried.census.strange() {
            let what = match kind {
                Kind::Other => "of others, with nothing of a firewall in them",
                Kind::Unparsed => "of the kernel that are damaged",
                Kind::Rejected => "with a firewall's text that the kernel did not write",
                Kind::TooLong => "longer than any the kernel writes",
            };
            writeln!(self.out, "  {:>8}  {what}", strange.lines)?;
            for example in &strange.first {
                let log = plain(example.log.as_bytes());
                writeln!(
                    self.out,
                    "            {log}:{}: {}",
                    example.line, example.text
                )?;
                if let Some(why) = &example.why {
                    writeln!(self.out, "              {}", plain(why.as_bytes()))?;
                }
            }
        }
        Ok(())
    }
}

fn because(why: Reason) -> &'static str {
    match why {
        Reason::Prefix => "no rule stands for this prefix",
        Reason::NoSource => "no address of a sender",
        Reason::Own => "sent by this host itself",
        Reason::Type => "of a protocol that no rule asks for",
        Reason::Multicast => "to many, as neighbours send (count-multicast)",
        Reason::Answer => "an answer, or no begin of anything (count-answers)",
        Reason::Exempt => "in a network around somebody who is exempt",
        Reason::Ahead => "later than the instant it is tried as of",
        Reason::Undated => "a time that cannot be placed",
        Reason::Other => "not what a rule counts",
    }
}
