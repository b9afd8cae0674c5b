//! Instants, as the records of a fleet have them.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An instant in UTC, in whole milliseconds since 1970, until the end of the year 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The last millisecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// So many milliseconds since 1970; [`MAX`](Self::MAX) where they are more than that.
    pub fn from_millis(millis: u64) -> Self {
        Self(millis).min(Self::MAX)
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> u64 {
        self.0
    }

    /// So much later; [`MAX`](Self::MAX) where that is later still.
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// How long it is from `earlier` until this; nothing where that is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// What is less than a millisecond is left out, so that an instant is never later than it was.
impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::default().after(since)
    }
}

impl From<Time> for SystemTime {
    fn from(time: Time) -> Self {
        UNIX_EPOCH + Duration::from_millis(time.0)
    }
}

/// Milliseconds, in digits.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far this host's clock is from the engine's.
///
/// Ends are absolute. What is left of a ban is counted from the engine's time, so that a host whose
/// clock is half a minute wrong holds it as long as the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// To be added to this host's time, in milliseconds.
    millis: i64,
}

/// What an offset is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    /// At most five seconds.
    Good,
    /// More than five seconds: worth a warning.
    Warn,
    /// More than a minute: nothing is to be pushed or applied.
    Refuse,
}

impl ClockOffset {
    /// Between this host's time and the engine's, both of one moment.
    pub fn between(host: Time, engine: Time) -> Self {
        let signed = |time: Time| i64::try_from(time.0).unwrap_or(i64::MAX);
        Self {
            millis: signed(engine) - signed(host),
        }
    }

    /// Milliseconds that are to be added to this host's time.
    pub fn millis(self) -> i64 {
        self.millis
    }

    /// The engine's time when it is `host` on this host.
    pub fn correct(self, host: Time) -> Time {
        Time::from_millis(host.0.saturating_add_signed(self.millis))
    }

    /// Whether the clock can be worked with.
    pub fn state(self) -> ClockState {
        match self.millis.unsigned_abs() {
            0..=5_000 => ClockState::Good,
            5_001..=60_000 => ClockState::Warn,
            _ => ClockState::Refuse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_corrects_and_has_two_bounds() {
        let at = Time::from_millis;
        for (host, engine, state) in [
            (1_000_000, 1_000_000, ClockState::Good),
            (1_000_000, 1_005_000, ClockState::Good),
            (1_005_001, 1_000_000, ClockState::Warn),
            (1_000_000, 1_060_000, ClockState::Warn),
            (1_060_001, 1_000_000, ClockState::Refuse),
            (0, Time::MAX.millis(), ClockState::Refuse),
        ] {
            let offset = ClockOffset::between(at(host), at(engine));
            assert_eq!(offset.state(), state, "{host} {engine}");
            assert_eq!(offset.correct(at(host)), at(engine));
        }
    }

    #[test]
    fn no_instant_is_after_the_last() {
        assert_eq!(Time::from_millis(u64::MAX), Time::MAX);
        assert_eq!(Time::MAX.after(Duration::MAX), Time::MAX);
        assert_eq!(Time::default().since(Time::MAX), Duration::ZERO);
        let whole = UNIX_EPOCH + Duration::from_micros(1_999);
        assert_eq!(Time::from(whole), Time::from_millis(1));
    }
}
