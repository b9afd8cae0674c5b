//! The page at the terminal: tables and sparklines in 80 columns.

use std::io;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Numbers, Overview, Sender};
use crate::words::{count, local, plain};

/// Characters of a line.
const WIDTH: usize = 80;

/// Writes it, times in `zone`.
pub(super) fn write(
    overview: &Overview,
    zone: &TimeZone,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let mut page = Page {
        overview,
        zone,
        out,
    };
    page.heading()?;
    page.over_time()?;
    page.sources()?;
    page.places()?;
    page.ports()?;
    page.banned()?;
    page.judged()
}

struct Page<'a, W> {
    overview: &'a Overview,
    zone: &'a TimeZone,
    out: &'a mut W,
}

impl<W: io::Write> Page<'_, W> {
    fn heading(&mut self) -> io::Result<()> {
        let (since, until) = (
            self.time(self.overview.since),
            self.time(self.overview.until),
        );
        self.line(&format!("Firewall report, {since} to {until}"))?;
        for log in &self.overview.logs {
            let (path, lines) = (plain(log.path.as_bytes()), count(log.lines, "line"));
            let events = log.events;
            self.wrapped(
                "  ",
                &format!("{path}: {lines}, {events} of them of the firewall"),
            )?;
        }
        for warning in &self.overview.warnings {
            self.wrapped("  ", &format!("[WARNING] {warning}"))?;
        }
        Ok(())
    }

    fn over_time(&mut self) -> io::Result<()> {
        let parts = &self.overview.over_time;
        let first = parts.first().map(|part| part.begin);
        let each = parts.get(1).map(|part| part.begin).zip(first);
        let each = each.map_or(0, |(second, first)| second.duration_since(first).as_secs());
        self.title("Packets")?;
        for (word, of) in [
            ("blocked", (|part| part.blocked) as fn(Numbers) -> u64),
            ("allowed", |part| part.allowed),
        ] {
            let numbers: Vec<_> = parts.iter().map(|part| of(part.packets)).collect();
            let most = numbers.iter().copied().max().unwrap_or_default();
            let all = of(self.overview.packets);
            self.line(&format!(
                "  {word} {all:>12}  {}  {most}",
                sparkline(&numbers)
            ))?;
        }
        let each = crate::duration::Spelled(u64::try_from(each).unwrap_or_default());
        self.line(&format!(
            "  {:>20}  each mark is {each}; at the end the most in one",
            ""
        ))?;
        if self.overview.own > 0 {
            let own = count(self.overview.own, "line");
            self.wrapped(
                "  ",
                &format!("{own} of what this host sent are not in this report"),
            )?;
        }
        Ok(())
    }

    fn sources(&mut self) -> io::Result<()> {
        let sources = &self.overview.sources;
        self.heads("Sources")?;
        let about = if sources.exact { "" } else { "about " };
        let new = sources.all.saturating_sub(sources.known);
        self.wrapped(
            "  ",
            &format!(
                "{about}{}: {about}{new} new, {about}{} in the log before",
                count(sources.all, "source"),
                sources.known
            ),
        )?;
        if sources.lacks > 0 {
            let lacks = count(sources.lacks, "packet");
            self.wrapped(
                "  ",
                &format!("too many to keep all: whoever is not named may have {lacks}"),
            )?;
        }
        self.senders(&sources.top)?;
        if !self.overview.networks.is_empty() {
            self.heads("Networks")?;
            self.senders(&self.overview.networks)?;
        }
        Ok(())
    }

    fn senders(&mut self, all: &[Sender]) -> io::Result<()> {
        for sender in all {
            let Numbers { blocked, allowed } = sender.packets;
            let (source, known) = (
                sender.source.to_string(),
                if sender.known { "" } else { "new" },
            );
            let place = [&sender.place.country, &sender.place.system];
            let place: Vec<_> = place.into_iter().flatten().map(String::as_str).collect();
            let more = if sender.lacks > 0 { "+" } else { " " };
            let place = place.join(" ");
            self.line(&format!(
                "  {source:<39} {blocked:>9}{more}{allowed:>9} {known:<3} {place}"
            ))?;
        }
        Ok(())
    }

    fn places(&mut self) -> io::Result<()> {
        let Some(places) = &self.overview.places else {
            return Ok(());
        };
        self.heads("Countries")?;
        for one in places.countries.iter().take(20) {
            self.named(&one.name, one.packets)?;
        }
        self.heads("Autonomous systems")?;
        for one in &places.systems {
            self.named(&one.name, one.packets)?;
        }
        Ok(())
    }

    fn named(&mut self, name: &str, packets: Numbers) -> io::Result<()> {
        let Numbers { blocked, allowed } = packets;
        let name = cut(name, 39);
        self.line(&format!("  {name:<39} {blocked:>9} {allowed:>9}"))
    }

    fn ports(&mut self) -> io::Result<()> {
        let overview = self.overview;
        if !overview.ports.is_empty() {
            self.heads("Destination ports")?;
            for port in &overview.ports {
                self.named(&format!("{} {}", port.port, port.protocol), port.packets)?;
            }
            let more = overview.ports_all.saturating_sub(overview.ports.len());
            if more > 0 {
                self.line(&format!("  and {more} more"))?;
            }
        }
        if !overview.protocols.is_empty() {
            self.heads("Protocols")?;
        }
        for protocol in &overview.protocols {
            self.named(&protocol.name, protocol.packets)?;
        }
        if !overview.prefixes.is_empty() {
            self.heads("Log prefixes")?;
        }
        for prefix in &overview.prefixes {
            self.named(&prefix.name, prefix.packets)?;
        }
        Ok(())
    }

    fn banned(&mut self) -> io::Result<()> {
        let bans = &self.overview.bans;
        self.title("Banned now")?;
        if let Some(why) = &bans.unknown {
            return self.wrapped("  ", &format!("not known: {why}"));
        }
        let sets = bans.sets.iter().filter(|(_, number)| **number > 0);
        let sets: Vec<_> = sets
            .map(|(set, number)| format!("{number} in {set}"))
            .collect();
        if sets.is_empty() {
            return self.line("  nobody");
        }
        self.wrapped("  ", &sets.join(", "))?;
        for ban in &bans.latest {
            let until = ban
                .until
                .map_or_else(|| "for good".to_owned(), |until| self.time(until));
            self.line(&format!("  {}, until {until}", ban.source))?;
            self.wrapped("    ", &ban.why)?;
        }
        let more = bans
            .all()
            .saturating_sub(u64::try_from(bans.latest.len()).unwrap_or(u64::MAX));
        if more > 0 {
            self.line(&format!("  and {more} more (log-scanner bans)"))?;
        }
        Ok(())
    }

    fn judged(&mut self) -> io::Result<()> {
        if self.overview.rules.is_empty() {
            return Ok(());
        }
        self.title("Whom the rules would have banned, by this log alone")?;
        for (rule, number) in self.overview.rules.iter().zip(1..) {
            let violators = count(u64::try_from(rule.violators).unwrap_or(u64::MAX), "source");
            self.wrapped("  ", &format!("Rule {number}, {}: {violators}", rule.rule))?;
            for judged in &rule.top {
                let (source, hits) = (judged.source.to_string(), judged.hits);
                let expires = self.time(judged.expires);
                let exempt = if judged.exempt.is_some() {
                    " exempt"
                } else {
                    ""
                };
                self.line(&format!(
                    "    {source:<37} {hits:>9} until {expires}{exempt}"
                ))?;
            }
        }
        Ok(())
    }

    fn title(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "\n{title}")
    }

    /// A title over two columns of numbers.
    fn heads(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "\n{title:<41} {:>9} {:>9}", "blocked", "allowed")
    }

    /// A line, of which what does not fit is cut off.
    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", cut(text, WIDTH).trim_end())
    }

    /// A text in as many lines as it takes.
    fn wrapped(&mut self, indent: &str, text: &str) -> io::Result<()> {
        let width = WIDTH - indent.len();
        let mut line = String::new();
        for word in text.split(' ') {
            let length = line.chars().count() + 1 + word.chars().count();
            if !line.is_empty() && length > width {
                self.line(&format!("{indent}{line}"))?;
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(&format!("{indent}{line}"))
    }

    /// To the minute.
    fn time(&self, time: Timestamp) -> String {
        let text = local(time, self.zone);
        text.get(..16).unwrap_or(&text).to_owned()
    }
}

/// The text, or as much of it as fits.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let begin = text.chars().take(width.saturating_sub(1));
    begin.chain(['…']).collect()
}

/// A mark for each number, as high as it is of the highest; none for 0.
fn sparkline(numbers: &[u64]) -> String {
    const MARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = numbers.iter().copied().max().unwrap_or_default().max(1);
    let mark = |number: &u64| {
        let height = u128::from(*number) * 8;
        let height = usize::try_from(height.div_ceil(u128::from(most))).unwrap_or(8);
        let mark = height.checked_sub(1).and_then(|place| MARKS.get(place));
        mark.copied().unwrap_or(' ')
    };
    numbers.iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_as_high_as_its_number() {
        assert_eq!(sparkline(&[0, 1, 4, 5, 8]), " ▁▄▅█");
        assert_eq!(sparkline(&[0, 0]), "  ");
        assert_eq!(sparkline(&[u64::MAX, 1]), "█▁");
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("ééé", 2), "é…");
    }
}
