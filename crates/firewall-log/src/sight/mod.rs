//! A line read only as far as counting needs: is it the kernel's, is it well formed, when was it, who sent the packet.
//!
//! There is one grammar, that of [`Event::parse`](Event::parse). What an [`Eye`] adds is that it reads nothing twice: of every line that was
//! read, it remembers where the [values](crate::trace) stood that decide nothing about the rest. A line that is the same but for those, each of
//! its kind, is the same to the parser, so it is enough to compare the text between them and to read the few that matter.

mod chunk;
mod date;
mod sender;
mod shapes;
mod value;
mod window;

use self::date::Date;
pub(crate) use self::sender::Sender;
use self::shapes::{Field, Found, Outcome, Shapes, Tracer};
pub(crate) use self::window::{WINDOW, Window};
use crate::error::ParseError;
use crate::event::{Event, strip_end};
use crate::header::Header;
use crate::packet::Protocol;
use crate::time::{Clock, LogTime, to_micros};

/// What counting needs of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    /// In microseconds; `None` if the line's time cannot be placed.
    pub(crate) at: Option<i64>,
    /// Whether the line's date has no year.
    pub(crate) yearless: bool,
    /// `None` for a packet without source.
    pub(crate) sender: Option<Sender>,
}

/// Reads lines and remembers how those it has read were built.
#[derive(Debug, Clone)]
pub(crate) struct Eye {
    clock: Clock,
    dates: Vec<Date>,
    shapes: Shapes,
    /// Whether anyone asks for ports.
    ports: bool,
    /// Where the values of the last line stand.
    fields: Vec<Field>,
}

/// A few hosts in one log. More are looked at in full.
const DATES: usize = 16;

impl Eye {
    /// `ports`: whether anyone asks for them.
    pub(crate) fn new(clock: Clock, ports: bool) -> Self {
        Self {
            clock,
            dates: Vec::new(),
            shapes: Shapes::new(ports),
            ports,
            fields: Vec::new(),
        }
    }

    /// The line that a window begins with, and its length with its line end, if it is built as one that was read before. `None` says nothing
    /// about the line.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "so that what it answers is never in memory"
    )]
    pub(crate) fn recognize(&mut self, line: Window<'_>) -> Option<(Sight, usize)> {
        let (at, yearless, message) = self.date(line)?;
        let Found { sender, end } = self.shapes.find(line, message)?;
        let sight = Sight {
            at: Some(at),
            yearless,
            sender: Some(sender),
        };
        Some((sight, end))
    }

    /// When a line was, whether it lacks the year, and where the kernel's text in it begins.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "mostly there is one date")]
    fn date(&mut self, line: Window<'_>) -> Option<(i64, bool, usize)> {
        if let Some(date) = self.dates.first()
            && let Some((at, text)) = date.read(line)
        {
            return Some((at, date.yearless, text));
        }
        self.other_date(line)
    }

    /// A date that is found moves up by one.
    #[inline(never)]
    fn other_date(&mut self, line: Window<'_>) -> Option<(i64, bool, usize)> {
        let mut dates = self.dates.iter().enumerate().skip(1);
        let (place, (at, text), yearless) =
            dates.find_map(|(place, date)| Some((place, date.read(line)?, date.yearless)))?;
        self.dates.swap(place, place - 1);
        Some((at, yearless, text))
    }

    /// What a line is, with or without its line end. `judge` makes of a prefix and a protocol a number, of the same always the same.
    #[inline(never)]
    pub(crate) fn study(
        &mut self,
        line: &[u8],
        judge: impl FnOnce(&[u8], Option<Protocol>) -> u32,
    ) -> Result<Sight, ParseError> {
        let text = strip_end(line);
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        let event = Event::read(text, &mut Tracer::new(text.len(), &mut fields));
        let sight = event.map(|event| {
            let kind = judge(event.prefix, event.packet.protocol());
            let port = || Some(event.packet.network.transport()?.ports()?.1);
            let sender = event.source().map(|source| Sender {
                source: source.into(),
                kind,
                port: self.ports.then(port).flatten(),
            });
            if let Some(sender) = &sender {
                self.learn(line, &fields, sender);
            }
            Sight {
                at: event.time.resolve(&self.clock).ok().map(to_micros),
                yearless: matches!(event.time, LogTime::Rfc3164 { .. }),
                sender,
            }
        });
        self.fields = fields;
        sight
    }

    /// Remembers how a line is built, if it ends and has a date.
    fn learn(&mut self, line: &[u8], fields: &[Field], sender: &Sender) {
        let Some(anatomy) = Header::anatomy(line).filter(|_| line.ends_with(b"\n")) else {
            return;
        };
        let message = anatomy.date.len() + anatomy.fraction + anatomy.glue.len();
        let mut text = [0; WINDOW];
        text.iter_mut().zip(line).for_each(|(to, from)| *to = *from);
        if Window::new(&text).is_none_or(|line| self.date(line).is_none())
            && let Some(date) = Date::new(anatomy, &self.clock)
        {
            self.dates.truncate(DATES - 1);
            self.dates.push(date);
        }
        let outcome = Outcome {
            kind: sender.kind,
            has_port: sender.port.is_some(),
        };
        self.shapes.learn(line, message, fields, outcome);
    }
}

#[cfg(test)]
mod tests;
