//! From lines to sources that break a threshold.

use std::time::{Duration, Instant, SystemTime};

use ban_sets::{Network, Pardons};
use firewall_log::{Detector, Event, LineDetector, Violation};
use jiff::SignedDuration;
use serde::Serialize;

use super::pending::Case;
use crate::bouts::Bouts;
use crate::clock::{AsOf, Present};
use crate::metrics::Reading;
use crate::rule::Rule;
use crate::source::Source;
use crate::violation::Violator;
use crate::words::is_zero;

/// What was read so far, and what of it counted for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Read {
    pub(crate) lines: u64,
    /// Well-formed lines of the firewall, written by the kernel; packets, where they are not read
    /// from a log.
    pub(crate) events: u64,
    pub(crate) unparsed: u64,
    pub(crate) rejected: u64,
    /// Events later than the present; they count once a restart reads them again.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) ahead: u64,
    /// Events whose time cannot be placed.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) undated: u64,
    /// Packets that the kernel, or lines of whoever wrote the log, say were lost.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) lost: u64,
    /// Sources forgotten because they were too many.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) forgotten: u64,
}

/// The rules, and what was read by them.
#[derive(Debug)]
pub(crate) struct Judge {
    /// Of lines.
    lines: LineDetector,
    /// Of packets that are in no log.
    packets: Detector,
    present: Present,
    /// When the lines are read by the present again.
    clock: Instant,
    /// For each rule, how far apart windows of one bout end, if it asks for bouts.
    apart: Vec<Option<SignedDuration>>,
    /// The longest time that a rule looks back.
    longest: Duration,
    /// The earliest event since it was forgotten last, and the earliest of the time before that.
    oldest: [Option<SystemTime>; 2],
    read: Read,
}

/// How long lines are dated by one clock: what they look like is learned anew with each.
const CLOCK: Duration = Duration::from_secs(60);

impl Judge {
    /// Remembers nothing yet; the addresses of the networks `exempt` do not count with a network
    /// around them, and what is pardoned counts for nothing.
    pub(crate) fn new(
        rules: &[Rule],
        exempt: &[Network],
        pardons: &Pardons,
        present: Present,
    ) -> Self {
        let thresholds = rules.iter().map(|rule| rule.threshold(exempt, pardons));
        let thresholds: Vec<_> = thresholds.collect();
        let longest = rules.iter().map(|rule| rule.within.into()).max();
        let mut lines = LineDetector::new(thresholds.clone(), present.clock.clone());
        lines.set_latest(present.horizon.into());
        Self {
            lines,
            packets: Detector::new(thresholds),
            present,
            clock: Instant::now() + CLOCK,
            apart: rules.iter().map(Rule::apart).collect(),
            longest: longest.unwrap_or_default(),
            oldest: [None; 2],
            read: Read::default(),
        }
    }

    /// What is present from now on.
    pub(crate) fn set_present(&mut self, present: Present) {
        self.lines.set_latest(present.horizon.into());
        let now = Instant::now();
        if now >= self.clock {
            self.clock = now + CLOCK;
            self.lines.set_clock(present.clock.clone());
        }
        self.present = present;
    }

    /// Has what was written by a clock that was set since dated by it: it is there before it is read.
    fn look_at_clock(&mut self) {
        if self.present.is_outdated() {
            self.clock = Instant::now();
            self.set_present(Present::new(AsOf::Now));
        }
    }

    /// Reads whole lines; `found` is told of each rule and source that breaks its threshold.
    pub(crate) fn lines(&mut self, lines: &[u8], found: &mut impl FnMut(Case, Violator)) {
        self.look_at_clock();
        tell(self.lines.read(lines), &self.apart, found);
        let summary = self.lines.take_summary();
        self.note(summary.oldest);
        let read = &mut self.read;
        read.lines += summary.counts.lines;
        read.events += summary.counts.events;
        read.unparsed += summary.counts.unparsed;
        read.rejected += summary.counts.rejected;
        read.ahead += summary.ahead;
        read.undated += summary.undated;
        read.lost = read.lost.saturating_add(summary.lost);
    }

    /// Judges a packet that is in no log.
    pub(crate) fn packet(&mut self, event: &Event<'_>, found: &mut impl FnMut(Case, Violator)) {
        self.read.events += 1;
        self.look_at_clock();
        let Ok(at) = event.time.resolve(&self.present.clock) else {
            self.read.undated += 1;
            return;
        };
        if at > SystemTime::from(self.present.horizon) {
            self.read.ahead += 1;
            return;
        }
        self.note(Some(at));
        tell(self.packets.observe(event, at), &self.apart, found);
    }

    /// Notes that packets were lost before they were read.
    pub(crate) fn lost(&mut self, packets: u64) {
        self.read.lost += packets;
    }

    /// Takes in when the earliest was of events that were read at once.
    fn note(&mut self, earliest: Option<SystemTime>) {
        let [oldest, _] = &mut self.oldest;
        *oldest = earlier(*oldest, earliest);
    }

    /// Forgets what no line can make a part of a window any more, unless it comes late by more than
    /// the longest of them: later than what came lately, and not than the latest of all. A clock that
    /// is set back takes the log with it, and its lines are not late.
    pub(crate) fn forget(&mut self) {
        let latest = SystemTime::from(self.present.instant);
        let [now, before] = self.oldest;
        let Some(oldest) = earlier(now, before).map(|oldest| oldest.min(latest)) else {
            return;
        };
        if now.is_some() {
            self.oldest = [None, now];
        }
        if let Some(before) = oldest.checked_sub(self.longest) {
            self.lines.forget_before(before);
            self.packets.forget_before(before);
        }
    }

    /// What was read so far, and what of it is remembered, where so many bans wait.
    pub(crate) fn reading(&self, waiting: usize) -> Reading {
        let read = self.read();
        Reading {
            lines: read.lines,
            events: read.events,
            unparsed: read.unparsed,
            rejected: read.rejected,
            ahead: read.ahead,
            undated: read.undated,
            lost: read.lost,
            forgotten: read.forgotten,
            sources: self.lines.sources() + self.packets.sources(),
            bytes: self.lines.size() + self.packets.size(),
            // One of the two has nothing to do.
            allowed: self.lines.allowed().max(self.packets.allowed()),
            waiting,
        }
    }

    /// What was read so far.
    pub(crate) fn read(&self) -> Read {
        Read {
            forgotten: self.lines.dropped() + self.packets.dropped(),
            ..self.read.clone()
        }
    }
}

/// The earlier of two, as far as there are.
fn earlier(one: Option<SystemTime>, other: Option<SystemTime>) -> Option<SystemTime> {
    [one, other].into_iter().flatten().min()
}

fn tell(
    violations: Vec<Violation>,
    apart: &[Option<SignedDuration>],
    found: &mut impl FnMut(Case, Violator),
) {
    for violation in violations {
        if let Some(mut violator) = violator(&violation) {
            if let Some(Some(apart)) = apart.get(violation.rule) {
                violator.bouts = Bouts::at(violator.last_violating, *apart);
            }
            found((violation.rule, violator.source), violator);
        }
    }
}

/// The source of a violation, as far as its window shows.
fn violator(violation: &Violation) -> Option<Violator> {
    let last = violation.last_seen.try_into().ok()?;
    Some(Violator {
        source: Source::new(violation.source, violation.prefix_length).ok()?,
        hits: violation.hits,
        peak_hits: violation.hits,
        peak_ports: violation.ports,
        first_seen: violation.first_seen.try_into().ok()?,
        last_seen: last,
        last_violating: last,
        due_since: last,
        bouts: Bouts::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::tests::rule;

    /// Between two looks at the clock it was set an hour forward or back.
    #[test]
    fn what_is_written_by_a_clock_that_was_set_counts_at_once() {
        let rules = [Rule {
            howmany: 3.try_into().expect("some"),
            ..rule()
        }];
        for hours in [1, -1] {
            let step = SignedDuration::from_hours(hours);
            let present = Present::new(AsOf::Now).before_a_step(step);
            let mut judge = Judge::new(&rules, &[], &Pardons::default(), present);
            let now = jiff::Timestamp::now();
            let line = format!(
                "{now} fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 \
                 PROTO=TCP SPT=4000 DPT=22 WINDOW=1 RES=0x00 SYN URGP=0 \n"
            );
            let mut found = 0;
            judge.lines(line.repeat(3).as_bytes(), &mut |_, _| found += 1);
            assert_eq!((found, judge.read().ahead), (1, 0), "{hours} h");
            assert!(!judge.present.is_outdated());
        }
    }
}
