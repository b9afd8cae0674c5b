//! What the kernel's text begins with, before the message: a byte order mark, `message repeated 3
//! times: [`, `<4>`, `[ 1836.585591]`, `[T123]`. Readers of the kernel's log do not take all of it
//! out.

use std::num::NonZeroU32;
use std::time::Duration;

use nom::Parser;
use nom::combinator::opt;

use super::{Envelope, KERNEL_PRIORITIES, Tag, priority, raw};
use crate::error::{Origin, ParseError};
use crate::input::decimal;
use crate::render::put;
use crate::trace::Trace;

/// A byte order mark, which RFC 5424 asks for before text of UTF-8.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// How rsyslog begins what it writes in place of a message that came several times
/// (`ratelimitGenRepMsg` of runtime/ratelimit.c); after it come the number, `times: [`, the
/// message, and `]`.
const REPEATED: &[u8] = b"message repeated ";
const TIMES: &[u8] = b" times: [";

/// What stands before the message.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Text<'a> {
    pub(super) uptime: Option<Duration>,
    pub(super) repeated: Option<NonZeroU32>,
    /// Bytes of the line after the message.
    pub(super) end: usize,
    pub(super) layout: Layout<'a>,
}

/// How what stands before the message is spelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Layout<'a> {
    bom: bool,
    /// Spaces within the bracket of a repeated message.
    gap: usize,
    /// `<4>` once more.
    level: Option<u8>,
    /// `[ T123]`, of a kernel that prints who logged, with a space before it if it has one there.
    caller: &'a [u8],
}

/// Reads what is before the message; `input` is the end of `line`.
pub(super) fn parse<'a>(
    line: &'a [u8],
    input: &'a [u8],
    envelope: &Envelope<'_>,
    trace: &mut impl Trace,
) -> Result<(&'a [u8], Text<'a>), ParseError> {
    let mut text = Text::default();
    let mut rest = input;
    if let Some(after) = rest.strip_prefix(BOM) {
        (rest, text.layout.bom) = (after, true);
    }
    if envelope.tag == Tag::Kernel {
        if let Some(after) = rest.strip_prefix(REPEATED) {
            rest = repeated(line, after, &mut text)?;
        }
        if let Ok((after, level)) = priority(rest) {
            if level >= KERNEL_PRIORITIES {
                return Err(ParseError::rejected(line, rest, Origin::Facility));
            }
            (rest, text.layout.level) = (after, Some(level));
        }
    }
    if rest.starts_with(b"[") {
        let (after, stamp) = opt(|at| raw::stamp(at, trace))
            .parse(rest)
            .unwrap_or((rest, None));
        match stamp {
            Some((uptime, caller)) => {
                (text.uptime, text.layout.caller) = (Some(uptime), caller);
                rest = after;
            }
            None => {
                if let Ok((after, ())) = raw::caller(rest, trace) {
                    text.layout.caller = raw::before(rest, after);
                    rest = after;
                }
            }
        }
    }
    Ok((rest, text))
}

/// Reads the number of times; the message, without the bracket that ends it.
fn repeated<'a>(
    line: &'a [u8],
    input: &'a [u8],
    text: &mut Text<'a>,
) -> Result<&'a [u8], ParseError> {
    let malformed = |at, expected| Err(ParseError::malformed(line, at, expected));
    // rsyslog counts in an int.
    let number = decimal::<u32>(input)
        .ok()
        .filter(|(_, times)| *times <= i32::MAX.unsigned_abs());
    let times = number.and_then(|(rest, times)| Some((rest, NonZeroU32::new(times)?)));
    let Some((rest, times)) = times else {
        return malformed(input, "how many times");
    };
    let Some(message) = rest.strip_prefix(TIMES) else {
        return malformed(rest, " times: [");
    };
    let Some(message) = message.trim_ascii_end().strip_suffix(b"]") else {
        return malformed(b"", "] after a repeated message");
    };
    let spaces = message.iter().take_while(|byte| **byte == b' ').count();
    (text.repeated, text.layout.gap) = (Some(times), spaces);
    let message = message.get(spaces..).unwrap_or_default();
    text.end = rest.len() - TIMES.len() - spaces - message.len();
    Ok(message)
}

impl Layout<'_> {
    pub(super) fn render(
        &self,
        repeated: Option<NonZeroU32>,
        uptime: Option<Duration>,
        out: &mut Vec<u8>,
    ) {
        if self.bom {
            out.extend_from_slice(BOM);
        }
        if let Some(times) = repeated {
            out.extend_from_slice(REPEATED);
            put!(out, "{times} times: [");
            out.extend(std::iter::repeat_n(b' ', self.gap));
        }
        if let Some(level) = self.level {
            put!(out, "<{level}>");
        }
        if let Some(uptime) = uptime {
            raw::render(uptime, out);
        }
        if uptime.is_some() || !self.caller.is_empty() {
            out.extend_from_slice(self.caller);
            out.push(b' ');
        }
    }
}
