//! What is said while a log is followed: a line for each ban as it is made, and at the end what was
//! done.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::judge::Read;
use super::pending::Case;
use crate::ban::Acted;
use crate::notice::{Notice, is_notable};
use crate::notify::Notifier;
use crate::record::Records;
use crate::report::text::{
    WARNING, connections, dropped, exceptions, in_a_line, lifted, taken_back,
};
use crate::rule::Rule;
use crate::status::complain;
use crate::violation::{Banned, Outcome, TakenBack};
use crate::words::{as_text, count};

/// What came of a source is said again only after so long, unless it is a new ban.
const AGAIN: Duration = Duration::from_secs(3600);
/// So many such sayings are remembered.
const REMEMBERED: usize = 10_000;
/// So many lines of a kind are written in a minute; the rest is counted.
const IN_A_MINUTE: u32 = 100;
const MINUTE: Duration = Duration::from_secs(60);

/// Writes lines, and counts what was done.
pub(crate) struct Told<'o, W> {
    out: &'o mut W,
    json: bool,
    dry_run: bool,
    zone: TimeZone,
    /// When what was said last of whom.
    said: HashMap<(Case, &'static str), Instant>,
    /// Since when lines of a kind are counted, how many there were, and how many were not written.
    kinds: HashMap<&'static str, (Instant, u32, u64)>,
    warned: HashMap<String, Instant>,
    pub(crate) done: Done,
    /// Whether something that was wanted is not in the kernel, or a log could not be read.
    pub(crate) is_incomplete: bool,
    pub(crate) notifier: Notifier,
    records: Records,
}

/// How many bans came to what.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Done {
    pub(crate) added: u64,
    pub(crate) refreshed: u64,
    pub(crate) kept: u64,
    pub(crate) exempt: u64,
    pub(crate) connected: u64,
    pub(crate) expired: u64,
    pub(crate) would_add: u64,
    pub(crate) refused: u64,
    pub(crate) beyond_max_bans: u64,
    pub(crate) no_handshake: u64,
    pub(crate) no_room: u64,
    /// Bans that gave way in sets that are full.
    pub(crate) dropped: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
enum Line<'a> {
    Warning {
        #[serde(serialize_with = "as_text")]
        time: Timestamp,
        text: &'a str,
    },
    Start {
        #[serde(serialize_with = "as_text")]
        time: Timestamp,
        rules: &'a [Rule],
    },
    End {
        #[serde(serialize_with = "as_text")]
        time: Timestamp,
        #[serde(flatten)]
        read: &'a Read,
        #[serde(flatten)]
        done: &'a Done,
    },
}

impl<'o, W: Write> Told<'o, W> {
    pub(crate) fn new(out: &'o mut W, json: bool, dry_run: bool, zone: TimeZone) -> Self {
        Self {
            out,
            json,
            dry_run,
            zone,
            said: HashMap::new(),
            kinds: HashMap::new(),
            warned: HashMap::new(),
            done: Done::default(),
            is_incomplete: false,
            notifier: Notifier::default(),
            records: Records::new(Duration::ZERO),
        }
    }

    /// That everything up to now was read, and that it goes on by these rules.
    pub(crate) fn start(&mut self, rules: &[Rule], read: &Read) -> io::Result<()> {
        if self.json {
            self.json(&Line::Start {
                time: Timestamp::now(),
                rules,
            })?;
        } else {
            let rules = count(u64::try_from(rules.len()).unwrap_or(u64::MAX), "rule");
            let lines = count(read.lines, "line");
            writeln!(self.out, "following by {rules}; {lines} read so far")?;
        }
        self.flush()
    }

    /// What came of a round.
    pub(crate) fn round(&mut self, acted: &Acted<'_>) -> io::Result<()> {
        let now = Instant::now();
        for one in &acted.lifted {
            self.is_incomplete |= one.error.is_some();
            let mut is_recorded = false;
            if !self.dry_run {
                self.notifier.tell(&Notice::of_lifted(one));
                is_recorded = self.records.lifted(one);
            }
            if self.json {
                self.json(&Notice::of_lifted(one))?;
            } else if !is_recorded {
                writeln!(self.out, "{}", lifted(one, self.dry_run))?;
            }
        }
        for one in &acted.dropped {
            self.is_incomplete |= one.error.is_some();
            self.done.dropped += 1;
            let mut is_recorded = false;
            if !self.dry_run {
                self.notifier.tell(&Notice::of_dropped(one));
                is_recorded = self.records.dropped(one);
            }
            if self.json {
                self.json(&Notice::of_dropped(one))?;
            } else if !is_recorded && self.has_place("dropped", now) {
                writeln!(self.out, "{}", dropped(one, self.dry_run))?;
            }
        }
        for banned in &acted.banned {
            self.done.count(&banned.outcome);
            self.is_incomplete |= banned.error().is_some();
            if !self.is_news(banned, now) {
                continue;
            }
            let mut is_recorded = false;
            if is_notable(&banned.outcome) {
                self.notifier.tell(&Notice::of_ban(banned));
                is_recorded = self.records.ban(banned);
            }
            if self.json || self.has_place(banned.outcome.word(), now) {
                self.banned(banned, is_recorded)?;
            }
        }
        for warning in &acted.warnings {
            self.warn(warning)?;
        }
        self.flush()
    }

    /// That bans were taken back.
    pub(crate) fn taken_back(&mut self, all: &[TakenBack]) -> io::Result<()> {
        for one in all {
            self.notifier.tell(&Notice::of_taken_back(one));
            self.records.taken_back(one);
            if self.json {
                self.json(&Notice::of_taken_back(one))?;
            }
            self.warn(&taken_back(one))?;
        }
        Ok(())
    }

    /// Whether a ban is worth a line. A source that goes on has its ban prolonged every few seconds.
    fn is_news(&mut self, banned: &Banned<'_>, now: Instant) -> bool {
        let word = banned.outcome.word();
        match banned.outcome {
            Outcome::Expired
            | Outcome::NoHandshake
            | Outcome::BeyondMaxBans
            | Outcome::Outlasted { .. } => return false,
            Outcome::Added | Outcome::WouldAdd => {}
            _ => {
                if self.said.len() >= REMEMBERED {
                    self.said
                        .retain(|_, said| now.duration_since(*said) < AGAIN);
                }
                let key = ((banned.ban.number - 1, banned.ban.source()), word);
                let said = self.said.get(&key);
                if said.is_some_and(|said| now.duration_since(*said) < AGAIN) {
                    return false;
                }
                if self.said.len() < REMEMBERED {
                    self.said.insert(key, now);
                }
            }
        }
        true
    }

    /// Whether a line of this kind has a place in the minute.
    fn has_place(&mut self, word: &'static str, now: Instant) -> bool {
        let (since, lines, more) = self.kinds.entry(word).or_insert((now, 0, 0));
        if now.duration_since(*since) >= MINUTE {
            if *more > 0 {
                // A line that cannot be written will be missed with the next.
                let _ = writeln!(self.out, "and {more} more ({word}) in the minute before");
            }
            (*since, *lines, *more) = (now, 0, 0);
        }
        *lines += 1;
        let is_written = *lines <= IN_A_MINUTE;
        *more += u64::from(!is_written);
        is_written
    }

    /// `is_recorded`: where the line would go there is a record that says the same.
    fn banned(&mut self, banned: &Banned<'_>, is_recorded: bool) -> io::Result<()> {
        if self.json {
            return self.json(&Notice::of_ban(banned));
        }
        if !is_recorded {
            writeln!(self.out, "{}", in_a_line(banned, &self.zone))?;
        }
        let more = exceptions(banned);
        for line in more.into_iter().chain(connections(banned, self.dry_run)) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// A warning; the same one again only after a while.
    pub(crate) fn warn(&mut self, text: &str) -> io::Result<()> {
        let now = Instant::now();
        let is_new = |warned: &Instant| now.duration_since(*warned) >= MINUTE;
        if !self.warned.get(text).is_none_or(is_new) {
            return Ok(());
        }
        if self.warned.len() >= REMEMBERED / 10 {
            self.warned.clear();
        }
        self.warned.insert(text.to_owned(), now);
        if self.json {
            complain(&format!("{WARNING} {text}"));
            self.json(&Line::Warning {
                time: Timestamp::now(),
                text,
            })?;
        } else {
            writeln!(self.out, "{WARNING} {text}")?;
        }
        self.flush()
    }

    /// Tells whoever listens what he had no room for before.
    pub(crate) fn notify(&mut self) -> io::Result<()> {
        self.notifier.send();
        let warning = self.notifier.warning(Instant::now());
        let warnings = warning.into_iter().chain(self.records.warning());
        warnings
            .into_iter()
            .try_for_each(|warning| self.warn(&warning))
    }

    /// What was read and done in all.
    pub(crate) fn end(&mut self, read: &Read) -> io::Result<()> {
        let warnings = [self.notifier.end(), self.records.warning()];
        for warning in warnings.into_iter().flatten() {
            self.warn(&warning)?;
        }
        let done = self.done.clone();
        if self.json {
            self.json(&Line::End {
                time: Timestamp::now(),
                read,
                done: &done,
            })?;
            return self.flush();
        }
        let Read {
            lines,
            events,
            unparsed,
            rejected,
            ahead,
            undated,
            lost,
            forgotten,
        } = read;
        writeln!(
            self.out,
            "ended: {}, {events} of them of the firewall; {} added, {} prolonged, {} refused, {} exempt, {} connected to",
            count(*lines, "line"),
            done.added,
            done.refreshed,
            done.refused,
            done.exempt,
            done.connected
        )?;
        for (number, what) in [
            (
                *rejected,
                "not counted: lines with a firewall's text that the kernel did not write",
            ),
            (*unparsed, "not counted: damaged lines of the kernel"),
            (*ahead, "not counted: lines later than the present"),
            (*undated, "not counted: lines whose time cannot be placed"),
            (*lost, "packets lost before they were read"),
            (*forgotten, "sources forgotten because they were too many"),
            (
                done.would_add,
                "bans that a run that is not dry would have made",
            ),
            (done.beyond_max_bans, "bans put off by --max-bans"),
            (
                done.no_handshake,
                "times a source had completed too few TCP handshakes",
            ),
            (done.no_room, "bans that full sets had no room for"),
            (done.dropped, "bans dropped from full sets before their end"),
        ] {
            if number > 0 {
                writeln!(self.out, "  {what}: {number}")?;
            }
        }
        self.flush()
    }

    fn json(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self.out, line)?;
        self.out.write_all(b"\n")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Done {
    fn count(&mut self, outcome: &Outcome) {
        let number = match outcome {
            Outcome::Added => &mut self.added,
            Outcome::Refreshed => &mut self.refreshed,
            Outcome::Kept(_) | Outcome::Outlasted { .. } => &mut self.kept,
            Outcome::Exempt(_) => &mut self.exempt,
            Outcome::Connected => &mut self.connected,
            Outcome::Expired => &mut self.expired,
            Outcome::WouldAdd => &mut self.would_add,
            Outcome::Refused(_) => &mut self.refused,
            Outcome::BeyondMaxBans => &mut self.beyond_max_bans,
            Outcome::NoHandshake => &mut self.no_handshake,
            Outcome::NoRoom => &mut self.no_room,
        };
        *number += 1;
    }
}
