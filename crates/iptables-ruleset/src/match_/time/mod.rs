//! `-m time`.

mod changes;

use std::fmt;

use super::{Match, MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Field, Info};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family, UnixTime, Weekday};

/// `-m time`: packets that come at such a time, by the kernel's clock in UTC.
///
/// ```
/// use iptables_ruleset::match_::Time;
/// use iptables_ruleset::{Family, Rule, Target, Weekday};
///
/// // 08:00 to 18:00, to the second; iptables prints the end of all time, too.
/// let at_work = Time::new().daily(8 * 3600, 18 * 3600 - 1)?.weekdays([Weekday::Monday])?;
/// let rule = Rule::new(Target::Accept).matching(at_work);
/// assert_eq!(
///     rule.to_iptables_save(Family::Ipv4).to_string(),
///     "-m time --timestart 08:00:00 --timestop 17:59:59 --weekdays Mon --datestop 2038-01-19T03:14:07 -j ACCEPT",
/// );
/// assert_eq!(at_work.holds_at("2026-11-30T08:00:00Z".parse()?), Some(true));
/// assert_eq!(at_work.holds_at("2026-12-01T08:00:00Z".parse()?), Some(false));
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    since: UnixTime,
    up_to: UnixTime,
    /// Seconds of the day, both included; the second may be before the first.
    first: u32,
    last: u32,
    /// Bit 1 is the first of the month.
    month_days: u32,
    /// Bit 1 is Monday.
    weekdays: u8,
    kernel_time_zone: bool,
    contiguous: bool,
}

impl Time {
    /// The last second that iptables can name: 2038-01-19T03:14:07Z.
    pub const MAX: UnixTime = UnixTime::new(i32::MAX.unsigned_abs());

    /// Up to [`MAX`](Self::MAX), always.
    pub fn new() -> Self {
        Self {
            since: UnixTime::new(0),
            up_to: Self::MAX,
            first: 0,
            last: SECONDS_PER_DAY - 1,
            month_days: XT_TIME_ALL_MONTHDAYS,
            weekdays: XT_TIME_ALL_WEEKDAYS,
            kernel_time_zone: false,
            contiguous: false,
        }
    }

    /// `--datestart`: from this second on.
    pub fn since(self, first: UnixTime) -> Self {
        Self {
            since: first,
            ..self
        }
    }

    /// `--datestop`: up to and with this second.
    pub fn up_to(self, last: UnixTime) -> Self {
        Self {
            up_to: last,
            ..self
        }
    }

    /// `--timestart`, `--timestop`: from one second of the day to another, both included, counted
    /// from midnight; over midnight where the second is the smaller one.
    ///
    /// # Errors
    /// When a day does not have so many seconds.
    pub fn daily(self, first: u32, last: u32) -> Result<Self, BuildError> {
        match [first, last].iter().max() {
            Some(most) if *most >= SECONDS_PER_DAY => Err(BuildError::value(
                "second of the day",
                most,
                "a day has 86400 of them, from 0",
            )),
            _ => Ok(Self {
                first,
                last,
                ..self
            }),
        }
    }

    /// `--weekdays`: on these days.
    ///
    /// # Errors
    /// When there is none.
    pub fn weekdays(self, days: impl IntoIterator<Item = Weekday>) -> Result<Self, BuildError> {
        let bits = days.into_iter().map(|day| 1_u8 << day.number());
        match bits.fold(0, std::ops::BitOr::bitor) {
            0 => Err(BuildError::value("weekdays", "", "there is none")),
            weekdays => Ok(Self { weekdays, ..self }),
        }
    }

    /// `--monthdays`: on these days of the month, 1 to 31.
    ///
    /// # Errors
    /// When there is none, or one that no month has.
    pub fn month_days(self, days: impl IntoIterator<Item = u8>) -> Result<Self, BuildError> {
        let mut month_days = 0;
        for day in days {
            if !(1..=31).contains(&day) {
                return Err(BuildError::value(
                    "day of the month",
                    day,
                    "must be 1 to 31",
                ));
            }
            month_days |= 1_u32 << day;
        }
        match month_days {
            0 => Err(BuildError::value("days of the month", "", "there is none")),
            month_days => Ok(Self { month_days, ..self }),
        }
    }

    /// `--kerneltz`: everything by the kernel's time zone instead of UTC. It is an offset that was
    /// set once, mostly when the host came up, and that nobody changes with the clocks.
    pub fn kernel_time_zone(self) -> Self {
        Self {
            kernel_time_zone: true,
            ..self
        }
    }

    /// `--contiguous`: what is behind midnight belongs to the day on which it began. It is for
    /// [`daily`](Self::daily) times that go over midnight; the kernel refuses it for others.
    pub fn contiguous(self) -> Self {
        Self {
            contiguous: true,
            ..self
        }
    }

    /// Whether it matches what comes in that second; `None` where that depends on the kernel's time
    /// zone.
    pub fn holds_at(&self, at: UnixTime) -> Option<bool> {
        (!self.kernel_time_zone).then(|| self.holds_in_utc(at))
    }

    /// As `time_mt()` of the kernel has it.
    fn holds_in_utc(&self, at: UnixTime) -> bool {
        if at < self.since || at > self.up_to {
            return false;
        }
        let second = at.seconds() % SECONDS_PER_DAY;
        let (first, last) = (self.first, self.last);
        let mut day = at.seconds() / SECONDS_PER_DAY;
        if first < last {
            if second < first || second > last {
                return false;
            }
        } else {
            if second < first && second > last {
                return false;
            }
            if self.contiguous && second <= last {
                // Nothing is before the first day there is.
                day = day.saturating_sub(1);
            }
        }
        // The first of January 1970 was a Thursday.
        let weekday = Weekday::after_monday(i64::from(day) + 3);
        let in_month = UnixTime::new(day * SECONDS_PER_DAY).civil().day();
        let in_month = u32::try_from(in_month).unwrap_or(0);
        let is_one_of = |days: u32, number: u32| days & (1 << number) != 0;
        is_one_of(self.weekdays.into(), weekday.number()) && is_one_of(self.month_days, in_month)
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::new()
    }
}

impl MatchKind for Time {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        f.write_str("-m time ")?;
        if (self.first, self.last) != (0, SECONDS_PER_DAY - 1) {
            let (first, last) = (Clock(self.first), Clock(self.last));
            write!(f, "--timestart {first} --timestop {last} ")?;
        }
        if self.month_days != XT_TIME_ALL_MONTHDAYS {
            let days = (1..=31).filter(|day| self.month_days & (1_u32 << day) != 0);
            write!(f, "--monthdays {} ", list(days))?;
        }
        if self.weekdays != XT_TIME_ALL_WEEKDAYS {
            let is_one = |day: &Weekday| self.weekdays & (1 << day.number()) != 0;
            let days = Weekday::ALL.into_iter().filter(is_one);
            write!(f, "--weekdays {} ", list(days))?;
        }
        for (option, date) in [("--datestart", self.since), ("--datestop", self.up_to)] {
            // iptables takes it for "none".
            if date.seconds() != 0 {
                write!(f, "{option} {} ", date.civil())?;
            }
        }
        for (is_on, option) in [
            (self.kernel_time_zone, "--kerneltz "),
            (self.contiguous, "--contiguous "),
        ] {
            if is_on {
                f.write_str(option)?;
            }
        }
        Ok(())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let mut flags = 0;
        if self.kernel_time_zone {
            flags |= XT_TIME_LOCAL_TZ;
        }
        if self.contiguous {
            flags |= XT_TIME_CONTIGUOUS;
        }
        let info = Info::new()
            .put(DATE_START, self.since.seconds().to_ne_bytes())
            .put(DATE_STOP, self.up_to.seconds().to_ne_bytes())
            .put(DAYTIME_START, self.first.to_ne_bytes())
            .put(DAYTIME_STOP, self.last.to_ne_bytes())
            .put(MONTHDAYS, self.month_days.to_ne_bytes())
            .put(WEEKDAYS, [self.weekdays])
            .put(TIME_FLAGS, [flags]);
        encoder.extension("time", 0, info.finish());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let info = decoder.extension("time")?;
        let flags = info.u8(TIME_FLAGS)?;
        let one = Self {
            since: UnixTime::new(info.u32(DATE_START)?),
            up_to: UnixTime::new(info.u32(DATE_STOP)?),
            month_days: info.u32(MONTHDAYS)?,
            weekdays: info.u8(WEEKDAYS)?,
            kernel_time_zone: flags & XT_TIME_LOCAL_TZ != 0,
            contiguous: flags & XT_TIME_CONTIGUOUS != 0,
            ..Self::new()
        };
        // A list of no day is nothing that iptables can read.
        (one.month_days != 0 && one.weekdays != 0).then_some(())?;
        one.daily(info.u32(DAYTIME_START)?, info.u32(DAYTIME_STOP)?)
            .ok()
    }

    fn check(&self, _protocol: Option<&Protocol>, _family: Family) -> Result<(), String> {
        if self.contiguous && self.first < self.last {
            return Err("--contiguous is for times that go over midnight".to_owned());
        }
        Ok(())
    }

    fn short(&self) -> Option<String> {
        let whole = Match::from(*self).text(Family::Ipv4);
        let always = format!(" --datestop {}", Self::MAX.civil());
        Some(whole.replace(&always, ""))
    }

    fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        let Some(at) = packet.time() else {
            return Answer::perhaps("the time at which it comes");
        };
        match self.holds_at(at) {
            Some(holds) => {
                let (now, day) = (at.civil(), at.seconds() / SECONDS_PER_DAY);
                let weekday = Weekday::after_monday(i64::from(day) + 3);
                let (date, time) = (now.date(), now.time());
                Answer::known(holds, format!("it comes on {weekday} {date} at {time} UTC"))
            }
            None => Answer::perhaps("the kernel's time zone"),
        }
    }
}

fn list(items: impl Iterator<Item = impl fmt::Display>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    items.join(",")
}

/// A second of the day: `08:00:00`.
struct Clock(u32);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}")
    }
}

/// Fields of struct `xt_time_info`, `linux/netfilter/xt_time.h`.
const SIZE: usize = 24;
const DATE_START: Field<SIZE, 4> = Field::at(0);
const DATE_STOP: Field<SIZE, 4> = Field::at(4);
const DAYTIME_START: Field<SIZE, 4> = Field::at(8);
const DAYTIME_STOP: Field<SIZE, 4> = Field::at(12);
const MONTHDAYS: Field<SIZE, 4> = Field::at(16);
const WEEKDAYS: Field<SIZE, 1> = Field::at(20);
const TIME_FLAGS: Field<SIZE, 1> = Field::at(21);
/// `linux/netfilter/xt_time.h`.
const XT_TIME_LOCAL_TZ: u8 = 1 << 0;
const XT_TIME_CONTIGUOUS: u8 = 1 << 1;
const XT_TIME_ALL_MONTHDAYS: u32 = 0xffff_fffe;
const XT_TIME_ALL_WEEKDAYS: u8 = 0xfe;
const SECONDS_PER_DAY: u32 = 86_400;

#[cfg(test)]
mod tests {
    use super::super::testing::{info, refusal, text};
    use super::*;

    #[test]
    fn text_and_structure() {
        let time = Time::new()
            .daily(22 * 3600, 6 * 3600 - 1)
            .unwrap()
            .weekdays([Weekday::Friday, Weekday::Sunday])
            .unwrap()
            .month_days([1, 31])
            .unwrap()
            .since("2026-01-01T00:00:00Z".parse().unwrap())
            .up_to("2026-12-01T17:00:00Z".parse().unwrap())
            .kernel_time_zone()
            .contiguous();
        assert_eq!(
            text(time, Family::Ipv4),
            "-m time --timestart 22:00:00 --timestop 05:59:59 --monthdays 1,31 --weekdays Fri,Sun \
             --datestart 2026-01-01T00:00:00 --datestop 2026-12-01T17:00:00 --kerneltz --contiguous"
        );
        let sundays = Time::new().weekdays([Weekday::Sunday]).unwrap();
        let short = Match::from(sundays).short(Family::Ipv4);
        assert_eq!(short, "-m time --weekdays Sun");
        let (name, revision, bytes) = info(time, Family::Ipv4);
        assert_eq!((name, revision, bytes.len()), ("time", 0, 24));
        assert_eq!(bytes[8..12], 79_200_u32.to_ne_bytes());
        assert_eq!(bytes[16..20], 0x8000_0002_u32.to_ne_bytes());
        assert_eq!(bytes[20..22], [0xa0, 3]);
    }

    #[test]
    fn what_the_kernel_does_not_know_is_refused() {
        assert!(Time::new().daily(0, SECONDS_PER_DAY).is_err());
        assert!(Time::new().weekdays([]).is_err());
        assert!(Time::new().month_days([]).is_err());
        assert!(Time::new().month_days([32]).is_err());
        assert!(Time::new().month_days([0]).is_err());
        assert_eq!(
            refusal(Time::new().contiguous(), vec![], Family::Ipv4),
            "--contiguous is for times that go over midnight"
        );
    }

    #[test]
    fn over_midnight_the_day_is_the_one_it_began_on_if_contiguous() {
        let friday = Time::new().daily(22 * 3600, 6 * 3600 - 1).unwrap();
        let friday = friday.weekdays([Weekday::Friday]).unwrap();
        let holds = |time: Time, at: &str| time.holds_at(at.parse().unwrap()).unwrap();
        // The first of January 2027 is a Friday.
        for (at, split, contiguous) in [
            ("2026-12-31T23:00:00Z", false, false),
            ("2027-01-01T05:59:59Z", true, false),
            ("2027-01-01T06:00:00Z", false, false),
            ("2027-01-01T21:59:59Z", false, false),
            ("2027-01-01T22:00:00Z", true, true),
            ("2027-01-02T05:59:59Z", false, true),
            ("2027-01-02T06:00:00Z", false, false),
        ] {
            assert_eq!(holds(friday, at), split, "{at}");
            assert_eq!(holds(friday.contiguous(), at), contiguous, "{at}");
        }
        assert_eq!(friday.kernel_time_zone().holds_at(UnixTime::new(0)), None);
        let first = Time::new().month_days([1]).unwrap();
        assert!(holds(first, "2028-03-01T00:00:00Z"));
        assert!(!holds(first, "2028-02-29T23:59:59Z"));
    }
}
