//! `Nov 22 09:25:54 fw kernel: `, rsyslog's traditional form; with a fraction as `journalctl -o
//! short-precise` writes it.

use jiff::civil::DateTime;
use nom::Parser;
use nom::bytes::complete::take;

use super::rfc3339::{fraction, render_fraction};
use super::{Envelope, Form, tag};
use crate::input::{Parsed, mismatch};
use crate::render::put;
use crate::time::LogTime;

pub(super) const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
/// The days of each month, of a leap year.
const DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// The bytes of a stamp.
pub(super) const LENGTH: usize = 15;

pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let (rest, stamp) = take(LENGTH).parse(input)?;
    let (rest, (nanos, fraction_digits, separator)) = fraction(rest);
    let time = time(stamp, nanos / 1000).filter(|_| separator != b',');
    let Some(time) = time else {
        return mismatch(input, "a date such as Nov 22 09:25:54");
    };
    let (rest, origin) = tag::parse(rest)?;
    let form = Form::Rfc3164 { fraction_digits };
    Ok((rest, Envelope::new(time, form, origin)))
}

/// A date of a year.
pub(super) fn in_year(date: LogTime, year: i16) -> Option<DateTime> {
    let LogTime::Rfc3164 {
        month,
        day,
        hour,
        minute,
        second,
        micros,
    } = date
    else {
        return None;
    };
    let signed = |number: u8| i8::try_from(number).unwrap_or(i8::MAX);
    let nanos = i32::try_from(micros * 1000).ok()?;
    let (hour, minute, second) = (signed(hour), signed(minute), signed(second));
    DateTime::new(
        year,
        signed(month),
        signed(day),
        hour,
        minute,
        second,
        nanos,
    )
    .ok()
}

pub(super) fn time(stamp: &[u8], micros: u32) -> Option<LogTime> {
    let [
        m,
        o,
        n,
        b' ',
        d1,
        d2,
        b' ',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
    ] = *stamp
    else {
        return None;
    };
    let month = MONTHS.iter().position(|name| **name == [m, o, n])?;
    let two = |tens: u8, ones: u8| {
        let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
        digits.then(|| (tens - b'0') * 10 + (ones - b'0'))
    };
    let day = two(if d1 == b' ' { b'0' } else { d1 }, d2)?;
    // A leap second is counted with the second before it.
    let (hour, minute, second) = (
        two(h1, h2)?,
        two(m1, m2)?,
        two(s1, s2)?.min(59 + u8::from(s1 != b'6' || s2 != b'0')),
    );
    let exists = (1..=*DAYS.get(month)?).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let month = u8::try_from(month + 1).ok()?;
    exists.then_some(LogTime::Rfc3164 {
        month,
        day,
        hour,
        minute,
        second,
        micros,
    })
}

pub(super) fn render(time: LogTime, fraction_digits: u8, out: &mut Vec<u8>) {
    if let LogTime::Rfc3164 {
        month,
        day,
        hour,
        minute,
        second,
        micros,
    } = time
    {
        let month = MONTHS
            .get(usize::from(month).wrapping_sub(1))
            .unwrap_or(&MONTHS[0]);
        out.extend_from_slice(month);
        put!(out, " {day:2} {hour:02}:{minute:02}:{second:02}");
        render_fraction(micros.saturating_mul(1000), fraction_digits, b'.', out);
    }
}
