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

/// A line that begins with the stamp, which is left for [`stamp`].
pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let (rest, _) = peek(stamp).parse(input)?;
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
#[inline]
pub(super) fn stamp(input: &[u8]) -> Parsed<'_, (Duration, &[u8])> {
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
    let (rest, seconds) = decimal::<u64>(rest)?;
    let [b'.', rest @ ..] = rest else {
        return mismatch(input, EXPECTED);
    };
    let (rest, micros) = micros(rest)?;
    let [b']', rest @ ..] = rest else {
        return mismatch(input, EXPECTED);
    };
    let (rest, caller) = match rest {
        [b'[', ..] => caller(rest)?,
        _ => (rest, &b""[..]),
    };
    let (rest, ()) = gap(rest)?;
    let uptime = Duration::from_secs(seconds) + Duration::from_micros(micros);
    Ok((rest, (uptime, caller)))
}

/// One to nine digits of a fraction, of which the first six count.
#[inline]
pub(crate) fn micros(input: &[u8]) -> Parsed<'_, u64> {
    if let Some((micros, 6)) = digits::leading(input) {
        return Ok((input.get(6..).unwrap_or_default(), micros));
    }
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
