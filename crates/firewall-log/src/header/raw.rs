//! The kernel's own stamp: before its text (`<4>[ 1755.400292] `), alone or after a syslog header,
//! or as the time of one, as `journalctl -o short-monotonic` has it (`[ 1755.400292] fw kernel: `).

use std::time::Duration;

use nom::Parser;
use nom::combinator::opt;

use super::{Envelope, Form, tag};
use crate::digits;
use crate::input::{Parsed, decimal, gap, mismatch};
use crate::render::put;
use crate::time::LogTime;
use crate::trace::{Kind, Trace};

const EXPECTED: &str = "a time since boot";

/// A line that begins with the stamp. Before the kernel's text it is left for [`stamp`], as is who
/// logged.
pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let envelope = Envelope::bare(Form::Raw);
    if !input.starts_with(b"[") {
        return mismatch(input, EXPECTED);
    }
    let (rest, stamp) = opt(|at| stamp(at, &mut ())).parse(input)?;
    let Some((uptime, caller)) = stamp else {
        caller(input, &mut ())?;
        return Ok((input, envelope));
    };
    let (rest, origin) = tag::parse_if_any(rest)?;
    match origin.filter(|_| caller.is_empty()) {
        None => Ok((input, envelope)),
        Some(origin) => {
            let time = LogTime::SinceBoot(uptime);
            Ok((rest, Envelope::new(time, Form::Raw, origin)))
        }
    }
}

/// `[ 1755.400292] `, perhaps with who logged before or after the space.
pub(super) fn stamp<'a>(
    input: &'a [u8],
    trace: &mut impl Trace,
) -> Parsed<'a, (Duration, &'a [u8])> {
    let Some(rest) = input.strip_prefix(b"[") else {
        return mismatch(input, EXPECTED);
    };
    let number = spaces(rest);
    let (after, (seconds, micros)) = seconds(number)?;
    let [b']', bracket @ ..] = after else {
        return mismatch(input, EXPECTED);
    };
    let uptime = Duration::from_secs(seconds) + Duration::from_micros(micros);
    // Only when it is sure: what is no stamp after all is the beginning of a prefix, of which every
    // byte counts.
    let beside = bracket.strip_prefix(b" ").unwrap_or(bracket);
    if beside.starts_with(b"[") {
        if let Ok((rest, ())) = caller(beside, &mut ()) {
            trace.value(Kind::Seconds, number, after);
            caller(beside, trace)?;
            return Ok((rest, (uptime, before(bracket, rest))));
        }
    }
    let (rest, ()) = gap(bracket)?;
    trace.value(Kind::Seconds, number, after);
    Ok((rest, (uptime, b"")))
}

/// `[T92772] ` or `[    C0] ` of a kernel that prints who logged: `print_caller` of
/// kernel/printk/printk.c; a few kernels print both.
pub(super) fn caller<'a>(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, ()> {
    const EXPECTED: &str = "who logged";
    let Some(rest) = input.strip_prefix(b"[") else {
        return mismatch(input, EXPECTED);
    };
    let [b'T' | b'C', first @ ..] = spaces(rest) else {
        return mismatch(input, EXPECTED);
    };
    let (after, _) = decimal::<u32>(first)?;
    let (second, rest) = match after {
        [b':', b'T' | b'C', second @ ..] => (Some(second), decimal::<u32>(second)?.0),
        _ => (None, after),
    };
    let [b']', end @ ..] = rest else {
        return mismatch(input, EXPECTED);
    };
    let (end, ()) = gap(end)?;
    let most = Kind::Decimal(u32::MAX);
    trace.value(most, first, after);
    if let Some(second) = second {
        trace.value(most, second, rest);
    }
    Ok((end, ()))
}

fn spaces(input: &[u8]) -> &[u8] {
    let spaces = input.iter().take_while(|byte| **byte == b' ').count();
    input.get(spaces..).unwrap_or_default()
}

/// What of a text stands before its end, without the space that parts them.
pub(super) fn before<'a>(text: &'a [u8], end: &[u8]) -> &'a [u8] {
    let length = text.len().saturating_sub(end.len());
    let text = text.get(..length).unwrap_or_default();
    text.strip_suffix(b" ").unwrap_or(text)
}

/// `1755.400292`: whole seconds, and microseconds.
fn seconds(input: &[u8]) -> Parsed<'_, (u64, u64)> {
    let (rest, seconds) = decimal(input)?;
    let [b'.', rest @ ..] = rest else {
        return mismatch(rest, EXPECTED);
    };
    let (rest, micros) = micros(rest)?;
    Ok((rest, (seconds, micros)))
}

/// One to nine digits of a fraction, of which the first six count.
#[inline]
pub(crate) fn micros(input: &[u8]) -> Parsed<'_, u64> {
    match digits::leading(input) {
        Some((micros, 6)) => Ok((input.get(6..).unwrap_or_default(), micros)),
        _ => fraction(input),
    }
}

fn fraction(input: &[u8]) -> Parsed<'_, u64> {
    let length = input
        .iter()
        .take(9)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if length == 0 {
        return mismatch(input, "digits");
    }
    let (fraction, rest) = input.split_at(length);
    let micros = (0..6).fold(0, |micros, index| {
        micros * 10
            + fraction
                .get(index)
                .map_or(0, |digit| u64::from(digit - b'0'))
    });
    Ok((rest, micros))
}

/// The stamp without the space after it.
pub(super) fn render(uptime: Duration, out: &mut Vec<u8>) {
    put!(
        out,
        "[{:5}.{:06}]",
        uptime.as_secs(),
        uptime.subsec_micros()
    );
}
