//! What stands before the kernel's message: time, host and tag in one of the forms of syslog, or the kernel's own.

pub(crate) mod raw;
mod rfc3164;
mod rfc3339;
mod rfc5424;

use std::time::Duration;

use nom::Parser;
use nom::bytes::complete::{tag, take_while1};
use nom::combinator::{cut, opt};
use nom::sequence::{delimited, terminated};

use self::rfc3339::Stamp;
use crate::error::{Origin, ParseError};
use crate::input::{Parsed, decimal, mismatch, named};
use crate::render::put;
use crate::time::LogTime;
use crate::trace::Trace;

/// The header of a line, and how it was spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) time: LogTime,
    pub(crate) uptime: Option<Duration>,
    pub(crate) priority: Option<u8>,
    pub(crate) host: &'a [u8],
    pub(crate) layout: Layout<'a>,
}

/// What of a header's spelling is not in the values, so that a line can be written as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout<'a> {
    pub(crate) form: Form<'a>,
    /// Spaces between the syslog header and the kernel's message.
    gap: usize,
    /// `[ T123]` after the time stamp, of a kernel that prints who logged.
    caller: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form<'a> {
    Rfc3164,
    Rfc3339(Stamp),
    Rfc5424 {
        stamp: Option<Stamp>,
        fields: &'a [u8],
    },
    Raw,
}

/// The parts of a header that lines have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anatomy<'a> {
    pub(crate) time: LogTime,
    /// The stamp as far as the second.
    pub(crate) date: &'a [u8],
    /// The bytes of the stamp's fraction, its dot included.
    pub(crate) fraction: usize,
    /// From the end of the stamp's fraction on: offset, host, tag, and the spaces after it.
    pub(crate) glue: &'a [u8],
}

/// The part of a header before the kernel's message.
struct Envelope<'a> {
    time: Option<LogTime>,
    host: &'a [u8],
    form: Form<'a>,
}

/// The kernel's text, the priority, the envelope, and the spaces after it.
type Opened<'a> = (&'a [u8], Option<u8>, Envelope<'a>, usize);

impl Layout<'_> {
    /// The form rsyslog gives a line of that kind of time.
    pub(crate) fn of(time: LogTime) -> Self {
        let form = match time {
            LogTime::Rfc3339(_) => Form::Rfc3339(Stamp::default()),
            LogTime::Rfc3164 { .. } => Form::Rfc3164,
            LogTime::SinceBoot(_) => Form::Raw,
        };
        Self {
            form,
            gap: usize::from(form != Form::Raw),
            caller: b"",
        }
    }
}

impl<'a> Header<'a> {
    /// The header of a line and the kernel's message after it, or why the line is not the kernel's.
    pub(crate) fn parse(
        line: &'a [u8],
        trace: &mut impl Trace,
    ) -> Result<(&'a [u8], Self), ParseError> {
        let (stamped, priority, envelope, gap) = Self::parse_envelope(line)?;
        let stamp = |at| raw::stamp(at, trace);
        let (message, kernel) = opt(stamp).parse(stamped).unwrap_or((stamped, None));
        let (uptime, caller) =
            kernel.map_or((None, &b""[..]), |(uptime, caller)| (Some(uptime), caller));
        let Some(time) = envelope.time.or(uptime.map(LogTime::SinceBoot)) else {
            return Err(ParseError::malformed(line, message, "a time stamp"));
        };
        let layout = Layout {
            form: envelope.form,
            gap,
            caller,
        };
        Ok((
            message,
            Self {
                time,
                uptime,
                priority,
                host: envelope.host,
                layout,
            },
        ))
    }

    /// What the syslog daemon wrote, and where the kernel's own text begins: at its stamp, if it has one.
    fn parse_envelope(line: &'a [u8]) -> Result<Opened<'a>, ParseError> {
        let (rest, priority) = opt(priority)
            .parse(line)
            .map_err(|_| ParseError::rejected(line, line, Origin::NoHeader))?;
        if priority.is_some_and(|priority| priority >= KERNEL_PRIORITIES) {
            return Err(ParseError::rejected(line, line, Origin::Facility));
        }
        let envelope = match rest {
            [b'[', ..] => raw::parse(rest),
            [b'1', b' ', ..] if priority.is_some() => rfc5424::parse(rest),
            [first, ..] if first.is_ascii_digit() => rfc3339::parse(rest),
            _ => rfc3164::parse(rest),
        };
        let (message, envelope) = envelope.map_err(|error| match error {
            // Only a tag may be cut: after the host, or in its place.
            nom::Err::Failure(mismatch) => ParseError::rejected(line, mismatch.at, Origin::Tag),
            _ => ParseError::rejected(line, rest, Origin::NoHeader),
        })?;
        let spaces = message.iter().take_while(|byte| **byte == b' ').count();
        let gap = if envelope.form == Form::Raw {
            0
        } else {
            spaces
        };
        let message = message.get(gap..).unwrap_or_default();
        Ok((message, priority, envelope, gap))
    }

    /// Parts a header that can be [known again](crate::sight) into its date, to the second, and what stands between
    /// the stamp and the kernel's text. `None` for one with a priority or without a date.
    pub(crate) fn anatomy(line: &'a [u8]) -> Option<Anatomy<'a>> {
        let (message, priority, envelope, _) = Self::parse_envelope(line).ok()?;
        let date = match (priority, envelope.form) {
            (None, Form::Rfc3164) => rfc3164::LENGTH,
            (None, Form::Rfc3339(_)) => rfc3339::LENGTH,
            _ => return None,
        };
        let (date, rest) = line.split_at_checked(date)?;
        let between = rest.get(..rest.len().checked_sub(message.len())?)?;
        let fraction = match (envelope.form, between) {
            (Form::Rfc3339(_), [b'.', digits @ ..]) => {
                1 + digits
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count()
            }
            _ => 0,
        };
        Some(Anatomy {
            time: envelope.time?,
            date,
            fraction,
            glue: between.get(fraction..)?,
        })
    }

    pub(crate) fn render(&self, out: &mut Vec<u8>) {
        if let Some(priority) = self.priority {
            put!(out, "<{priority}>");
        }
        match self.layout.form {
            Form::Raw => {}
            Form::Rfc3164 => rfc3164::render(self.time, self.host, out),
            Form::Rfc3339(stamp) => rfc3339::render(self.time, stamp, self.host, out),
            Form::Rfc5424 { stamp, fields } => {
                rfc5424::render(self.time, stamp, self.host, fields, out);
            }
        }
        out.extend(std::iter::repeat_n(b' ', self.layout.gap));
        if let Some(uptime) = self.uptime {
            raw::render(uptime, self.layout.caller, out);
        }
    }
}

/// Eight levels of facility 0. syslog(3) and /dev/kmsg turn it into another for who asks for it; a program that writes to
/// the log socket itself can claim it.
const KERNEL_PRIORITIES: u8 = 8;

/// `<4>`
fn priority(input: &[u8]) -> Parsed<'_, u8> {
    delimited(tag(&b"<"[..]), decimal, tag(&b">"[..])).parse(input)
}

/// A word and the spaces after it.
fn word(input: &[u8]) -> Parsed<'_, &[u8]> {
    let graphic = |byte: u8| byte > b' ' && byte != 0x7f;
    terminated(take_while1(graphic), take_while1(|byte| byte == b' ')).parse(input)
}

/// A host and the spaces after it. What ends in a colon is the tag of a log that names no hosts, and what follows then
/// is a program's own text.
fn host(input: &[u8]) -> Parsed<'_, &[u8]> {
    match word(input)? {
        (_, [.., b':']) => cut(|at| mismatch(at, "a host")).parse(input),
        host => Ok(host),
    }
}

/// The tag that rsyslog and journald give what comes from the kernel, and nothing else.
fn kernel_tag(input: &[u8]) -> Parsed<'_, ()> {
    let (rest, _) = cut(named("kernel:", tag(&b"kernel:"[..]))).parse(input)?;
    match rest {
        [b' ', ..] | [] => Ok((rest, ())),
        _ => cut(|_| mismatch(input, "kernel:")).parse(input),
    }
}
