//! The kernel's own stamp, alone (`<4>[ 1755.400292] `) or after a syslog header.

use std::time::Duration;

use nom::AsChar;
use nom::Parser;
use nom::bytes::complete::{tag, take_while, take_while_m_n};
use nom::combinator::{opt, peek, recognize};
use nom::sequence::{delimited, preceded, terminated};

use super::{Envelope, Form};
use crate::input::{Parsed, gap, mismatch};
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
pub(super) fn stamp(input: &[u8]) -> Parsed<'_, (Duration, &[u8])> {
    let spaces = || take_while(|byte| byte == b' ');
    let seconds = preceded(spaces(), take_while_m_n(1, 10, u8::is_dec_digit));
    let fraction = preceded(tag(&b"."[..]), take_while_m_n(1, 9, u8::is_dec_digit));
    let (rest, (seconds, fraction)) =
        delimited(tag(&b"["[..]), (seconds, fraction), tag(&b"]"[..])).parse(input)?;
    let caller = (
        tag(&b"["[..]),
        spaces(),
        take_while_m_n(1, 1, |byte| matches!(byte, b'T' | b'C')),
    );
    let caller = recognize((
        caller,
        take_while_m_n(1, 10, u8::is_dec_digit),
        tag(&b"]"[..]),
    ));
    let (rest, caller) = terminated(opt(caller), gap).parse(rest)?;
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    let micros: [u8; 6] = std::array::from_fn(|index| fraction.get(index).copied().unwrap_or(b'0'));
    match (number(seconds), number(&micros)) {
        (Some(seconds), Some(micros)) => {
            let uptime = Duration::from_secs(seconds) + Duration::from_micros(micros);
            Ok((rest, (uptime, caller.unwrap_or_default())))
        }
        _ => mismatch(input, "a time since boot"),
    }
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
