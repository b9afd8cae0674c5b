//! Which instant a run speaks of, and what it takes to date the lines of a log.

use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime};

use firewall_log::{Clock, LogTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use nix::time::{ClockId, clock_gettime};

/// How far a line may be ahead of the present and still count: clocks are set back a little, and
/// lines go on arriving while the log is read. A line after an instant that was asked for is always
/// left out.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// The present of a run, taken once.
#[derive(Debug)]
pub(crate) struct Present {
    pub(crate) zone: TimeZone,
    /// The instant that was asked for, or now in whole seconds.
    pub(crate) instant: Timestamp,
    /// Lines after this are not counted.
    pub(crate) horizon: Timestamp,
    /// Completes time stamps without a year, a zone or a date.
    pub(crate) clock: Clock,
    /// When `instant` was now.
    since: Instant,
    /// Whether `instant` was what the clock said.
    is_now: bool,
}

/// By how much the clock has to differ from the time that has passed to have been set.
const SET: SignedDuration = SignedDuration::from_mins(1);

impl Present {
    pub(crate) fn new(as_of: AsOf) -> Self {
        let (now, since) = (Timestamp::now(), Instant::now());
        let zone = TimeZone::system();
        let (instant, ahead, since) = match as_of {
            AsOf::At(instant) => (instant, SignedDuration::ZERO, since),
            AsOf::Now | AsOf::LogEnd => {
                let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
                let fraction = now.duration_since(second).unsigned_abs();
                (second, AHEAD, since.checked_sub(fraction).unwrap_or(since))
            }
        };
        let mut clock = Clock::new(instant.into(), zone.clone());
        if let Some(boot) = boot(now) {
            clock = clock.boot(boot);
        }
        let horizon = instant.saturating_add(ahead).unwrap_or(instant);
        Self {
            zone,
            instant,
            horizon,
            clock,
            since,
            is_now: matches!(as_of, AsOf::Now),
        }
    }

    /// Whether the clock was set since: a line that is written by it now may seem to be ahead.
    pub(crate) fn is_outdated(&self) -> bool {
        let apart = Timestamp::now().duration_since(self.now(self.instant));
        self.is_now && apart.abs() >= SET
    }

    /// As it was before the clock was set, by so much.
    #[cfg(test)]
    pub(crate) fn before_a_step(mut self, step: SignedDuration) -> Self {
        for time in [&mut self.instant, &mut self.horizon] {
            *time = time.saturating_sub(step).expect("a time");
        }
        self
    }

    /// How long ago the instant was.
    pub(crate) fn passed(&self) -> SignedDuration {
        SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    /// What time it is by now, where it was `instant` when this was taken.
    pub(crate) fn now(&self, instant: Timestamp) -> Timestamp {
        instant.saturating_add(self.passed()).unwrap_or(instant)
    }

    /// When a line happened; `None` if that cannot be known.
    pub(crate) fn date(&self, time: LogTime) -> Option<Timestamp> {
        let instant = time.resolve(&self.clock).ok()?;
        Timestamp::try_from(instant).ok()
    }
}

/// The instant of which a scan speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsOf {
    Now,
    LogEnd,
    At(Timestamp),
}

impl FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "now" => Ok(Self::Now),
            "log-end" => Ok(Self::LogEnd),
            time => instant(time)
                .map(Self::At)
                .map_err(|error| format!("{error}, or log-end")),
        }
    }
}

/// Reads `2026-11-22T09:00:00Z`.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "not a time with a zone, such as 2026-11-22T09:00:00Z or 2026-11-22T10:00:00+01:00"
            .to_owned()
    })
}

/// When this machine was booted, by the clock that the kernel's `[seconds]` are of: it stands still
/// while the machine sleeps.
fn boot(now: Timestamp) -> Option<SystemTime> {
    let uptime = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?);
    SystemTime::from(now).checked_sub(uptime)
}
