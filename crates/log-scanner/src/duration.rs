//! Durations as they are typed: `90s`, `30m`, `1h30m`, `7d`, `2w`, and whatever else jiff's
//! friendly format has for whole seconds, such as `1h 30m` and `1.5h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::fmt::friendly::{Designator, Spacing, SpanParser, SpanPrinter};
use jiff::{SignedDuration, Span, SpanRelativeTo, SpanRound, Unit};

/// A whole number of seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) struct Seconds(u64);

impl Seconds {
    /// The number.
    pub(crate) fn get(self) -> u64 {
        self.0
    }

    /// The number, where it is no more than `most`, or else that.
    pub(crate) fn at_most(self, most: u32) -> u32 {
        u32::try_from(self.0).unwrap_or(most).min(most)
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs(seconds.0)
    }
}

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match whole(text) {
            None => Err(mistake(text)),
            Some(0) => Err(fault(1, "no time at all")),
            Some(MAX..) => Err(fault(1, TOO_LONG)),
            Some(seconds) => Ok(Self(seconds)),
        }
    }
}

/// The seconds, if the text is a duration of whole ones. A day has 24 hours.
fn whole(text: &str) -> Option<u64> {
    let span = SpanParser::new().parse_span(text).ok()?;
    let days = SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(days).ok()?;
    let seconds = u64::try_from(duration.as_secs()).ok()?;
    (duration.subsec_nanos() == 0).then_some(seconds)
}

/// What is wrong with a text that is no duration, and where: behind the longest begin of it that is
/// one, and the digits that follow.
fn mistake(text: &str) -> String {
    let ends = text.char_indices().map(|(end, _)| end).take(LOOK);
    let parts = ends.filter_map(|end| text.split_at_checked(end));
    let begin = parts.filter(|(begin, _)| whole(begin).is_some()).last();
    let (begin, rest) = begin.unwrap_or(("", text));
    let number = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (start, place) = (begin.len() + 1, begin.len() + number + 1);
    let is_known = whole(rest.get(..=number).unwrap_or_default()).is_some();
    match (rest.chars().nth(number), begin.chars().last()) {
        (None, _) if rest.is_empty() => fault(start, "nothing"),
        (None, _) => fault(place, "a unit is missing"),
        (Some(other), _) if number == 0 => {
            fault(place, &format!("{other:?} where a number belongs,"))
        }
        (Some(letter), _) if !UNITS.contains(letter) => {
            fault(place, &format!("unknown unit {letter:?}"))
        }
        (Some(letter), Some(previous)) if is_known => {
            let what = format!("{letter:?} after {previous:?}, larger units come first,");
            fault(place, &what)
        }
        (Some(_), _) => fault(start, TOO_LONG),
    }
}

/// Why a text is not a duration, and where.
fn fault(place: usize, what: &str) -> String {
    format!(
        "{what} at character {place}; write whole numbers with s, m, h, d or w, like 90s, 30m or 1h30m"
    )
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
        // Nobody says "4w2d" for 30 days.
        let largest = if self.0 % WEEK == 0 {
            Unit::Week
        } else {
            Unit::Day
        };
        let round = SpanRound::new().largest(largest).days_are_24_hours();
        let seconds = i64::try_from(self.0).ok();
        let span = seconds.and_then(|seconds| Span::new().try_seconds(seconds).ok());
        match span.and_then(|span| span.round(round).ok()) {
            Some(span) => f.write_str(&PRINTER.span_to_string(&span)),
            None => write!(f, "{}s", self.0),
        }
    }
}

const PRINTER: SpanPrinter = SpanPrinter::new()
    .designator(Designator::Compact)
    .spacing(Spacing::None);

/// The seconds of a span, rounded up; none of one that is over.
pub(crate) fn whole_seconds(span: SignedDuration) -> i64 {
    let seconds = span.as_secs();
    seconds
        .saturating_add(i64::from(span.subsec_nanos() > 0))
        .max(0)
}

/// The first number of seconds that is too long. Less is long enough for any log, and short enough
/// that a time plus a duration is still a time.
const MAX: u64 = 100 * 366 * 24 * 3600 + 1;
const TOO_LONG: &str = "more than a hundred years";
const WEEK: u64 = 7 * 24 * 3600;
/// What a mistake is looked for with.
const UNITS: &str = "wdhms";
/// So many characters of a text are looked at for its mistake.
const LOOK: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> u64 {
        text.parse::<Seconds>().expect(text).get()
    }

    fn why(text: &str) -> String {
        let error = text.parse::<Seconds>().expect_err(text);
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
        assert_eq!(seconds("0000000000000000007s"), 7);
        assert_eq!(seconds("0h5m"), 300);
        assert_eq!(seconds("36600d"), 36_600 * 86_400);
    }

    /// Every text of up to three parts with these numbers, as the rule for them says it: whole
    /// numbers, each with a unit that is smaller than the one before.
    #[test]
    fn whole_numbers_with_units_in_order_are_read() {
        let units = [
            ('w', 604_800),
            ('d', 86_400),
            ('h', 3600),
            ('m', 60),
            ('s', 1),
        ];
        let numbers = ["0", "1", "07", "59", "1000"];
        let parts: Vec<(String, usize, u64)> = units
            .iter()
            .enumerate()
            .flat_map(|(rank, (unit, seconds))| {
                numbers.map(|number| {
                    let value: u64 = number.parse().expect(number);
                    (format!("{number}{unit}"), rank, value * seconds)
                })
            })
            .collect();
        let mut read = 0;
        for (first, one, of_first) in &parts {
            for (second, two, of_second) in &parts {
                for (third, three, of_third) in &parts {
                    let text = format!("{first}{second}{third}");
                    let expected = of_first + of_second + of_third;
                    if one < two && two < three && expected > 0 {
                        assert_eq!(seconds(&text), expected, "{text}");
                        read += 1;
                    } else {
                        assert!(text.parse::<Seconds>().is_err(), "{text}");
                    }
                }
            }
        }
        assert_eq!(read, 10 * 125 - 10);
    }

    #[test]
    fn other_spellings_of_whole_seconds() {
        assert_eq!(seconds("1h 30m"), 5400);
        assert_eq!(seconds("1.5h"), 5400);
        assert_eq!(seconds("90 minutes"), 5400);
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
        assert_eq!(why("1.5s"), "unknown unit '.' at character 2");
        assert_eq!(why("1h, 30"), "',' where a number belongs, at character 3");
        assert_eq!(why("5m ago"), "'a' where a number belongs, at character 4");
        assert_eq!(why("5mo"), "'o' where a number belongs, at character 3");
        assert_eq!(why("1y"), "unknown unit 'y' at character 2");
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
        assert_eq!(why("36601d"), "more than a hundred years at character 1");
        assert_eq!(
            why("1w9999999999d"),
            "more than a hundred years at character 3"
        );
        let long = "9".repeat(1 << 20);
        assert_eq!(why(&long), "a unit is missing at character 1048577");
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
        assert_eq!(Spelled(8 * 86_400).to_string(), "8d");
        assert_eq!(Spelled(15 * 604_800).to_string(), "15w");
        assert_eq!(Spelled(2_147_483).to_string(), "24d20h31m23s");
        assert_eq!(Spelled(u64::MAX).to_string(), format!("{}s", u64::MAX));
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
