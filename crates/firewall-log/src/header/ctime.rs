//! `Sun Nov 22 09:25:54 2026 kern.warn kernel: `, as `OpenWrt`'s logread writes it, and `[Sun Nov
//! 22 09:25:54 2026] ` of `dmesg -T`; in local time.

use super::rfc3164::{self, MONTHS};
use super::tag::{self, Origin};
use super::{Envelope, Form};
use crate::input::{Parsed, decimal, mismatch};
use crate::render::put;
use crate::time::LogTime;

/// The days of a week.
pub(super) const DAYS: [&[u8]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];

const EXPECTED: &str = "a date such as Sun Nov 22 09:25:54 2026";

/// The bytes of a stamp.
const LENGTH: usize = 24;

pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let (rest, time) = stamp(input)?;
    let (rest, origin) = tag::parse(rest)?;
    let form = Form::Ctime { bracketed: false };
    Ok((rest, Envelope::new(time, form, origin)))
}

pub(super) fn parse_bracketed(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let [b'[', rest @ ..] = input else {
        return mismatch(input, EXPECTED);
    };
    let (rest, time) = stamp(rest)?;
    let [b']', rest @ ..] = rest else {
        return mismatch(input, EXPECTED);
    };
    // The kernel may print who logged after its stamp, which dmesg puts the date in the place of.
    let rest = match rest {
        [b' ', rest @ ..] => rest,
        [b'[', ..] => rest,
        _ => return mismatch(input, EXPECTED),
    };
    let (rest, origin) = tag::parse_if_any(rest)?;
    let form = Form::Ctime { bracketed: true };
    let origin = origin.unwrap_or(Origin::NONE);
    Ok((rest, Envelope::new(time, form, origin)))
}

fn stamp(input: &[u8]) -> Parsed<'_, LogTime> {
    let Some((stamp, rest)) = input.split_at_checked(LENGTH) else {
        return mismatch(input, EXPECTED);
    };
    match time(stamp) {
        Some(time) => Ok((rest, time)),
        None => mismatch(input, EXPECTED),
    }
}

fn time(stamp: &[u8]) -> Option<LogTime> {
    let (day, rest) = stamp.split_first_chunk::<3>()?;
    let is_day = DAYS.contains(&&day[..]);
    let rest = rest.strip_prefix(b" ").filter(|_| is_day)?;
    let (date, year) = rest.split_at_checked(rfc3164::LENGTH)?;
    let year = year.strip_prefix(b" ")?;
    let (_, year) = decimal::<u16>(year)
        .ok()
        .filter(|(rest, _)| rest.is_empty())?;
    let date = rfc3164::time(date, 0)?;
    rfc3164::in_year(date, i16::try_from(year).ok()?).map(LogTime::Local)
}

pub(super) fn render(time: LogTime, bracketed: bool, out: &mut Vec<u8>) {
    let LogTime::Local(local) = time else {
        return;
    };
    let day = usize::try_from(local.weekday().to_sunday_zero_offset()).unwrap_or_default();
    let month = usize::try_from(local.month() - 1).unwrap_or_default();
    if bracketed {
        out.push(b'[');
    }
    out.extend_from_slice(DAYS.get(day).copied().unwrap_or_default());
    out.push(b' ');
    out.extend_from_slice(MONTHS.get(month).copied().unwrap_or_default());
    put!(
        out,
        " {:2} {:02}:{:02}:{:02} {:04}",
        local.day(),
        local.hour(),
        local.minute(),
        local.second(),
        local.year()
    );
    if bracketed {
        out.extend_from_slice(b"] ");
    }
}
