//! `when`: hours and days.

use crate::match_::Time;
use crate::{BuildError, Weekday};

/// Hours of some days, by a clock that is not changed: `when = { from = "22:00", until = "06:00",
/// days = ["fri"], zone = "+01:00" }`.
///
/// ```
/// use iptables_ruleset::{Config, Weekday};
///
/// let config = Config::parse(
///     r#"
///     [[service]]
///     use = "ssh"
///     when = { from = "08:00", until = "18:00", days = ["mon-fri"], zone = "+01:00" }
///     "#,
/// )?;
/// let hours = &config.services[0].when[0];
/// assert_eq!((hours.from, hours.until, hours.utc_offset), (480, 1080, 60));
/// assert_eq!(hours.days.last(), Some(&Weekday::Friday));
/// # Ok::<(), iptables_ruleset::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hours {
    /// `from`: minutes after midnight, 0 to 1439; by default 0.
    pub from: u16,
    /// `until`: the first minute that is none of them, 0 to 1440; by default 1440. Where it is not
    /// behind `from` it is one of the next day.
    pub until: u16,
    /// `days`: those on which they begin; empty: every day.
    pub days: Vec<Weekday>,
    /// `zone`: how many minutes the clock is before that of UTC, -1440 to 1440.
    pub utc_offset: i16,
}

impl Hours {
    /// All of every day, by a clock so many minutes before that of UTC.
    pub fn new(utc_offset: i16) -> Self {
        Self {
            from: 0,
            until: MINUTES_PER_DAY,
            days: Vec::new(),
            utc_offset,
        }
    }

    /// The same by the kernel's clock, which shows UTC.
    pub(crate) fn time(&self) -> Result<Time, BuildError> {
        let (from, until, day) = (
            i64::from(self.from),
            i64::from(self.until),
            i64::from(MINUTES_PER_DAY),
        );
        // The length, of which 0 is a whole day.
        let minutes = (until - from - 1).rem_euclid(day) + 1;
        let start = from - i64::from(self.utc_offset);
        let (later, start) = (start.div_euclid(day), start.rem_euclid(day));
        let second = |minute: i64| u32::try_from(minute * 60).unwrap_or(0);
        let end = start + minutes;
        let over_midnight = end > day;
        let last = second((end - 1).rem_euclid(day)) + 59;
        let time = Time::new().daily(second(start), last)?;
        if self.days.is_empty() {
            return Ok(time);
        }
        let moved = |day: &Weekday| Weekday::after_monday(i64::from(day.number()) - 1 + later);
        let time = time.weekdays(self.days.iter().map(moved))?;
        Ok(if over_midnight {
            time.contiguous()
        } else {
            time
        })
    }
}

/// How many there are.
pub(super) const MINUTES_PER_DAY: u16 = 1440;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::match_::Match;
    use crate::{Family, UnixTime};

    fn hours(from: u16, until: u16, days: &[Weekday], utc_offset: i16) -> Hours {
        Hours {
            from,
            until,
            days: days.to_vec(),
            ..Hours::new(utc_offset)
        }
    }

    #[test]
    fn another_clock_moves_hours_and_days() {
        let text = |hours: &Hours| Match::from(hours.time().unwrap()).text(Family::Ipv4);
        for (from, until, utc_offset, expected) in [
            (
                480,
                1080,
                0,
                "--timestart 08:00:00 --timestop 17:59:59 --weekdays Mon",
            ),
            (
                480,
                1080,
                60,
                "--timestart 07:00:00 --timestop 16:59:59 --weekdays Mon",
            ),
            (
                30,
                90,
                60,
                "--timestart 23:30:00 --timestop 00:29:59 --weekdays Sun",
            ),
            (0, 1440, 0, "--weekdays Mon"),
            (
                0,
                1440,
                -330,
                "--timestart 05:30:00 --timestop 05:29:59 --weekdays Mon",
            ),
            (
                1320,
                360,
                -180,
                "--timestart 01:00:00 --timestop 08:59:59 --weekdays Tue",
            ),
            (
                1320,
                0,
                0,
                "--timestart 22:00:00 --timestop 23:59:59 --weekdays Mon",
            ),
        ] {
            let text = text(&hours(from, until, &[Weekday::Monday], utc_offset));
            let wanted = format!("-m time {expected} --datestop 2038-01-19T03:14:07");
            let is_whole_day = (from, until) == (0, 1440);
            let midnight = expected.contains(":29:59") && (utc_offset == 60 || is_whole_day);
            let contiguous = if midnight { " --contiguous" } else { "" };
            assert_eq!(text, format!("{wanted}{contiguous}"));
        }
        let every_day = text(&hours(1320, 360, &[], 0));
        assert!(every_day.contains("--timestart 22:00:00 --timestop 05:59:59 --datestop"));
    }

    /// Minute by minute of a week, against the same said of the local clock.
    #[test]
    fn the_hours_are_those_of_the_local_clock() {
        let days = [Weekday::Monday, Weekday::Friday, Weekday::Sunday];
        for (from, until) in [
            (480, 1080),
            (1320, 360),
            (0, 1440),
            (0, 1),
            (1439, 0),
            (600, 599),
        ] {
            for utc_offset in [0, 60, -60, 330, 840, -720] {
                for days in [&days[..], &[]] {
                    let hours = hours(from, until, days, utc_offset);
                    let time = hours.time().unwrap();
                    let length = (i64::from(until) - i64::from(from) - 1).rem_euclid(1440) + 1;
                    for minute in (10_000..10_000 + 7 * 1440_u32).step_by(7) {
                        let local = i64::from(minute) + i64::from(utc_offset);
                        // Begun today, or yesterday.
                        let is_in = [0, 1].iter().any(|before| {
                            let day = local.div_euclid(1440) - before;
                            let since = local - (day * 1440 + i64::from(from));
                            let weekday = Weekday::after_monday(day + 3);
                            let is_day = days.is_empty() || days.contains(&weekday);
                            (0..length).contains(&since) && is_day
                        });
                        for second in [0, 59] {
                            let at = UnixTime::new(minute * 60 + second);
                            assert_eq!(time.holds_at(at), Some(is_in), "{hours:?} at {at}");
                        }
                    }
                }
            }
        }
    }
}
