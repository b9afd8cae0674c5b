//! `2026-11-22T09:25:54.194069+00:00 host kernel: `, rsyslog's file form; the stamp with any offset.

use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use nom::AsChar;
use nom::Parser;
use nom::bytes::complete::{tag, take_while_m_n};
use nom::combinator::opt;
use nom::sequence::preceded;

use super::{Envelope, Form, host, kernel_tag};
use crate::input::{Parsed, mismatch};
use crate::render::put;
use crate::time::{LogTime, to_timestamp};

/// How the instant was spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    offset: i32,
    style: Style,
    fraction_digits: u8,
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
}

impl Default for Stamp {
    /// rsyslog's: microseconds and `+00:00`.
    fn default() -> Self {
        Self {
            offset: 0,
            style: Style::Extended,
            fraction_digits: 6,
            spaced: false,
        }
    }
}

/// The bytes of a stamp as far as the second.
pub(super) const LENGTH: usize = 19;

pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let (rest, (time, stamp)) = instant(input)?;
    let (rest, _) = tag(&b" "[..]).parse(rest)?;
    let (rest, host) = host(rest)?;
    let (rest, ()) = kernel_tag(rest)?;
    Ok((
        rest,
        Envelope {
            time: Some(time),
            host,
            form: Form::Rfc3339(stamp),
        },
    ))
}

pub(super) fn instant(input: &[u8]) -> Parsed<'_, (LogTime, Stamp)> {
    const EXPECTED: &str = "a time such as 2026-11-22T09:25:54+00:00";
    let Some((date_time, rest)) = input.split_at_checked(LENGTH) else {
        return mismatch(input, EXPECTED);
    };
    let (rest, fraction) = opt(preceded(
        tag(&b"."[..]),
        take_while_m_n(1, 9, u8::is_dec_digit),
    ))
    .parse(rest)?;
    let fraction = fraction.unwrap_or_default();
    let nanos = (0..9).fold(0_i32, |nanos, index| {
        nanos * 10 + i32::from(fraction.get(index).map_or(0, |digit| digit - b'0'))
    });
    let civil = civil(date_time, nanos);
    let (Some(civil), Some((rest, (offset, style)))) = (civil, offset(rest)) else {
        return mismatch(input, EXPECTED);
    };
    let instant = Offset::from_seconds(offset).and_then(|offset| offset.to_timestamp(civil));
    let Ok(instant) = instant else {
        return mismatch(input, "a time within the years 0 to 9999");
    };
    let spaced = date_time.get(10) == Some(&b' ');
    let fraction_digits = u8::try_from(fraction.len()).unwrap_or_default();
    let stamp = Stamp {
        offset,
        style,
        fraction_digits,
        spaced,
    };
    Ok((rest, (LogTime::Rfc3339(SystemTime::from(instant)), stamp)))
}

fn civil(text: &[u8], nanos: i32) -> Option<DateTime> {
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

fn two(tens: u8, ones: u8) -> Option<i8> {
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    digits
        .then(|| i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok())
        .flatten()
}

pub(super) fn render(time: LogTime, stamp: Stamp, host: &[u8], out: &mut Vec<u8>) {
    render_instant(time, stamp, out);
    out.push(b' ');
    out.extend_from_slice(host);
    put!(out, " kernel:");
}

pub(super) fn render_instant(time: LogTime, stamp: Stamp, out: &mut Vec<u8>) {
    let LogTime::Rfc3339(instant) = time else {
        return;
    };
    let offset = Offset::from_seconds(stamp.offset).unwrap_or(Offset::UTC);
    let civil = offset.to_datetime(to_timestamp(instant));
    let (date, time) = (civil.date(), civil.time());
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
    let digits = usize::from(stamp.fraction_digits.min(9));
    if digits > 0 {
        let nanos = format!("{:09}", time.subsec_nanosecond());
        put!(out, ".{}", nanos.get(..digits).unwrap_or_default());
    }
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
    }
}
