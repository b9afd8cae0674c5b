//! What a scan answers: what a log held, and what a rule found.

use std::io;
use std::time::SystemTime;

use crate::reader::Counts;
use crate::rule::Tally;

/// What a log held, as [`Scan::read`](super::Scan::read) found it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// What the lines were, as a [`LogReader`](crate::LogReader) counts them.
    pub counts: Counts,
    /// How many bytes were read.
    pub bytes: u64,
    /// Events whose time cannot be placed: time since boot, and the clock does not know when that
    /// was. They are not counted.
    pub undated: u64,
    /// Events after the [latest instant](super::Scan::latest) that counts. They are not counted.
    pub ahead: u64,
    /// The last of those.
    pub latest_ahead: Option<SystemTime>,
    /// Events whose date has no year and that came out before [some
    /// instant](super::Scan::yearless_before). They are counted.
    pub yearless_old: u64,
    /// The first event by time, whichever rule counts it.
    pub oldest: Option<SystemTime>,
    /// Packets of which a line [says only how many](crate::Event::repeated) they were. They are
    /// counted.
    pub repeated: u64,
    /// Those of them of which the log does not show when they began. They are in no window.
    pub repeated_undated: u64,
    /// Events that no rule counts and whose prefix holds `IPTABLES-` or `IP6TABLES-` but does not
    /// begin with it: something stands before it that is neither the firewall's nor known.
    pub misplaced: u64,
    /// One such prefix.
    pub misplaced_prefix: Option<Vec<u8>>,
    /// Packets or messages that lines of log-collector and of syslog daemons say were lost, or
    /// repeated without saying which. They are not counted.
    pub lost: u64,
    /// How many such lines there are; some do not say how many were lost.
    pub losses: u64,
    /// Events that have the same bytes as the line before them, the kernel's time since boot
    /// included: the log holds them twice. They are counted.
    pub doubled: u64,
    /// The last event that is not ahead, whichever rule counts it.
    pub newest: Option<SystemTime>,
}

/// What a rule found in all logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The packets that the rule counted.
    pub matched: u64,
    /// How many different sources they came from.
    pub sources: u64,
    /// Whether `sources` is exact, which it is up to a million; if not, it is within two percent.
    pub sources_exact: bool,
    /// The sources that reached the threshold, in no order.
    pub violators: Vec<Tally>,
}

impl Summary {
    pub(super) fn join(&mut self, other: &Self) {
        let Counts {
            lines,
            events,
            unparsed,
            rejected,
            too_long,
        } = other.counts;
        self.counts.lines += lines;
        self.counts.events += events;
        self.counts.unparsed += unparsed;
        self.counts.rejected += rejected;
        self.counts.too_long += too_long;
        self.undated += other.undated;
        self.ahead += other.ahead;
        self.yearless_old += other.yearless_old;
        self.misplaced += other.misplaced;
        self.lost = self.lost.saturating_add(other.lost);
        self.losses += other.losses;
        self.doubled += other.doubled;
        if let Some(prefix) = &other.misplaced_prefix {
            if self
                .misplaced_prefix
                .as_ref()
                .is_none_or(|own| prefix < own)
            {
                self.misplaced_prefix = Some(prefix.clone());
            }
        }
        self.repeated += other.repeated;
        self.repeated_undated += other.repeated_undated;
        self.latest_ahead = self.latest_ahead.max(other.latest_ahead);
        self.oldest = [self.oldest, other.oldest].into_iter().flatten().min();
        self.newest = self.newest.max(other.newest);
    }
}

/// A log could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the log after line {}", .summary.counts.lines)]
pub struct ScanError {
    source: io::Error,
    summary: Box<Summary>,
}

impl ScanError {
    pub(super) fn new(source: io::Error, summary: Summary) -> Self {
        Self {
            source,
            summary: Box::new(summary),
        }
    }

    /// What was read until then, and counted.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Why it could not.
    pub fn into_io(self) -> io::Error {
        self.source
    }
}
