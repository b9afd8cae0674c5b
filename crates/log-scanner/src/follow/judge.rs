//! From lines to sources that break a threshold.

use std::time::{Duration, SystemTime};

use firewall_log::{Detector, Event, LogReader, Violation};
use ipset_netlink::Network;
use serde::Serialize;

use super::pending::Case;
use crate::clock::Present;
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
    /// Packets that the kernel says were lost before they were read.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) lost: u64,
    /// Sources forgotten because they were too many.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) forgotten: u64,
}

/// The rules, and what was read by them.
#[derive(Debug)]
pub(crate) struct Judge {
    bench: Bench,
    present: Present,
    /// The longest time that a rule looks back.
    longest: Duration,
}

/// What is remembered of what was read.
#[derive(Debug)]
struct Bench {
    detector: Detector,
    newest: Option<SystemTime>,
    read: Read,
}

impl Judge {
    /// Remembers nothing yet; the addresses of the networks `exempt` do not count with a network
    /// around them.
    pub(crate) fn new(rules: &[Rule], exempt: &[Network], present: Present) -> Self {
        let thresholds = rules.iter().map(|rule| rule.threshold(exempt));
        let longest = rules.iter().map(|rule| rule.within.into()).max();
        Self {
            bench: Bench {
                detector: Detector::new(thresholds),
                newest: None,
                read: Read::default(),
            },
            present,
            longest: longest.unwrap_or_default(),
        }
    }

    /// What is present from now on.
    pub(crate) fn set_present(&mut self, present: Present) {
        self.present = present;
    }

    /// Reads whole lines; `found` is told of each rule and source that breaks its threshold.
    pub(crate) fn lines(&mut self, lines: &[u8], found: &mut impl FnMut(Case, Violator)) {
        let Self { bench, present, .. } = self;
        let mut reader = LogReader::new(lines);
        while let Some(event) = reader.next_event() {
            let Ok(event) = event else { continue };
            match event.time.resolve(&present.clock) {
                Ok(at) => bench.observe(&event, at, present, found),
                Err(_) => bench.read.undated += 1,
            }
        }
        let counts = reader.counts();
        let read = &mut bench.read;
        read.lines += counts.lines;
        read.events += counts.events;
        read.unparsed += counts.unparsed;
        read.rejected += counts.rejected;
    }

    /// Judges a packet that is in no log.
    pub(crate) fn packet(&mut self, event: &Event<'_>, found: &mut impl FnMut(Case, Violator)) {
        let Self { bench, present, .. } = self;
        bench.read.events += 1;
        match event.time.resolve(&present.clock) {
            Ok(at) => bench.observe(event, at, present, found),
            Err(_) => bench.read.undated += 1,
        }
    }

    /// Notes that packets were lost before they were read.
    pub(crate) fn lost(&mut self, packets: u64) {
        self.bench.read.lost += packets;
    }

    /// Forgets what no line can make a part of a window any more, unless it comes late by more than
    /// the longest of them.
    pub(crate) fn forget(&mut self) {
        let latest = SystemTime::from(self.present.instant);
        let Some(newest) = self.bench.newest.map(|newest| newest.min(latest)) else {
            return;
        };
        if let Some(before) = newest.checked_sub(self.longest) {
            self.bench.detector.forget_before(before);
        }
    }

    /// What was read so far.
    pub(crate) fn read(&self) -> Read {
        Read {
            forgotten: self.bench.detector.dropped(),
            ..self.bench.read.clone()
        }
    }
}

impl Bench {
    fn observe(
        &mut self,
        event: &Event<'_>,
        at: SystemTime,
        present: &Present,
        found: &mut impl FnMut(Case, Violator),
    ) {
        if at > SystemTime::from(present.horizon) {
            self.read.ahead += 1;
            return;
        }
        self.newest = self.newest.max(Some(at));
        for violation in self.detector.observe(event, at) {
            if let Some(violator) = violator(&violation) {
                found((violation.rule, violator.source), violator);
            }
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
    })
}
