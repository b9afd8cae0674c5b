//! Durations as they are typed: `90s`, `30m`, `1h30m`, `7d`, `2w`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

/// Largest first, which is also the order they must be typed in.
const UNITS: [(char, u64); 5] = [
    ('w', 7 * 24 * 3600),
    ('d', 24 * 3600),
    ('h', 3600),
    ('m', 60),
    ('s', 1),
];

/// A whole number of seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) struct Seconds(u64);

impl Seconds {
    /// The number.
    pub(crate) fn get(self) -> u64 {
        self.0
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs(seconds.0)
    }
}

impl FromStr for Seconds {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |place, fault| DurationError { place, fault };
        let mut rest = text;
        let mut total: u64 = 0;
        let mut larger_than: Option<(char, u64)> = None;
        if text.is_empty() {
            return Err(error(1, Fault::Empty));
        }
        while !rest.is_empty() {
            let place = text.len() - rest.len() + 1;
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            if number.is_empty() {
                return Err(error(
                    place,
                    Fault::NotANumber(tail.chars().next().unwrap_or(' ')),
                ));
            }
            let mut tail = tail.chars();
            let place_of_unit = place + digits;
            let letter = tail.next().ok_or(error(place_of_unit, Fault::NoUnit))?;
            let (_, seconds) = UNITS
                .into_iter()
                .find(|(unit, _)| *unit == letter)
                .ok_or(error(place_of_unit, Fault::NotAUnit(letter)))?;
            if let Some((previous, limit)) = larger_than {
                if seconds >= limit {
                    return Err(error(place_of_unit, Fault::Order { letter, previous }));
                }
            }
            total = number
                .parse::<u64>()
                .ok()
                .and_then(|number| number.checked_mul(seconds))
                .and_then(|part| total.checked_add(part))
                .filter(|total| *total <= MAX)
                .ok_or(error(place, Fault::TooLong))?;
            larger_than = Some((letter, seconds));
            rest = tail.as_str();
        }
        if total == 0 {
            return Err(error(1, Fault::Zero));
        }
        Ok(Self(total))
    }
}

/// The shortest spelling that [`FromStr`] reads: `1d`, `1h30m`.
impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Spelled(self.0).fmt(f)
    }
}

/// Seconds in the spelling of [`Seconds`]; may be none.
pub(crate) struct Spelled(pub(crate) u64);

impl fmt::Display for Spelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, seconds) in UNITS {
            // Nobody says "4w2d" for 30 days.
            if unit == 'w' && rest % seconds != 0 {
                continue;
            }
            if rest >= seconds {
                write!(f, "{}{unit}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

/// The seconds of a span, rounded up; none of one that is over.
pub(crate) fn whole_seconds(span: SignedDuration) -> i64 {
    let seconds = span.as_secs();
    seconds
        .saturating_add(i64::from(span.subsec_nanos() > 0))
        .max(0)
}

/// Long enough for any log, and short enough that a time plus a duration is still a time.
const MAX: u64 = 100 * 366 * 24 * 3600;

/// Why a text is not a duration, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{fault} at character {place}; write whole numbers with s, m, h, d or w, like 90s, 30m or 1h30m"
)]
pub(crate) struct DurationError {
    place: usize,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("nothing")]
    Empty,
    #[error("{0:?} where a number belongs,")]
    NotANumber(char),
    #[error("a unit is missing")]
    NoUnit,
    #[error("unknown unit {0:?}")]
    NotAUnit(char),
    #[error("{letter:?} after {previous:?}, larger units come first,")]
    Order { letter: char, previous: char },
    #[error("more than a hundred years")]
    TooLong,
    #[error("no time at all")]
    Zero,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> u64 {
        text.parse::<Seconds>().expect(text).get()
    }

    fn why(text: &str) -> String {
        let error = text.parse::<Seconds>().expect_err(text).to_string();
        error.split_once(';').expect("advice").0.to_owned()
    }

    #[test]
    fn every_unit_and_their_combinations() {
        assert_eq!(seconds("1s"), 1);
        assert_eq!(seconds("30m"), 1800);
        assert_eq!(seconds("1h"), 3600);
        assert_eq!(seconds("1h30m"), 5400);
        assert_eq!(seconds("1d"), 86_400);
        assert_eq!(seconds("2w1d3h4m5s"), 15 * 86_400 + 3 * 3600 + 4 * 60 + 5);
        assert_eq!(seconds("007s"), 7);
        assert_eq!(seconds("90m"), 5400);
    }

    #[test]
    fn what_is_wrong_and_where() {
        assert_eq!(why(""), "nothing at character 1");
        assert_eq!(why("30"), "a unit is missing at character 3");
        assert_eq!(why("1h30"), "a unit is missing at character 5");
        assert_eq!(why("5x"), "unknown unit 'x' at character 2");
        assert_eq!(why("5M"), "unknown unit 'M' at character 2");
        assert_eq!(why("5µ"), "unknown unit 'µ' at character 2");
        assert_eq!(why("m"), "'m' where a number belongs, at character 1");
        assert_eq!(why("-5m"), "'-' where a number belongs, at character 1");
        assert_eq!(why("1.5h"), "unknown unit '.' at character 2");
        assert_eq!(why("1h 30m"), "' ' where a number belongs, at character 3");
        assert_eq!(
            why("5m1h"),
            "'h' after 'm', larger units come first, at character 4"
        );
        assert_eq!(
            why("5m5m"),
            "'m' after 'm', larger units come first, at character 4"
        );
        assert_eq!(why("0s"), "no time at all at character 1");
        assert_eq!(why("0h0m"), "no time at all at character 1");
        assert_eq!(
            why("99999999999999999999s"),
            "more than a hundred years at character 1"
        );
        assert_eq!(
            why("18446744073709551615w"),
            "more than a hundred years at character 1"
        );
    }

    #[test]
    fn written_as_it_is_read() {
        for text in ["1s", "90s", "5m", "1h30m", "1d", "30d", "1w", "1d1s"] {
            let seconds: Seconds = text.parse().expect(text);
            assert_eq!(seconds.to_string().parse(), Ok(seconds));
        }
        assert_eq!(Spelled(5400).to_string(), "1h30m");
        assert_eq!(Spelled(86_400).to_string(), "1d");
        assert_eq!(Spelled(30 * 86_400).to_string(), "30d");
        assert_eq!(Spelled(604_800).to_string(), "1w");
        assert_eq!(Spelled(0).to_string(), "0s");
    }

    #[test]
    fn what_is_left_is_rounded_up_and_never_negative() {
        for (millis, seconds) in [
            (0, 0),
            (1, 1),
            (999, 1),
            (1000, 1),
            (1001, 2),
            (-1, 0),
            (-5000, 0),
        ] {
            assert_eq!(
                whole_seconds(SignedDuration::from_millis(millis)),
                seconds,
                "{millis} ms"
            );
        }
    }
}
