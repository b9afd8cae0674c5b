//! A violation on its way: who broke a rule's threshold, the ban that follows, what became of it.
//!
//! ```text
//! scan ──▶ Violator ──Ban::new──▶ Ban ──ban──▶ Banned ──cut──▶ Banned
//! ```
//!
//! Each step takes what the one before gives, by value, and knows nothing of a report.

use std::fmt;

use ban_sets::SetName;
use jiff::{SignedDuration, Timestamp};

use crate::bouts::Bouts;
use crate::duration::{Spelled, whole_seconds};
use crate::exempt::Part;
use crate::rule::{Offence, Rule};
use crate::source::Source;

/// A source that broke the threshold of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violator {
    pub(crate) source: Source,
    /// All matching lines of the source.
    pub(crate) hits: u64,
    /// The most of them in any one window.
    pub(crate) peak_hits: u64,
    /// The most different ports in any one window, where the rule asks for them.
    pub(crate) peak_ports: Option<u32>,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
    /// The last hit of the last window that broke the threshold; the ban is dated from it.
    pub(crate) last_violating: Timestamp,
    /// The hit at which the ban became due; for who follows the log, the first that broke the
    /// threshold since the source had its turn.
    pub(crate) due_since: Timestamp,
    /// When it was over the threshold, where the rule asks who has come back.
    pub(crate) bouts: Bouts,
}

/// The ban of a violator, as its rule wants it.
#[derive(Clone, Debug)]
pub(crate) struct Ban<'r> {
    pub(crate) rule: &'r Rule,
    /// Which one of the rules it is, from 1.
    pub(crate) number: usize,
    pub(crate) violator: Violator,
    /// The instant of the scan.
    pub(crate) as_of: Timestamp,
    /// When the ban ends that the log gives reason for.
    pub(crate) expires: Timestamp,
    /// The whole seconds from the scan's instant until then, rounded up; 0 when it is past.
    pub(crate) timeout: u32,
    /// Which ban of its source it is, where the rule asks for that.
    pub(crate) offence: Option<Offence>,
}

impl<'r> Ban<'r> {
    /// What `rule`, the one of this `number`, wants done about a violator; `as_of` is the instant
    /// of the scan. `None` where its end is no time that can be told.
    pub(crate) fn new(
        rule: &'r Rule,
        number: usize,
        violator: Violator,
        as_of: Timestamp,
    ) -> Option<Self> {
        let mut ban = Self {
            rule,
            number,
            expires: violator.last_violating,
            violator,
            as_of,
            timeout: 0,
            offence: None,
        };
        ban.last(rule.removeafter.get())?;
        Some(ban)
    }

    /// The same as the ban of a source's `number`-th offence, from 1.
    pub(crate) fn of_offence(mut self, number: u32) -> Self {
        if let Some(repeat) = self.rule.repeat {
            let length = repeat.length(self.rule.removeafter, number);
            // An end that cannot be told stays that of a first ban.
            if self.last(length).is_some() {
                let within = repeat.within;
                self.offence = Some(Offence { number, within });
            }
        }
        self
    }

    /// Has it end so many seconds after its evidence.
    fn last(&mut self, length: u64) -> Option<()> {
        let length = i64::try_from(length).ok()?;
        let after = SignedDuration::from_secs(length);
        let expires = self.violator.last_violating.saturating_add(after).ok()?;
        // A line that is ahead of the clock does not make a ban longer than asked for.
        let timeout = whole_seconds(expires.duration_since(self.as_of)).min(length);
        self.expires = expires;
        self.timeout = u32::try_from(timeout).unwrap_or_default();
        Some(())
    }

    pub(crate) fn source(&self) -> Source {
        self.violator.source
    }

    /// The set that the source belongs into.
    pub(crate) fn set(&self) -> &'r SetName {
        self.rule.ipset.of(self.source().address())
    }

    /// How far the source went over the threshold, in thousandths of it.
    pub(crate) fn evidence(&self) -> u64 {
        self.violator.peak_hits.saturating_mul(1000) / u64::from(self.rule.howmany.get())
    }

    /// The ban with what became of it, and nobody excepted.
    pub(crate) fn with(self, outcome: Outcome) -> Banned<'r> {
        Banned {
            ban: self,
            outcome,
            exceptions: Vec::new(),
            connections: None,
        }
    }
}

/// A ban and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Banned<'r> {
    pub(crate) ban: Ban<'r>,
    pub(crate) outcome: Outcome,
    /// Who in the source is exempt and so excepted from the ban.
    pub(crate) exceptions: Vec<Part>,
    /// What became of the connections of the source, where they were to be cut.
    pub(crate) connections: Option<Connections>,
}

impl Banned<'_> {
    /// Why something that was wanted is not in the kernel.
    pub(crate) fn error(&self) -> Option<&str> {
        match (&self.outcome, &self.connections) {
            (Outcome::Refused(error), _) => Some(error),
            (_, Some(connections)) => connections.error.as_deref(),
            _ => None,
        }
    }

    /// Whether all that was wanted is in the kernel; nothing is missing there after a dry run that
    /// another run would do later.
    pub(crate) fn is_complete(&self, dry_run: bool) -> bool {
        let waits = matches!(self.outcome, Outcome::BeyondMaxBans | Outcome::NoRoom);
        self.error().is_none() && (dry_run || !waits)
    }
}

/// What became of a violator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Added,
    /// It was in the set; now it stays longer.
    Refreshed,
    /// It is in the set for at least as long already.
    Kept(Remaining),
    /// Another rule of this scan bans it into the same set, itself or a network around it, and for
    /// longer.
    Outlasted {
        /// From 1.
        rule: usize,
        until: Timestamp,
    },
    /// This host has opened a connection to it.
    Connected,
    /// It completed too few TCP handshakes for a rule that asks for them: it may be forged.
    NoHandshake,
    /// Others had more evidence, and no more are banned in one run.
    BeyondMaxBans,
    /// The set is full, and what is in it ends later.
    NoRoom,
    /// Never added, because of this.
    Exempt(String),
    /// The ban would have ended before.
    Expired,
    WouldAdd,
    /// The kernel said no.
    Refused(String),
}

impl Outcome {
    /// Whether this scan puts the source into the set, itself or with a network around it.
    pub(crate) fn is_by_this_scan(&self) -> bool {
        matches!(
            self,
            Self::Added | Self::Refreshed | Self::Outlasted { .. } | Self::WouldAdd
        )
    }

    /// Whether the source is in the set now, or would be after a dry run.
    pub(crate) fn is_banned(&self) -> bool {
        self.is_by_this_scan() || matches!(self, Self::Kept(_))
    }

    /// The word of the JSON document.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Refreshed => "refreshed",
            Self::Kept(_) | Self::Outlasted { .. } => "kept",
            Self::Connected => "connected",
            Self::NoHandshake => "no-handshake",
            Self::BeyondMaxBans => "beyond-max-bans",
            Self::NoRoom => "no-room",
            Self::Exempt(_) => "exempt",
            Self::Expired => "expired",
            Self::WouldAdd => "would-add",
            Self::Refused(_) => "refused",
        }
    }
}

/// How long an entry that is there already stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remaining {
    Permanent,
    Seconds(u32),
}

impl fmt::Display for Remaining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permanent => f.write_str("for good"),
            Self::Seconds(seconds) => write!(f, "for another {}", Spelled((*seconds).into())),
        }
    }
}

/// What became of the connections that a source opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connections {
    /// How many were cut, or would be after a dry run.
    pub(crate) cut: u64,
    /// How many are older than the first hit of the source, and left alone for that.
    pub(crate) left: u64,
    /// Why not all were cut.
    pub(crate) error: Option<String>,
}

/// An exception (nomatch) that goes because nobody in it is exempt any more.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Lifted {
    pub(crate) source: Source,
    #[serde(serialize_with = "crate::words::as_text")]
    pub(crate) set: SetName,
    /// Why it is still there.
    pub(crate) error: Option<String>,
}

/// A ban that goes before its end, because its set is full and others end later.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Dropped {
    pub(crate) source: Source,
    #[serde(serialize_with = "crate::words::as_text")]
    pub(crate) set: SetName,
    /// How many seconds before.
    pub(crate) timeout: u32,
    /// Why it is still there.
    pub(crate) error: Option<String>,
}

/// A ban that is taken back, because this host had opened a connection to its source.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct TakenBack {
    pub(crate) source: Source,
    #[serde(serialize_with = "crate::words::as_text")]
    pub(crate) set: SetName,
    /// Why it is still there.
    pub(crate) error: Option<String>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// 500 blocked TCP packets in half an hour: a day in `blacklist`.
    pub(crate) fn rule() -> Rule {
        toml::from_str(
            "rule = \"blocked\"\ntype = \"tcp\"\nhowmany = 500\nwithin = \"30m\"\n\
             ipset = \"blacklist\"\nremoveafter = \"1d\"\n",
        )
        .expect("a rule")
    }

    pub(crate) fn time(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    /// An address or network with 501 hits within an hour that ended at `last`.
    pub(crate) fn violator(source: &str, last: &str) -> Violator {
        Violator {
            source: crate::rule::network(source).expect(source).into(),
            hits: 512,
            peak_hits: 501,
            peak_ports: None,
            first_seen: time("2026-11-22T08:00:00Z"),
            last_seen: time(last),
            last_violating: time(last),
            due_since: time(last),
            bouts: Bouts::default(),
        }
    }

    /// The ban that a rule wants at nine o'clock for a source last seen a minute before.
    pub(crate) fn ban<'r>(rule: &'r Rule, number: usize, source: &str) -> Ban<'r> {
        let violator = violator(source, "2026-11-22T08:59:00.25Z");
        Ban::new(rule, number, violator, time("2026-11-22T09:00:00Z")).expect("a ban")
    }
}
