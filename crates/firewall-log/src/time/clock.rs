//! What the reader of a log knows about time and its lines do not say: the year, the zone, the
//! boot.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Problem, TimeError, to_timestamp};

/// The reader's side of a time stamp: the present, the local zone, and when the machine was booted.
///
/// The library asks no clock of its own, so the same log read with the same `Clock` always says the
/// same.
#[derive(Debug, Clone)]
pub struct Clock {
    pub(super) now: SystemTime,
    pub(super) zone: TimeZone,
    pub(super) boot: Option<SystemTime>,
    tolerance: Duration,
}

impl Clock {
    /// A clock that stands at `now` in `zone`, does not know the boot instant and has a tolerance
    /// of one day.
    pub fn new(now: SystemTime, zone: TimeZone) -> Self {
        Self {
            now,
            zone,
            boot: None,
            tolerance: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// When the machine that wrote the log was booted, which gives `[seconds]` of raw kernel lines
    /// a date.
    pub fn boot(mut self, at: SystemTime) -> Self {
        self.boot = Some(at);
        self
    }

    /// How far after `now` a date without a year may lie before it is taken for one of last year;
    /// one day unless set.
    ///
    /// Lines arrive while a log is read, and clocks are set back: a line that seems a moment early
    /// is of today, not of a year ago. Within the tolerance
    /// [`LogTime::resolve`](super::LogTime::resolve) gives an instant in the future.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The present this clock stands at.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// The instant that a local time of the clock's zone is.
    pub(super) fn place(&self, local: DateTime) -> Option<Timestamp> {
        let now = to_timestamp(self.now);
        let instant = self.zone.to_ambiguous_timestamp(local);
        let later = instant.later().ok().filter(|later| *later <= now);
        later.or_else(|| instant.compatible().ok())
    }

    /// The latest instant that a date without a year may mean.
    pub(super) fn limit(&self) -> Result<Timestamp, TimeError> {
        let limit = self
            .now
            .checked_add(self.tolerance)
            .ok_or(TimeError(Problem::OutOfRange))?;
        Timestamp::try_from(limit).map_err(|_| TimeError(Problem::OutOfRange))
    }
}
