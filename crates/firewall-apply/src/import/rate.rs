//! Rates, from a number of packets in a number of seconds.

use std::num::NonZeroU32;

use iptables_ruleset::match_::HashLimit;
use iptables_ruleset::{Rate, RateUnit};

/// So many in so many seconds: that many at once, and that rate over time. `None` for what the
/// kernel keeps no account of.
pub(crate) fn in_seconds(count: u32, seconds: u32) -> Option<(Rate, u32)> {
    let units = [
        (RateUnit::Second, 1_u64),
        (RateUnit::Minute, 60),
        (RateUnit::Hour, 3600),
        (RateUnit::Day, 86_400),
    ];
    let rate = units.into_iter().find_map(|(unit, length)| {
        let total = u64::from(count) * length;
        let seconds = u64::from(seconds.max(1));
        // The first unit that it is a whole number of, or the day.
        let whole = total % seconds == 0 || unit == RateUnit::Day;
        let count = u32::try_from(total.div_ceil(seconds)).ok();
        let count = count.and_then(NonZeroU32::new)?;
        whole.then_some(Rate::new(count, unit))
    })?;
    let burst = count.min(HashLimit::MAX_BURST);
    HashLimit::check_rate(rate, burst).ok()?;
    Some((rate, burst))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_some_seconds_is_a_rate() {
        for ((count, seconds), expected) in [
            ((5, 300), "1/minute"),
            ((5, 30), "10/minute"),
            ((20, 5), "4/second"),
            ((1, 7), "12343/day"),
            ((3, 7200), "36/day"),
        ] {
            let (rate, burst) = in_seconds(count, seconds).unwrap();
            assert_eq!((rate.to_string().as_str(), burst), (expected, count));
        }
        assert_eq!(in_seconds(1, u32::MAX).unwrap().0.to_string(), "1/day");
        assert_eq!(in_seconds(u32::MAX, 1), None);
    }
}
