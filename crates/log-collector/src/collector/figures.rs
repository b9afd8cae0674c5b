//! What has been done, as figures for a monitoring system: the file of `--textfile`.

use std::io;
use std::time::{Duration, Instant};

use netfilter_host::metrics::{Background, Metrics, Textfile};

use super::Totals;
use crate::say::say;

/// How often the file is written: as often as monitoring systems commonly look.
const EVERY: Duration = Duration::from_secs(15);
/// How often it is said at most that the file cannot be written.
const SAID_FOR: Duration = Duration::from_secs(600);

/// A file of figures that is kept up to date.
#[derive(Debug)]
pub(crate) struct Figures {
    name: String,
    background: Background,
    next: Instant,
    said: Option<Instant>,
}

impl Figures {
    pub(crate) fn start(file: &Textfile) -> io::Result<Self> {
        Ok(Self {
            name: file.name(),
            background: Background::start(file.clone())?,
            next: Instant::now(),
            said: None,
        })
    }

    /// How long it is until the file is written next.
    pub(crate) fn rest(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Has the file written where it is time to; says from time to time why it cannot be.
    pub(crate) fn write(&mut self, totals: &Totals) {
        let now = Instant::now();
        if self.next > now {
            return;
        }
        self.next = now + EVERY;
        self.background.write(&self.metrics(totals));
        let failure = self.background.failure();
        let said_lately = self.said.is_some_and(|said| said.elapsed() < SAID_FOR);
        if let Some(why) = failure.filter(|_| !said_lately) {
            self.said = Some(now);
            say(&why);
        }
    }

    /// Writes what it came to in all.
    pub(crate) fn end(self, totals: &Totals) {
        let metrics = self.metrics(totals);
        if let Some(why) = self.background.end(&metrics) {
            say(&why);
        }
    }

    fn metrics(&self, totals: &Totals) -> Metrics {
        let mut metrics = Metrics::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .everywhere("textfile", &*self.name);
        metrics
            .gauge(
                "rampart_collector_timestamp_seconds",
                "When the collector wrote this.",
            )
            .is(jiff::Timestamp::now());
        for (name, help, number) in [
            (
                "rampart_collector_lines",
                "Lines written into the log.",
                totals.written,
            ),
            (
                "rampart_collector_lost_packets",
                "Packets lost before they were read.",
                totals.lost,
            ),
            (
                "rampart_collector_dropped_lines",
                "Lines that the log's disk had no room for.",
                totals.dropped,
            ),
            (
                "rampart_collector_removed_lines",
                "Lines that were written and had to go before their time, for want of room.",
                totals.given_up,
            ),
        ] {
            metrics.counter(name, help).is(number);
        }
        metrics
    }
}
