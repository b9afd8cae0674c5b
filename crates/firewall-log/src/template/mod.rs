//! Lines that are built like one that was read before, read only as far as counting needs.
//!
//! Millions of lines of a log come from a few dozen *templates*: texts that stand in every line,
//! and values between them. From the line
//!
//! ```text
//! 2026-11-22T09:25:54.194069+00:00 fw kernel: [ 1836.585591] IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 …
//! ```
//!
//! a [`Recognizer`] learns the template
//!
//! ```text
//! 2026-11-22T09:‹mm:ss›.‹digits›+00:00 fw kernel: [ ‹seconds›] IPTABLES-BLOCKED: IN=eth0 OUT= SRC=‹IPv4› DST=203.0.113.1 LEN=‹number› TOS=0x00 …
//! ```
//!
//! There is one grammar, that of [`Event::parse`](Event::parse). The parser tells where those
//! [values](crate::trace) stand that decide nothing about how the rest is read. A line with the
//! same texts, and a value of the same kind in each gap, is therefore the same line to the parser:
//! the recognizer compares the texts, reads time, source and port, and passes over the other
//! values.
//!
//! The `header` of a template is kept apart from its message. Messages are a `tree`,
//! so that templates that begin alike are compared once.

mod header;
mod observation;
mod padded;
mod text;
mod tree;
mod value;

use std::num::NonZeroU32;

use self::header::HeaderTemplate;
pub(crate) use self::observation::{Observation, Source};
pub(crate) use self::padded::{PADDED, PaddedLine};
use self::tree::{Field, Leaf, Templates, Tracer};
use crate::error::ParseError;
use crate::event::{Event, strip_end};
use crate::header::Header;
use crate::rule::Nature;
use crate::time::{Clock, LogTime, to_micros};
use crate::trace::Kind;

/// What the parser made of a line that was not recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParsedLine {
    /// In microseconds; `None` if the line's time cannot be placed.
    pub(crate) at: Option<i64>,
    /// `None` for a packet without source, or without a time.
    pub(crate) observation: Option<Observation>,
    /// The packets that the line [stands for](Event::repeated).
    pub(crate) repeated: Option<NonZeroU32>,
}

/// Reads lines, and knows the templates of those it has read.
#[derive(Debug, Clone)]
pub(crate) struct Recognizer {
    clock: Clock,
    headers: Vec<HeaderTemplate>,
    templates: Templates,
    /// Whether the header of the last line was recognized.
    knows_header: bool,
    /// Whether any rule asks for ports.
    ports: bool,
    /// Where the values of the last line stand.
    fields: Vec<Field>,
}

/// The most headers that are remembered: those of a few hosts in one log.
const HEADERS: usize = 16;

impl Recognizer {
    /// A recognizer that has read nothing; `ports`: whether any rule asks for them.
    pub(crate) fn new(clock: Clock, ports: bool) -> Self {
        Self {
            clock,
            headers: Vec::new(),
            templates: Templates::new(ports),
            knows_header: false,
            ports,
            fields: Vec::new(),
        }
    }

    /// Reads the first line of `line` into `what`, if its template is known; the length of that
    /// line, its line end included. `None` says nothing about the line.
    #[inline(never)]
    pub(crate) fn recognize(
        &mut self,
        line: PaddedLine<'_>,
        what: &mut Observation,
    ) -> Option<usize> {
        let first = self.headers.first_mut();
        let message = first.and_then(|header| header.read(line, what));
        let message = message.or_else(|| self.other_header(line, what));
        self.knows_header = message.is_some();
        self.templates.find(line, message?, what)
    }

    /// Tries all headers but the first; one that fits moves up by one place.
    #[inline(never)]
    fn other_header(&mut self, line: PaddedLine<'_>, what: &mut Observation) -> Option<usize> {
        let mut headers = self.headers.iter_mut().enumerate().skip(1);
        let (place, message) =
            headers.find_map(|(place, header)| Some((place, header.read(line, what)?)))?;
        self.headers.swap(place, place - 1);
        Some(message)
    }

    /// Parses a line that was not recognized, with or without its line end, and learns its
    /// template.
    ///
    /// `rule_set` makes of a prefix and a nature the number of the rules that count such packets;
    /// of the same always the same.
    #[inline(never)]
    pub(crate) fn parse(
        &mut self,
        line: &[u8],
        rule_set: impl FnOnce(&[u8], Nature) -> u32,
    ) -> Result<ParsedLine, ParseError> {
        let text = strip_end(line);
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        let event = Event::read(text, &mut Tracer::new(text.len(), &mut fields));
        let parsed = event.map(|event| {
            let at = self.instant(event.time);
            let rule_set = rule_set(event.prefix, Nature::of(&event.packet));
            let port = || Some(event.packet.network.transport()?.ports()?.1);
            let observation = at.zip(event.source()).map(|(at, source)| Observation {
                at,
                source: source.into(),
                rule_set,
                port: self.ports.then(port).flatten(),
                yearless: matches!(event.time, LogTime::Rfc3164 { .. }),
            });
            // What stands for many packets is told apart each time.
            if let Some(observation) = observation.as_ref().filter(|_| event.repeated.is_none()) {
                self.learn(line, &fields, observation);
            }
            ParsedLine {
                at,
                observation,
                repeated: event.repeated,
            }
        });
        self.fields = fields;
        parsed
    }

    /// The instant of a line's time, in microseconds, if it can be placed.
    pub(crate) fn instant(&self, time: LogTime) -> Option<i64> {
        time.resolve(&self.clock).ok().map(to_micros)
    }

    /// Remembers the template of a line, if the line ends and has a date.
    fn learn(&mut self, line: &[u8], fields: &[Field], what: &Observation) {
        if self.knows_header && !self.templates.wants() {
            return;
        }
        let Some(spans) = Header::spans(line).filter(|_| line.ends_with(b"\n")) else {
            return;
        };
        let host_and_tag = spans.date.len() + spans.fraction;
        let text = host_and_tag + spans.host_and_tag.len();
        // The kernel's stamp belongs to the header and not to the message.
        let (stamp, fields) = match fields {
            [stamp, rest @ ..] if stamp.kind == Kind::Seconds => (Some(stamp), rest),
            _ => (None, fields),
        };
        let (host_and_tag, message) = match stamp {
            Some(stamp) => (line.get(host_and_tag..stamp.start), stamp.end),
            None => (line.get(host_and_tag..text), text),
        };
        if !self.knows_header {
            let host_and_tag = host_and_tag.unwrap_or_default();
            let is_stamped = stamp.is_some();
            if let Some(header) = HeaderTemplate::new(spans, host_and_tag, is_stamped, &self.clock)
            {
                self.headers.truncate(HEADERS - 1);
                self.headers.push(header);
            }
        }
        let leaf = Leaf {
            rule_set: what.rule_set,
            has_port: what.port.is_some(),
        };
        self.templates.learn(line, message, fields, leaf);
    }
}

#[cfg(test)]
mod tests;
