//! Points in time as rules know them: whole seconds of UTC.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::BuildError;

/// A second of UTC, 1970-01-01T00:00:00Z to 2106-02-07T06:28:15Z.
///
/// It is read as RFC 3339 has it, with `Z` or an offset, and written in UTC.
///
/// ```
/// use iptables_ruleset::UnixTime;
///
/// let end: UnixTime = "2026-12-01T18:00:00+01:00".parse()?;
/// assert_eq!(end.to_string(), "2026-12-01T17:00:00Z");
/// assert!("2026-12-01T18:00:00".parse::<UnixTime>().is_err());
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u32);

impl UnixTime {
    /// This many seconds after 1970-01-01T00:00:00Z.
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The seconds since 1970-01-01T00:00:00Z.
    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// What a calendar and a clock show in UTC at that second.
    pub(crate) fn civil(self) -> DateTime {
        let at = Timestamp::new(self.0.into(), 0).unwrap_or_default();
        Offset::UTC.to_datetime(at)
    }
}

/// The second that is running; one outside the range is its nearest end.
impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u32::try_from(since.as_secs()).unwrap_or(u32::MAX))
    }
}

impl FromStr for UnixTime {
    type Err = BuildError;

    fn from_str(text: &str) -> Result<Self, BuildError> {
        let refused = |reason: &str| BuildError::value("point in time", text, reason);
        let at: Timestamp = text.parse().map_err(|_| {
            // A date, or a date and a time, is one that only lacks its offset.
            refused(match text.parse::<DateTime>() {
                Ok(_) => "has no offset from UTC: write a date, a time and Z or the offset, as in \"2026-12-01T18:00:00+01:00\"",
                Err(_) => "expected a date, a time and an offset from UTC, as in \"2026-12-01T18:00:00+01:00\" or \"2026-12-01T17:00:00Z\"",
            })
        })?;
        if at.subsec_nanosecond() != 0 {
            return Err(refused("rules know whole seconds"));
        }
        let seconds = u32::try_from(at.as_second());
        seconds
            .map(Self)
            .map_err(|_| refused("rules know the years 1970 to 2106"))
    }
}

/// `2026-12-01T17:00:00Z`
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.civil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        let reason = |text: &str| text.parse::<UnixTime>().unwrap_err().reason().clone();
        for text in ["2026-12-01", "2026-12-01T18:00:00", "2026-12-01 18:00"] {
            assert!(reason(text).starts_with("has no offset"), "{text}");
        }
        for text in ["", "tomorrow", "18:00", "2026-13-01T00:00:00Z"] {
            assert!(reason(text).starts_with("expected a date"), "{text}");
        }
        assert_eq!(reason("2026-12-01T18:00:00.5Z"), "rules know whole seconds");
        for text in ["1969-12-31T23:59:59Z", "2106-02-07T06:28:16Z"] {
            assert!(reason(text).starts_with("rules know the years"), "{text}");
        }
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2106-02-07T06:28:15Z", u32::MAX),
        ] {
            let time: UnixTime = text.parse().unwrap();
            assert_eq!(
                (time.seconds(), time.to_string()),
                (seconds, text.to_owned())
            );
        }
        assert_eq!(UnixTime::from(UNIX_EPOCH).seconds(), 0);
    }
}
