//! When a time begins or ends.

use super::{SECONDS_PER_DAY, Time, XT_TIME_ALL_MONTHDAYS};
use crate::UnixTime;

impl Time {
    /// The next second in which one of the times begins to hold, where now none does, or in which
    /// none holds any more. `None` where nothing changes, and where that depends on the kernel's
    /// time zone.
    ///
    /// ```
    /// use iptables_ruleset::match_::Time;
    ///
    /// let morning = Time::new().daily(8 * 3600, 12 * 3600 - 1)?;
    /// let noon = Time::new().daily(12 * 3600, 14 * 3600 - 1)?;
    /// let change = |at: &str| Time::change_after(&[morning, noon], at.parse().ok()?);
    /// assert_eq!(change("2026-11-30T09:00:00Z"), "2026-11-30T14:00:00Z".parse().ok());
    /// assert_eq!(change("2026-11-30T14:00:00Z"), "2026-12-01T08:00:00Z".parse().ok());
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    pub fn change_after(any_of: &[Self], now: UnixTime) -> Option<UnixTime> {
        if any_of.iter().any(|time| time.kernel_time_zone) {
            return None;
        }
        let holds = |at: UnixTime| any_of.iter().any(|time| time.holds_in_utc(at));
        let mut ends: Vec<UnixTime> = any_of.iter().flat_map(|time| time.ends(now)).collect();
        ends.sort_unstable();
        ends.dedup();
        let before = holds(now);
        ends.into_iter()
            .find(|end| *end > now && holds(*end) != before)
    }

    /// Seconds in which it may begin to hold or not to, of the days that matter.
    fn ends(&self, now: UnixTime) -> Vec<UnixTime> {
        let behind = |second: u32| second.checked_add(1);
        let mut ends = vec![Some(self.since.seconds()), behind(self.up_to.seconds())];
        let days = if self.month_days == XT_TIME_ALL_MONTHDAYS {
            A_WEEK
        } else {
            DAYS
        };
        for start in [now, self.since] {
            let day = start.seconds() / SECONDS_PER_DAY;
            for day in day..=day.saturating_add(days) {
                let midnight = day.checked_mul(SECONDS_PER_DAY);
                let at = |second: u32| midnight?.checked_add(second);
                ends.extend([midnight, at(self.first), at(self.last + 1)]);
            }
        }
        ends.into_iter().flatten().map(UnixTime::new).collect()
    }
}

/// Days until every weekday has begun and ended.
const A_WEEK: u32 = 8;
/// Longer than from one 31st of a month that is a certain day of the week to the next such.
const DAYS: u32 = 400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Weekday;

    #[test]
    fn the_next_end_is_the_one_that_changes_something() {
        let change = |times: &[Time], at: &str| {
            let change = Time::change_after(times, at.parse().unwrap());
            change.map_or_else(|| "never".to_owned(), |at| at.to_string())
        };
        let weekend = Time::new().weekdays([Weekday::Saturday, Weekday::Sunday]);
        let weekend = [weekend.unwrap()];
        // A Saturday: over midnight to Sunday nothing changes.
        assert_eq!(
            change(&weekend, "2026-12-05T12:00:00Z"),
            "2026-12-07T00:00:00Z"
        );
        assert_eq!(
            change(&weekend, "2026-12-07T00:00:00Z"),
            "2026-12-12T00:00:00Z"
        );
        let end: UnixTime = "2026-12-05T23:59:59Z".parse().unwrap();
        let until = [weekend[0].up_to(end)];
        assert_eq!(
            change(&until, "2026-12-05T12:00:00Z"),
            "2026-12-06T00:00:00Z"
        );
        assert_eq!(change(&until, "2026-12-06T00:00:00Z"), "never");
        let later = Time::new().daily(8 * 3600, 9 * 3600).unwrap();
        let later = [later.since("2030-01-01T00:00:00Z".parse().unwrap())];
        assert_eq!(
            change(&later, "2026-12-06T00:00:00Z"),
            "2030-01-01T08:00:00Z"
        );
        assert_eq!(
            change(&[Time::new()], "2026-12-06T00:00:00Z"),
            "2038-01-19T03:14:08Z"
        );
        let of_kernel = [Time::new().kernel_time_zone()];
        assert_eq!(change(&of_kernel, "2026-12-06T00:00:00Z"), "never");
    }
}
