//! `Sun 2026-11-22 09:25:54 UTC fw kernel: ` of `journalctl -o short-full` and `-o with-unit`.
//!
//! A zone's name is no offset: but for UTC and GMT the time is one of the reader's zone.

use super::ctime::DAYS;
use super::rfc3339::{self, Stamp};
use super::{Envelope, Form, tag, word};
use crate::input::{Parsed, mismatch};
use crate::time::LogTime;

const EXPECTED: &str = "a date such as Sun 2026-11-22 09:25:54 UTC";

/// The letters of a zone's name, or the digits of its offset.
const ZONE_MAX: usize = 6;

pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let day = input.split_first_chunk::<3>();
    let date = day
        .filter(|(day, _)| DAYS.contains(&&day[..]))
        .and_then(|(_, rest)| rest.strip_prefix(b" "));
    let Some(date) = date else {
        return mismatch(input, EXPECTED);
    };
    let (rest, (local, stamp)) = rfc3339::civil(date)?;
    let (origin, zone) = match rest.strip_prefix(b" ").map(word) {
        Some(Ok((_, zone))) if stamp.is_spaced() => (rest.get(1 + zone.len()..), zone),
        _ => return mismatch(input, EXPECTED),
    };
    let is_name = zone.len() <= ZONE_MAX && zone.iter().all(u8::is_ascii_uppercase);
    let offset = match zone {
        b"UTC" | b"GMT" => Some(0),
        _ => rfc3339::short_offset(zone),
    };
    let (time, stamp) = match offset {
        Some(offset) => rfc3339::with_offset(local, stamp, offset),
        None => (Some(LogTime::Local(local)), stamp),
    };
    let Some(time) = time.filter(|_| is_name || offset.is_some()) else {
        return mismatch(input, EXPECTED);
    };
    let (rest, origin) = tag::parse(origin.unwrap_or_default())?;
    let form = Form::Full { stamp, zone };
    Ok((rest, Envelope::new(time, form, origin)))
}

pub(super) fn render(time: LogTime, stamp: Stamp, zone: &[u8], out: &mut Vec<u8>) {
    let weekday = rfc3339::to_civil(time, stamp).map_or(0, |local| {
        usize::try_from(local.weekday().to_sunday_zero_offset()).unwrap_or_default()
    });
    out.extend_from_slice(DAYS.get(weekday).copied().unwrap_or_default());
    out.push(b' ');
    rfc3339::render_civil(time, stamp, out);
    out.push(b' ');
    out.extend_from_slice(zone);
}
