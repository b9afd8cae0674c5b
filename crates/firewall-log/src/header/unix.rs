//! `1795339554.194069 fw kernel: ` of `journalctl -o short-unix`.

use std::time::{Duration, SystemTime};

use super::rfc3339::fraction;
use super::{Envelope, Form, tag};
use crate::input::{Parsed, mismatch};
use crate::render::put;
use crate::time::LogTime;

const EXPECTED: &str = "seconds since 1970";

/// Fewer digits are before 1973, more after 5138.
const DIGITS: std::ops::RangeInclusive<usize> = 9..=11;

pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let length = input
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !DIGITS.contains(&length) || input.get(length) != Some(&b'.') {
        return mismatch(input, EXPECTED);
    }
    let (digits, rest) = input.split_at(length);
    let seconds = digits
        .iter()
        .fold(0, |seconds, digit| seconds * 10 + u64::from(digit - b'0'));
    let (rest, (nanos, fraction_digits, _)) = fraction(rest);
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos));
    let Some(at) = at.filter(|_| fraction_digits > 0) else {
        return mismatch(input, EXPECTED);
    };
    let (rest, origin) = tag::parse(rest)?;
    let form = Form::Unix { fraction_digits };
    Ok((rest, Envelope::new(LogTime::Rfc3339(at), form, origin)))
}

pub(super) fn render(time: LogTime, fraction_digits: u8, out: &mut Vec<u8>) {
    let LogTime::Rfc3339(instant) = time else {
        return;
    };
    let since = instant
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    put!(out, "{:09}", since.as_secs());
    super::rfc3339::render_fraction(since.subsec_nanos(), fraction_digits, b'.', out);
}
