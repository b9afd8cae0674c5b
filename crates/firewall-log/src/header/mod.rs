//! What stands before the kernel's message, such as `2026-11-22T09:25:54.194069+00:00 fw kernel: [
//! 1836.585591] `: time, host and tag in one of the [forms](FORMS) in which kernel lines are kept.
//!
//! A header is an envelope and a text. The envelope is what a syslog daemon wrote around the
//! kernel's text; each form of it is a file. The [text](text) begins with what the kernel itself
//! and readers of its log put before the message, such as its own stamp.

mod columns;
mod ctime;
mod full;
mod kmsg;
pub(crate) mod raw;
mod rfc3164;
mod rfc3339;
mod rfc5424;
mod tag;
mod text;
mod unix;

use std::num::NonZeroU32;
use std::time::Duration;

use nom::Parser;
use nom::bytes::complete::{tag as bytes, take_while1};
use nom::combinator::opt;
use nom::sequence::{delimited, terminated};

use self::rfc3339::Stamp;
use crate::error::{Origin, ParseError};
use crate::input::{Mismatch, Parsed, decimal};
use crate::render::put;
use crate::time::LogTime;
use crate::trace::Trace;

/// The forms, each with a line of it; the first that a line begins like is the line's.
///
/// What another program of the host wrote must not pass for the kernel's in any of them: a form
/// either has the tag `kernel:`, before which there is at most a host and the kernel's facility, or
/// is only ever written by who reads the kernel's own log.
const FORMS: [(Parse, &str); 10] = [
    (
        rfc3339::parse,
        "2026-11-22T09:25:54.194069+00:00 fw kernel: ",
    ),
    (rfc3164::parse, "Nov 22 09:25:54 fw kernel: "),
    (raw::parse, "[ 1836.585591] "),
    (
        rfc5424::parse,
        "1 2026-11-22T09:25:54.194069+00:00 fw kernel - - - ",
    ),
    (rfc3339::parse_untagged, "2026-11-22T09:25:54,194069+00:00 "),
    (kmsg::parse, "4,7394,1836585591,-;"),
    (unix::parse, "1795339554.194069 fw kernel: "),
    (full::parse, "Sun 2026-11-22 09:25:54 UTC fw kernel: "),
    (ctime::parse, "Sun Nov 22 09:25:54 2026 kern.warn kernel: "),
    (ctime::parse_bracketed, "[Sun Nov 22 09:25:54 2026] "),
];

type Parse = for<'a> fn(&'a [u8]) -> Parsed<'a, Envelope<'a>>;

/// The header of a line, and how it was spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) time: LogTime,
    pub(crate) uptime: Option<Duration>,
    pub(crate) priority: Option<u8>,
    pub(crate) host: &'a [u8],
    /// How often the message came that the line sums up.
    pub(crate) repeated: Option<NonZeroU32>,
    /// Bytes of the line after the kernel's message.
    pub(crate) end: usize,
    pub(crate) layout: Layout<'a>,
}

/// How a header was spelled, beyond its values, so that the line can be written as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout<'a> {
    form: Form<'a>,
    tag: Tag,
    /// Where the priority is.
    level: Level,
    /// Spaces between the syslog header and the kernel's text.
    gap: usize,
    text: text::Layout<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form<'a> {
    Rfc3164 {
        fraction_digits: u8,
    },
    Rfc3339(Stamp),
    Rfc5424 {
        stamp: Option<Stamp>,
        fields: &'a [u8],
    },
    Unix {
        fraction_digits: u8,
    },
    Full {
        stamp: Stamp,
        zone: &'a [u8],
    },
    Ctime {
        bracketed: bool,
    },
    Kmsg {
        sequence: &'a [u8],
        flags: &'a [u8],
    },
    Raw,
    /// No time at all.
    Bare,
}

/// What says that the line is the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// That it is written in a form of the kernel's own log.
    None,
    /// `kernel:`
    Kernel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// `<4>` at the beginning.
    Number,
    /// `kern.warn` before the tag.
    Word,
    /// `kern  :warn  : ` at the beginning.
    Columns,
}

/// A header in pieces that other lines have in common with it: of
/// `2026-11-22T09:25:54.194069+00:00 fw kernel: `, the date, the fraction, and what follows them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeaderSpans<'a> {
    pub(crate) time: LogTime,
    /// The date as far as the second: `2026-11-22T09:25:54`.
    pub(crate) date: &'a [u8],
    /// How many bytes the fraction has, its dot included: 7.
    pub(crate) fraction: usize,
    /// From the end of the fraction on: offset, host, tag, and the spaces after it.
    pub(crate) host_and_tag: &'a [u8],
}

/// The part of a header before the kernel's text: `2026-11-22T09:25:54.194069+00:00 fw kernel:`.
#[derive(Debug, Clone, Copy)]
struct Envelope<'a> {
    time: Option<LogTime>,
    host: &'a [u8],
    priority: Option<u8>,
    form: Form<'a>,
    tag: Tag,
}

/// The envelope of a line, where its priority is, and how many spaces come after it.
type Opened<'a> = (&'a [u8], Envelope<'a>, Level, usize);

impl Layout<'_> {
    /// The form rsyslog gives a line of that kind of time.
    pub(crate) fn of(time: LogTime) -> Self {
        let form = match time {
            LogTime::Rfc3339(_) => Form::Rfc3339(Stamp::default()),
            LogTime::Rfc3164 { .. } => Form::Rfc3164 { fraction_digits: 0 },
            LogTime::Local(_) => Form::Rfc3339(Stamp::local()),
            LogTime::SinceBoot(_) => Form::Raw,
        };
        let is_raw = form == Form::Raw;
        Self {
            form,
            tag: if is_raw { Tag::None } else { Tag::Kernel },
            level: Level::Number,
            gap: usize::from(!is_raw),
            text: text::Layout::default(),
        }
    }
}

impl<'a> Header<'a> {
    /// The header of a line and the kernel's message after it, or why the line is not the kernel's.
    pub(crate) fn parse(
        line: &'a [u8],
        trace: &mut impl Trace,
    ) -> Result<(&'a [u8], Self), ParseError> {
        let (rest, envelope, level, gap) = Self::parse_envelope(line)?;
        let (message, text) = text::parse(line, rest, &envelope, trace)?;
        let uptime = match envelope.form {
            Form::Kmsg { .. } => envelope.time.and_then(since_boot),
            _ => text.uptime,
        };
        let raw_time = text.uptime.map(LogTime::SinceBoot);
        let Some(time) = envelope.time.or(raw_time) else {
            return Err(ParseError::malformed(line, message, "a time stamp"));
        };
        let layout = Layout {
            form: envelope.form,
            tag: envelope.tag,
            level,
            gap,
            text: text.layout,
        };
        Ok((
            message,
            Self {
                time,
                uptime,
                priority: envelope.priority,
                host: envelope.host,
                repeated: text.repeated,
                end: text.end,
                layout,
            },
        ))
    }

    /// What the syslog daemon wrote, and where the kernel's own text begins: at its stamp, if it
    /// has one.
    fn parse_envelope(line: &'a [u8]) -> Result<Opened<'a>, ParseError> {
        let unknown = |at| ParseError::rejected(line, at, Origin::NoHeader);
        let text = line.strip_prefix(text::BOM).unwrap_or(line);
        let (rest, number) = opt(priority).parse(text).map_err(|_| unknown(line))?;
        if number.is_some_and(|number| number >= KERNEL_PRIORITIES) {
            return Err(ParseError::rejected(line, text, Origin::Facility));
        }
        let (rest, columns) = match rest {
            [first, ..] if first.is_ascii_lowercase() && number.is_none() => {
                columns::parse(line, rest)?
            }
            _ => (rest, None),
        };
        let mut found = None;
        for (parse, _) in FORMS {
            match parse(rest) {
                Ok((message, envelope)) => {
                    found = Some((message, envelope));
                    break;
                }
                // The form is this one, and the tag another program's.
                Err(nom::Err::Failure(mismatch)) => return Err(foreign(line, &mismatch)),
                Err(_) => {}
            }
        }
        let bare = || columns.map(|_| (rest, Envelope::bare(Form::Bare)));
        let (message, mut envelope) = found.or_else(bare).ok_or_else(|| unknown(rest))?;
        let level = match (number, columns, envelope.priority) {
            (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => return Err(unknown(line)),
            (Some(number), ..) => {
                envelope.priority = Some(number);
                Level::Number
            }
            (_, Some(number), _) => {
                envelope.priority = Some(number);
                Level::Columns
            }
            (_, _, Some(_)) if !matches!(envelope.form, Form::Kmsg { .. }) => Level::Word,
            _ => Level::Number,
        };
        let spaces = message.iter().take_while(|byte| **byte == b' ').count();
        let gap = match envelope.tag {
            Tag::Kernel => spaces,
            Tag::None => 0,
        };
        let message = message.get(gap..).unwrap_or_default();
        Ok((message, envelope, level, gap))
    }

    /// The pieces of a header that can be part of a [template](crate::template); `None` for one
    /// that begins with anything but a date of one of the two forms of rsyslog's files.
    pub(crate) fn spans(line: &'a [u8]) -> Option<HeaderSpans<'a>> {
        let (message, envelope, ..) = Self::parse_envelope(line).ok()?;
        let date = match (envelope.form, line.first()) {
            (Form::Rfc3164 { fraction_digits: 0 }, Some(b'A'..=b'Z')) => rfc3164::LENGTH,
            (Form::Rfc3339(stamp), Some(b'0'..=b'9')) if stamp.is_usual() => rfc3339::LENGTH,
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
        Some(HeaderSpans {
            time: envelope.time?,
            date,
            fraction,
            host_and_tag: between.get(fraction..)?,
        })
    }

    pub(crate) fn render(&self, out: &mut Vec<u8>) {
        let Layout {
            form,
            tag,
            level,
            gap,
            text,
        } = self.layout;
        let in_form = matches!(form, Form::Kmsg { .. });
        match (self.priority, level) {
            (Some(priority), Level::Number) if !in_form => put!(out, "<{priority}>"),
            (Some(priority), Level::Columns) => columns::render(priority, out),
            _ => {}
        }
        match form {
            Form::Raw if tag == Tag::Kernel => {
                raw::render(since_boot(self.time).unwrap_or_default(), out);
            }
            Form::Raw | Form::Bare => {}
            Form::Rfc3164 { fraction_digits } => {
                rfc3164::render(self.time, fraction_digits, out);
            }
            Form::Rfc3339(stamp) => rfc3339::render(self.time, stamp, out),
            Form::Rfc5424 { stamp, fields } => {
                rfc5424::render(self.time, stamp, self.host, fields, out);
            }
            Form::Unix { fraction_digits } => unix::render(self.time, fraction_digits, out),
            Form::Full { stamp, zone } => full::render(self.time, stamp, zone, out),
            Form::Ctime { bracketed } => ctime::render(self.time, bracketed, out),
            Form::Kmsg { sequence, flags } => {
                kmsg::render(self.priority, sequence, self.time, flags, out);
            }
        }
        match (form, tag) {
            (Form::Rfc5424 { .. }, _) => {}
            (_, Tag::Kernel) => {
                let word = self.priority.filter(|_| level == Level::Word);
                tag::render(self.host, word, out);
            }
            (Form::Rfc3339(_), Tag::None) => out.push(b' '),
            (_, Tag::None) => {}
        }
        out.extend(std::iter::repeat_n(b' ', gap));
        text.render(self.repeated, self.uptime.filter(|_| !in_form), out);
    }

    /// What stands after the message.
    pub(crate) fn render_end(&self, out: &mut Vec<u8>) {
        if self.repeated.is_some() {
            out.push(b']');
        }
    }
}

impl<'a> Envelope<'a> {
    /// The envelope of a line that has a time, and `origin` after it.
    fn new(time: LogTime, form: Form<'a>, origin: tag::Origin<'a>) -> Self {
        Self {
            time: Some(time),
            host: origin.host,
            priority: origin.priority,
            form,
            tag: origin.tag,
        }
    }

    /// The envelope of a line that has neither a time nor a tag.
    fn bare(form: Form<'a>) -> Self {
        Self {
            time: None,
            host: b"",
            priority: None,
            form,
            tag: Tag::None,
        }
    }
}

fn since_boot(time: LogTime) -> Option<Duration> {
    match time {
        LogTime::SinceBoot(uptime) => Some(uptime),
        _ => None,
    }
}

/// Why a line is not the kernel's whose form is known and that goes on with something else than the
/// kernel's tag.
fn foreign(line: &[u8], mismatch: &Mismatch<'_>) -> ParseError {
    if mismatch.expected == kmsg::FACILITY {
        return ParseError::rejected(line, mismatch.at, Origin::Facility);
    }
    let is_app_name = mismatch.expected == rfc5424::APP_NAME;
    let app_name = || {
        let end = mismatch.at.iter().position(|byte| *byte == b' ')?;
        is_app_name.then_some(end)
    };
    let name = tag::program(mismatch.at).or_else(app_name);
    let origin = name.map_or(Origin::NoHeader, |length| Origin::Program { length });
    ParseError::rejected(line, mismatch.at, origin)
}

/// Eight levels of facility 0. syslog(3) and /dev/kmsg turn it into another for who asks for it; a
/// program that writes to the log socket itself can claim it.
const KERNEL_PRIORITIES: u8 = 8;

/// `<4>`
fn priority(input: &[u8]) -> Parsed<'_, u8> {
    delimited(bytes(&b"<"[..]), decimal, bytes(&b">"[..])).parse(input)
}

/// A word and the spaces after it.
fn word(input: &[u8]) -> Parsed<'_, &[u8]> {
    let graphic = |byte: u8| byte > b' ' && byte != 0x7f;
    terminated(take_while1(graphic), take_while1(|byte| byte == b' ')).parse(input)
}

#[cfg(test)]
mod tests;
