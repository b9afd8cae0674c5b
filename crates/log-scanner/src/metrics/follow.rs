//! The figures of a follower, since it began. Counters begin anew with the process, and where the log
//! is read again from its begin.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use netfilter_host::metrics::{Background, Histogram, Metrics, Textfile};

use super::bans::Bans;
use super::{KINDS_HELP, begin, kinds};
use crate::ban::Acted;
use crate::rule::Rule;

/// How often the file is written: as often as monitoring systems commonly look.
const EVERY: Duration = Duration::from_secs(15);
/// Up to which a ban may take, in seconds.
const LATENCY: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
];

/// What a follower has read and remembers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) lines: u64,
    pub(crate) events: u64,
    pub(crate) unparsed: u64,
    pub(crate) rejected: u64,
    pub(crate) ahead: u64,
    pub(crate) undated: u64,
    /// Packets.
    pub(crate) lost: u64,
    /// Sources that are remembered, and what they take and may take, in bytes.
    pub(crate) sources: usize,
    pub(crate) bytes: usize,
    pub(crate) allowed: usize,
    pub(crate) forgotten: u64,
    /// Bans that wait for their turn.
    pub(crate) waiting: usize,
}

/// A file of figures that is kept up to date.
#[derive(Debug)]
pub(crate) struct Figures {
    file: Textfile,
    background: Background,
    started: Timestamp,
    next: Instant,
    bans: Bans,
    latency: Histogram,
}

impl Figures {
    /// # Errors
    ///
    /// When there is no thread to be had.
    pub(crate) fn start(file: &Textfile) -> std::io::Result<Self> {
        Ok(Self {
            background: Background::start(file.clone())?,
            file: file.clone(),
            started: Timestamp::now(),
            next: Instant::now(),
            bans: Bans::default(),
            latency: Histogram::new(&LATENCY),
        })
    }

    /// Has these rules from now on.
    pub(crate) fn by(&mut self, rules: &[Rule]) {
        self.bans.by(rules);
        self.next = Instant::now();
    }

    /// Counts what came of a round. How long bans took is `timed` unless their lines are old.
    pub(crate) fn round(&mut self, acted: &Acted<'_>, timed: bool, dry_run: bool) {
        self.bans.count_all(&acted.banned);
        if !dry_run {
            self.bans.gone(&acted.dropped, &acted.lifted);
        }
        if timed {
            for took in &acted.took {
                self.latency.observe(*took);
            }
        }
    }

    /// Whether it is time to [`write`](Self::write).
    pub(crate) fn is_due(&self) -> bool {
        self.next <= Instant::now()
    }

    /// Has the file written; why it could not be before.
    pub(crate) fn write(&mut self, reading: &Reading) -> Option<String> {
        self.next = Instant::now() + EVERY;
        self.background.write(&self.metrics(reading));
        self.background.failure()
    }

    /// Writes what it came to in all; why that cannot be.
    pub(crate) fn end(self, reading: &Reading) -> Option<String> {
        let metrics = self.metrics(reading);
        self.background.end(&metrics)
    }

    fn metrics(&self, reading: &Reading) -> Metrics {
        let mut metrics = begin(&self.file);
        for (name, help, at) in [
            (
                "rampart_follow_timestamp_seconds",
                "When the follower wrote this.",
                Timestamp::now(),
            ),
            (
                "rampart_follow_start_timestamp_seconds",
                "When the follower began.",
                self.started,
            ),
        ] {
            metrics.gauge(name, help).is(at);
        }
        let counts = [reading.events, reading.unparsed, reading.rejected, 0];
        for (kind, number) in kinds(reading.lines, counts) {
            metrics
                .counter("rampart_follow_log_lines", KINDS_HELP)
                .sample(&[("kind", kind)], number);
        }
        metrics
            .counter(
                "rampart_follow_uncounted_events",
                "Events that count for nothing: later than the present, or of a time that cannot be placed.",
            )
            .sample(&[("reason", "ahead")], reading.ahead)
            .sample(&[("reason", "undated")], reading.undated);
        metrics
            .counter(
                "rampart_follow_lost_packets",
                "Packets lost before they were read.",
            )
            .is(reading.lost);
        metrics
            .counter(
                "rampart_follow_forgotten_sources",
                "Sources forgotten because they were too many.",
            )
            .is(reading.forgotten);
        for (name, help, number) in [
            (
                "rampart_follow_sources",
                "Sources that are remembered.",
                reading.sources,
            ),
            (
                "rampart_follow_sources_bytes",
                "What the sources that are remembered take.",
                reading.bytes,
            ),
            (
                "rampart_follow_sources_max_bytes",
                "What the sources that are remembered may take.",
                reading.allowed,
            ),
            (
                "rampart_follow_waiting",
                "Bans that wait for their turn.",
                reading.waiting,
            ),
        ] {
            metrics.gauge(name, help).is(number);
        }
        self.bans.write(&mut metrics);
        metrics.histogram(
            "rampart_ban_latency_seconds",
            "From the stamp of the packet that broke a threshold to the kernel's word that its source is in the set.",
            &self.latency,
        );
        metrics
    }
}
