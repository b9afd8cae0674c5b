//! Rates, as people write them and as xtables counts.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::BuildError;

/// So many in a second, a minute, an hour or a day.
///
/// ```
/// use iptables_ruleset::Rate;
///
/// let rate: Rate = "10/minute".parse()?;
/// assert_eq!(rate.to_string(), "10/minute");
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    unit: RateUnit,
}

/// The time that a [`Rate`] counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "xtables knows these four")]
pub enum RateUnit {
    /// 1 s.
    Second,
    /// 60 s.
    Minute,
    /// 3600 s.
    Hour,
    /// 86400 s.
    Day,
}

impl Rate {
    /// `count` in each `unit`.
    pub const fn new(count: NonZeroU32, unit: RateUnit) -> Self {
        Self { count, unit }
    }

    /// The slowest rate that xtables keeps that is `count` in so many seconds or more; `None` for
    /// nothing, and for what is too fast to be written.
    pub(crate) fn at_least(count: u64, seconds: u64) -> Option<Self> {
        let up = |count: u64| count.div_ceil(seconds.max(1));
        let all = Self::near(count, up);
        all.max_by_key(|rate| rate.micros())
    }

    /// The fastest rate that is `count` in so many seconds or less, but for what is lost because
    /// xtables keeps the time between two packets in whole microseconds; `None` for less than one a
    /// day.
    pub(crate) fn at_most(count: u64, seconds: u64) -> Option<Self> {
        let down = |count: u64| count / seconds.max(1);
        let all = Self::near(count, down);
        all.rev().min_by_key(|rate| rate.micros())
    }

    /// The rate of `count` a second over something, in each unit, where iptables prints it so that
    /// it is read as the same.
    fn near(count: u64, over: impl Fn(u64) -> u64) -> impl DoubleEndedIterator<Item = Self> {
        RateUnit::LONGEST_FIRST.into_iter().filter_map(move |unit| {
            let count = over(count.checked_mul(unit.seconds().into())?);
            let rate = Self::of_seconds(count, unit.seconds().into())?;
            let (printed, unit) = Period::of(rate, XT_HASHLIMIT_SCALE_V2).canonical();
            let read = Self::of_seconds(printed, unit.seconds().into())?;
            (read.micros() == rate.micros()).then_some(rate)
        })
    }

    /// The time between two packets as `-m hashlimit` keeps it: in whole microseconds.
    pub(crate) fn micros(self) -> u64 {
        Period::of(self, XT_HASHLIMIT_SCALE_V2).ticks
    }

    /// How many.
    pub const fn count(self) -> NonZeroU32 {
        self.count
    }

    /// In what time.
    pub const fn unit(self) -> RateUnit {
        self.unit
    }

    /// The rate of `count` in so many seconds, if that is one of the units.
    pub(crate) fn of_seconds(count: u64, seconds: u64) -> Option<Self> {
        let unit = RateUnit::LONGEST_FIRST
            .into_iter()
            .find(|unit| u64::from(unit.seconds()) == seconds)?;
        let count = NonZeroU32::new(u32::try_from(count).ok()?)?;
        Some(Self::new(count, unit))
    }
}

impl RateUnit {
    /// From the longest to the shortest, the order in which iptables looks for the one to print.
    pub(crate) const LONGEST_FIRST: [Self; 4] = [Self::Day, Self::Hour, Self::Minute, Self::Second];

    /// How long it is, in seconds.
    pub const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86400,
        }
    }

    /// The word in a configuration file: `second`, `minute`, `hour` or `day`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// The word in what iptables-save prints.
    pub(crate) const fn saved_name(self) -> &'static str {
        match self {
            Self::Second => "sec",
            Self::Minute => "min",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// A rate as xtables stores it: the time between two packets, in parts of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    /// At least 1.
    pub(crate) ticks: u64,
    ticks_per_second: u64,
}

impl Period {
    pub(crate) fn of(rate: Rate, ticks_per_second: u64) -> Self {
        let ticks = ticks_per_second * u64::from(rate.unit.seconds()) / u64::from(rate.count.get());
        Self {
            ticks: ticks.max(1),
            ticks_per_second,
        }
    }

    /// One packet in so many ticks.
    pub(crate) fn of_ticks(ticks: u64, ticks_per_second: u64) -> Self {
        Self {
            ticks: ticks.max(1),
            ticks_per_second,
        }
    }

    /// Count and unit as iptables writes them: the unit is the shortest that loses nothing by
    /// rounding, so 60/minute is 1/sec. The same steps as `print_rate()` of
    /// `extensions/libxt_limit.c` and `libxt_hashlimit.c`.
    pub(crate) fn canonical(self) -> (u64, RateUnit) {
        let mut chosen = RateUnit::Day;
        for unit in RateUnit::LONGEST_FIRST.into_iter().skip(1) {
            let length = self.ticks_per_second * u64::from(unit.seconds());
            if self.ticks > length || length / self.ticks < length % self.ticks {
                break;
            }
            chosen = unit;
        }
        (
            self.ticks_per_second * u64::from(chosen.seconds()) / self.ticks,
            chosen,
        )
    }
}

/// `XT_HASHLIMIT_SCALE_v2`, `linux/netfilter/xt_hashlimit.h`: ticks in a second.
pub(crate) const XT_HASHLIMIT_SCALE_V2: u64 = 1_000_000;

impl FromStr for Rate {
    type Err = BuildError;

    fn from_str(text: &str) -> Result<Self, BuildError> {
        let wrong = |reason: &str| BuildError::value("rate", text, reason);
        let (count, unit) = text.split_once('/').ok_or_else(|| {
            wrong("expected COUNT/UNIT with the unit second, minute, hour or day, as in 10/minute")
        })?;
        let unit = match unit {
            "second" | "sec" | "s" => RateUnit::Second,
            "minute" | "min" | "m" => RateUnit::Minute,
            "hour" | "h" => RateUnit::Hour,
            "day" | "d" => RateUnit::Day,
            _ => {
                return Err(wrong(
                    "the unit after \"/\" must be second, minute, hour or day",
                ));
            }
        };
        let digits = count.bytes().all(|b| b.is_ascii_digit());
        let count = count
            .parse::<NonZeroU32>()
            .ok()
            .filter(|_| digits)
            .ok_or_else(|| {
                wrong("the count before \"/\" must be a whole number, 1 to 4294967295")
            })?;
        Ok(Self { count, unit })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.unit.name())
    }
}
