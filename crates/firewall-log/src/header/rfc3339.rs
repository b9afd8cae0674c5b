//! `2026-11-22T09:25:54.194069+00:00 fw kernel: `, rsyslog's file form; the stamp with any offset,
//! or none and then in the reader's zone.

use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::tag::{self, Origin};
use super::{Envelope, Form};
use crate::input::{Parsed, mismatch};
use crate::render::put;
use crate::time::{LogTime, to_timestamp};

/// How the instant was spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    offset: i32,
    style: Style,
    fraction_digits: u8,
    /// A comma before the fraction.
    comma: bool,
    /// A space instead of `T`.
    spaced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `Z`
    Zulu,
    /// `+01:00`
    Extended,
    /// `+0100`
    Basic,
    /// None, in the reader's zone.
    Local,
}

impl Default for Stamp {
    /// rsyslog's: microseconds and `+00:00`.
    fn default() -> Self {
        Self {
            offset: 0,
            style: Style::Extended,
            fraction_digits: 6,
            comma: false,
            spaced: false,
        }
    }
}

impl Stamp {
    /// Of a time without an offset.
    pub(super) fn local() -> Self {
        Self {
            style: Style::Local,
            ..Self::default()
        }
    }

    /// Whether there is a space between date and time.
    pub(super) fn is_spaced(self) -> bool {
        self.spaced
    }

    /// Whether it has an offset and, if a fraction, one after a dot.
    pub(super) fn is_usual(self) -> bool {
        self.style != Style::Local && !self.comma
    }

    /// Whether it is spelled as `dmesg --time-format iso` does, which nobody else does.
    fn is_of_dmesg(self) -> bool {
        self.comma && !self.spaced && self.style == Style::Extended && self.fraction_digits == 6
    }
}

/// The bytes of a stamp as far as the second.
pub(super) const LENGTH: usize = 19;

pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let (rest, (time, stamp)) = instant(input)?;
    let (rest, origin) = match tag::parse(rest) {
        Err(nom::Err::Failure(other)) if stamp.is_of_dmesg() => {
            return Err(nom::Err::Error(other));
        }
        found => found?,
    };
    let form = Form::Rfc3339(stamp);
    Ok((rest, Envelope::new(time, form, origin)))
}

/// `2026-11-22T09:25:54,194069+00:00 ` of `dmesg --time-format iso`.
pub(super) fn parse_untagged(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let (rest, (time, stamp)) = instant(input)?;
    let Some(text) = rest.strip_prefix(b" ").filter(|_| stamp.is_of_dmesg()) else {
        return mismatch(input, EXPECTED);
    };
    let (rest, _) = tag::parse_if_any(text)?;
    Ok((
        rest,
        Envelope::new(time, Form::Rfc3339(stamp), Origin::NONE),
    ))
}

const EXPECTED: &str = "a time such as 2026-11-22T09:25:54+00:00";

/// A time, with an offset or without.
pub(super) fn instant(input: &[u8]) -> Parsed<'_, (LogTime, Stamp)> {
    let (rest, (local, stamp)) = civil(input)?;
    let Some((rest, (offset, style))) = offset(rest) else {
        return match rest {
            [b' ', ..] => Ok((rest, (LogTime::Local(local), stamp))),
            _ => mismatch(input, EXPECTED),
        };
    };
    match with_offset(local, Stamp { style, ..stamp }, offset) {
        (Some(time), stamp) => Ok((rest, (time, stamp))),
        (None, _) => mismatch(input, "a time within the years 0 to 9999"),
    }
}

/// A local time and how it is spelled, as that of an offset in seconds.
pub(super) fn with_offset(local: DateTime, stamp: Stamp, offset: i32) -> (Option<LogTime>, Stamp) {
    let instant = Offset::from_seconds(offset).and_then(|offset| offset.to_timestamp(local));
    let time = instant
        .ok()
        .map(|at| LogTime::Rfc3339(SystemTime::from(at)));
    (time, Stamp { offset, ..stamp })
}

/// `2026-11-22T09:25:54.194069`
pub(super) fn civil(input: &[u8]) -> Parsed<'_, (DateTime, Stamp)> {
    let Some((date_time, rest)) = input.split_at_checked(LENGTH) else {
        return mismatch(input, EXPECTED);
    };
    let (rest, (nanos, fraction_digits, separator)) = fraction(rest);
    let Some(local) = date(date_time, i32::try_from(nanos).unwrap_or_default()) else {
        return mismatch(input, EXPECTED);
    };
    let stamp = Stamp {
        fraction_digits,
        comma: separator == b',',
        spaced: date_time.get(10) == Some(&b' '),
        ..Stamp::local()
    };
    Ok((rest, (local, stamp)))
}

/// The nanoseconds of a fraction, its digits, and the byte before it; 0, 0 and a dot if there is
/// none.
pub(super) fn fraction(input: &[u8]) -> (&[u8], (u32, u8, u8)) {
    const NONE: (u32, u8, u8) = (0, 0, b'.');
    let [separator @ (b'.' | b','), digits @ ..] = input else {
        return (input, NONE);
    };
    let length = digits
        .iter()
        .take(9)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if length == 0 {
        return (input, NONE);
    }
    let (fraction, rest) = digits.split_at(length);
    let nanos = (0..9).fold(0, |nanos, index| {
        nanos * 10
            + fraction
                .get(index)
                .map_or(0, |digit| u32::from(digit - b'0'))
    });
    (
        rest,
        (nanos, u8::try_from(length).unwrap_or_default(), *separator),
    )
}

fn date(text: &[u8], nanos: i32) -> Option<DateTime> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T' | b't' | b' ',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
    ] = *text
    else {
        return None;
    };
    let year = i16::from(two(y1, y2)?) * 100 + i16::from(two(y3, y4)?);
    // A leap second is counted with the second before it.
    let second = match two(s1, s2)? {
        60 => 59,
        second => second,
    };
    DateTime::new(
        year,
        two(m1, m2)?,
        two(d1, d2)?,
        two(h1, h2)?,
        two(n1, n2)?,
        second,
        nanos,
    )
    .ok()
}

fn offset(input: &[u8]) -> Option<(&[u8], (i32, Style))> {
    let (sign, rest) = match input {
        [b'Z' | b'z', rest @ ..] => return Some((rest, (0, Style::Zulu))),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes, style, rest) = match *rest {
        [h1, h2, b':', m1, m2, ref rest @ ..] => {
            (two(h1, h2)?, two(m1, m2)?, Style::Extended, rest)
        }
        [h1, h2, b' ', ..] => (two(h1, h2)?, 0, Style::Extended, rest.get(2..)?),
        [h1, h2, m1, m2, ref rest @ ..] => (two(h1, h2)?, two(m1, m2)?, Style::Basic, rest),
        _ => return None,
    };
    let seconds = (i32::from(hours) * 60 + i32::from(minutes)) * 60;
    (hours < 24 && minutes < 60).then_some((rest, (sign * seconds, style)))
}

/// `+03`, `-0330`: of a zone that has no name.
pub(super) fn short_offset(zone: &[u8]) -> Option<i32> {
    let hours = [zone, b" "].concat();
    let (rest, (offset, _)) = offset(&hours)?;
    (rest == b" " && zone.starts_with(b"+") | zone.starts_with(b"-")).then_some(offset)
}

fn two(tens: u8, ones: u8) -> Option<i8> {
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    digits
        .then(|| i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok())
        .flatten()
}

pub(super) fn render(time: LogTime, stamp: Stamp, out: &mut Vec<u8>) {
    render_civil(time, stamp, out);
    let minutes = stamp.offset.abs() / 60;
    let (sign, hours, minutes) = (
        if stamp.offset < 0 { '-' } else { '+' },
        minutes / 60,
        minutes % 60,
    );
    match stamp.style {
        Style::Zulu => put!(out, "Z"),
        Style::Extended => put!(out, "{sign}{hours:02}:{minutes:02}"),
        Style::Basic => put!(out, "{sign}{hours:02}{minutes:02}"),
        Style::Local => {}
    }
}

/// A time as the local time that its stamp spells.
pub(super) fn to_civil(time: LogTime, stamp: Stamp) -> Option<DateTime> {
    match time {
        LogTime::Rfc3339(instant) => {
            let offset = Offset::from_seconds(stamp.offset).unwrap_or(Offset::UTC);
            Some(offset.to_datetime(to_timestamp(instant)))
        }
        LogTime::Local(local) => Some(local),
        _ => None,
    }
}

/// The stamp without its offset.
pub(super) fn render_civil(time: LogTime, stamp: Stamp, out: &mut Vec<u8>) {
    let Some(local) = to_civil(time, stamp) else {
        return;
    };
    let (date, time) = (local.date(), local.time());
    put!(
        out,
        "{:04}-{:02}-{:02}",
        date.year(),
        date.month(),
        date.day()
    );
    out.push(if stamp.spaced { b' ' } else { b'T' });
    put!(
        out,
        "{:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    );
    let nanos = u32::try_from(time.subsec_nanosecond()).unwrap_or_default();
    let separator = if stamp.comma { b',' } else { b'.' };
    render_fraction(nanos, stamp.fraction_digits, separator, out);
}

/// As many digits of a fraction as there were, and the byte before them.
pub(super) fn render_fraction(nanos: u32, digits: u8, separator: u8, out: &mut Vec<u8>) {
    let digits = usize::from(digits.min(9));
    if digits > 0 {
        let nanos = format!("{nanos:09}");
        out.push(separator);
        out.extend_from_slice(nanos.as_bytes().get(..digits).unwrap_or_default());
    }
}
