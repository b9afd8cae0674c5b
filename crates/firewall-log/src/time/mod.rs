//! The time stamp of a line, and the instant that it means.

mod clock;

use std::time::{Duration, SystemTime};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

pub use self::clock::Clock;

/// The time stamp of a line, as far as the line itself knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogTime {
    /// A full instant: RFC 3339, RFC 5424, ISO 8601 with an offset.
    Rfc3339(SystemTime),
    /// A date without year and zone, as RFC 3164 has it.
    Rfc3164 {
        /// 1 to 12
        month: u8,
        /// 1 to 31
        day: u8,
        /// 0 to 23
        hour: u8,
        /// 0 to 59
        minute: u8,
        /// 0 to 59
        second: u8,
        /// 0 to 999,999; RFC 3164 itself has none.
        micros: u32,
    },
    /// A date without a zone, as ISO 8601 without an offset and ctime(3) have it.
    Local(DateTime),
    /// The kernel's own `[seconds]`: how long after boot.
    SinceBoot(Duration),
}

impl LogTime {
    /// The instant meant, in the light of `clock`.
    ///
    /// A date of RFC 3164 is in the latest year that exists for it (29 February) and does not put
    /// it later than `now` and the clock's [tolerance](Clock::tolerance); it is local time of the
    /// clock's zone, as is a date without a zone. A local time that a change of the clocks skips
    /// counts as if they had not been changed yet; of one that comes twice it is the last that is
    /// not later than `now`.
    ///
    /// Full instants are taken as they are, also where they lie in the future: that is for the
    /// caller to judge.
    ///
    /// # Errors
    ///
    /// For time since boot when the clock does not know the [boot](Clock::boot) instant; for a date
    /// that does not exist or an instant that cannot be represented.
    pub fn resolve(self, clock: &Clock) -> Result<SystemTime, TimeError> {
        match self {
            Self::Rfc3339(instant) => Ok(instant),
            Self::Local(local) => clock
                .place(local)
                .map(SystemTime::from)
                .ok_or(TimeError(Problem::OutOfRange)),
            Self::SinceBoot(uptime) => {
                let boot = clock.boot.ok_or(TimeError(Problem::BootUnknown))?;
                boot.checked_add(uptime)
                    .ok_or(TimeError(Problem::OutOfRange))
            }
            Self::Rfc3164 {
                month,
                day,
                hour,
                minute,
                second,
                micros,
            } => {
                let limit = clock.limit()?;
                let nanos = i32::try_from(micros.saturating_mul(1000)).unwrap_or(i32::MAX);
                let newest = limit.to_zoned(clock.zone.clone()).year();
                // 29 February can be eight years back: there is none in 2100.
                let years = (newest.saturating_sub(8)..=newest).rev();
                let signed = |number: u8| i8::try_from(number).unwrap_or(i8::MAX);
                years
                    .filter_map(|year| {
                        let (month, day) = (signed(month), signed(day));
                        DateTime::new(
                            year,
                            month,
                            day,
                            signed(hour),
                            signed(minute),
                            signed(second),
                            nanos,
                        )
                        .ok()
                    })
                    .filter_map(|local| clock.place(local))
                    .find(|instant| *instant <= limit)
                    .map(SystemTime::from)
                    .ok_or(TimeError(Problem::NoSuchDate))
            }
        }
    }
}

/// Microseconds in a second.
pub(crate) const MICROS: i64 = 1_000_000;

/// Seconds in an hour.
const HOUR: i64 = 3600;

/// A change of the clocks moves local times by no more than a day: the largest was a zone that
/// crossed the date line.
const FAR: SignedDuration = SignedDuration::from_hours(25);

impl LogTime {
    /// The instant, in microseconds, at which the hour of an RFC 3164 date begins, if every second
    /// of it is as far from there as its minute and second say: no change of the clocks is near,
    /// and all of the hour is in the same year.
    pub(crate) fn start_of_whole_hour(self, clock: &Clock) -> Option<i64> {
        let Self::Rfc3164 {
            month, day, hour, ..
        } = self
        else {
            return None;
        };
        let at = |minute, second| {
            let time = Self::Rfc3164 {
                month,
                day,
                hour,
                minute,
                second,
                micros: 0,
            };
            time.resolve(clock).ok().map(to_timestamp)
        };
        let (first, last) = (at(0, 0)?, at(59, 59)?);
        let before = first.checked_sub(FAR).ok()?;
        let after = last.checked_add(FAR).ok()?;
        let next_change = clock.zone.following(before).next();
        let steady = next_change.is_none_or(|change| change.timestamp() > after);
        let even = last.as_second() - first.as_second() == HOUR - 1;
        (steady && even).then(|| first.as_microsecond())
    }
}

/// Why a [`LogTime`] is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct TimeError(Problem);

impl TimeError {
    /// Whether the line gives time since boot and the clock does not know when that was.
    pub fn is_boot_unknown(&self) -> bool {
        self.0 == Problem::BootUnknown
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("the line has only the time since boot, and when that was is not known")]
    BootUnknown,
    #[error("there is no such date in the last eight years")]
    NoSuchDate,
    #[error("the time is outside the range of instants")]
    OutOfRange,
}

/// Microseconds since 1970, the grain of the kernel's stamps; beyond the range of `i64` the nearest
/// value.
pub(crate) fn to_micros(at: SystemTime) -> i64 {
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => {
            let nanos = before.duration().as_nanos();
            i64::try_from(nanos.div_ceil(1000)).map_or(i64::MIN, |micros| -micros)
        }
    }
}

/// The reverse of [`to_micros`].
pub(crate) fn from_micros(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    let at = if micros < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    at.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The nearest instant that jiff can show as a date.
pub(crate) fn to_timestamp(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(if at < SystemTime::UNIX_EPOCH {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
