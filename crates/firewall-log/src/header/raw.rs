//! The kernel's own stamp, alone (`<4>[ 1755.400292] `) or after a syslog header.

use std::time::Duration;

use nom::AsChar;
use nom::Parser;
use nom::bytes::complete::{tag, take_while, take_while_m_n};
use nom::combinator::{peek, recognize};

use super::{Envelope, Form};
use crate::digits;
use crate::input::{Parsed, decimal, gap, mismatch};
use crate::render::put;
use crate::trace::{Kind, Trace};

/// A line that begins with the stamp, which is left for [`stamp`].
pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let (rest, _) = peek(|at| stamp(at, &mut ())).parse(input)?;
    Ok((
        rest,
        Envelope {
            time: None,
            host: b"",
            form: Form::Raw,
        },
    ))
}

/// `[ 1755.400292] `, perhaps with `[ T123]` before the space.
pub(super) fn stamp<'a>(
    input: &'a [u8],
    trace: &mut impl Trace,
) -> Parsed<'a, (Duration, &'a [u8])> {
    const EXPECTED: &str = "a time since boot";
    let Some(rest) = input.strip_prefix(b"[") else {
        return mismatch(input, EXPECTED);
    };
    let rest = match rest {
        [b' ', ..] => {
            let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
            rest.get(spaces..).unwrap_or_default()
        }
        _ => rest,
    };
    let number = rest;
    let (after, (seconds, micros)) = seconds(number)?;
    let [b']', rest @ ..] = after else {
        return mismatch(input, EXPECTED);
    };
    let (rest, caller) = match rest {
        [b'[', ..] => caller(rest)?,
        _ => (rest, &b""[..]),
    };
    let (rest, ()) = gap(rest)?;
    // Only now: what is no stamp after all is the beginning of a prefix, of which every byte counts.
    trace.value(Kind::Seconds, number, after);
    let uptime = Duration::from_secs(seconds) + Duration::from_micros(micros);
    Ok((rest, (uptime, caller)))
}

/// `1755.400292`: whole seconds, and microseconds.
fn seconds(input: &[u8]) -> Parsed<'_, (u64, u64)> {
    let (rest, seconds) = decimal(input)?;
    let [b'.', rest @ ..] = rest else {
        return mismatch(rest, "a time since boot");
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

/// `[ T123]` of a kernel that prints who logged.
fn caller(input: &[u8]) -> Parsed<'_, &[u8]> {
    let opening = (
        tag(&b"["[..]),
        take_while(|byte| byte == b' '),
        take_while_m_n(1, 1, |byte| matches!(byte, b'T' | b'C')),
    );
    recognize((
        opening,
        take_while_m_n(1, 10, u8::is_dec_digit),
        tag(&b"]"[..]),
    ))
    .parse(input)
}

pub(super) fn render(uptime: Duration, caller: &[u8], out: &mut Vec<u8>) {
    put!(
        out,
        "[{:5}.{:06}]",
        uptime.as_secs(),
        uptime.subsec_micros()
    );
    out.extend_from_slice(caller);
    out.push(b' ');
}
