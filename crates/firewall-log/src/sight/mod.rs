//! A line read only as far as counting needs: is it the kernel's, is it well formed, when was it,
//! who sent the packet.
//!
//! There is one grammar, that of [`Event::parse`](Event::parse). What an [`Eye`] adds is that it
//! reads nothing twice: of every line that was read, it remembers where the [values](crate::trace)
//! stood that decide nothing about the rest. A line that is the same but for those, each of its
//! kind, is the same to the parser, so it is enough to compare the text between them and to read
//! the few that matter.

mod date;
mod shapes;
mod sighting;
mod text;
mod value;
mod window;

use std::num::NonZeroU32;

use self::date::Date;
use self::shapes::{Field, Outcome, Shapes, Tracer};
pub(crate) use self::sighting::Sighting;
pub(crate) use self::window::{WINDOW, Window};
use crate::error::ParseError;
use crate::event::{Event, strip_end};
use crate::header::Header;
use crate::rule::Nature;
use crate::time::{Clock, LogTime, to_micros};
use crate::trace::Kind;

/// What a line is that has to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Study {
    /// In microseconds; `None` if the line's time cannot be placed.
    pub(crate) at: Option<i64>,
    /// `None` for a packet without source, or without a time.
    pub(crate) sighting: Option<Sighting>,
    /// The packets that the line [stands for](Event::repeated).
    pub(crate) repeated: Option<NonZeroU32>,
}

/// Reads lines and remembers how those it has read were built.
#[derive(Debug, Clone)]
pub(crate) struct Eye {
    clock: Clock,
    dates: Vec<Date>,
    shapes: Shapes,
    /// Whether the last line began with a date that is known.
    dated: bool,
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
            dated: false,
            ports,
            fields: Vec::new(),
        }
    }

    /// The length of the line that a window begins with, its line end included, if it is built as
    /// one that was read before, and what it is. `None` says nothing about the line.
    #[inline(never)]
    pub(crate) fn recognize(&mut self, line: Window<'_>, what: &mut Sighting) -> Option<usize> {
        let first = self.dates.first_mut();
        let message = first.and_then(|date| date.read(line, what));
        let message = message.or_else(|| self.other_date(line, what));
        self.dated = message.is_some();
        self.shapes.find(line, message?, what)
    }

    /// A date that is found moves up by one.
    #[inline(never)]
    fn other_date(&mut self, line: Window<'_>, what: &mut Sighting) -> Option<usize> {
        let mut dates = self.dates.iter_mut().enumerate().skip(1);
        let (place, message) =
            dates.find_map(|(place, date)| Some((place, date.read(line, what)?)))?;
        self.dates.swap(place, place - 1);
        Some(message)
    }

    /// What a line is that was not recognized, with or without its line end. `judge` makes of a
    /// prefix and a nature a number, of the same always the same.
    #[inline(never)]
    pub(crate) fn study(
        &mut self,
        line: &[u8],
        judge: impl FnOnce(&[u8], Nature) -> u32,
    ) -> Result<Study, ParseError> {
        let text = strip_end(line);
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        let event = Event::read(text, &mut Tracer::new(text.len(), &mut fields));
        let study = event.map(|event| {
            let at = self.place(event.time);
            let kind = judge(event.prefix, Nature::of(&event.packet));
            let port = || Some(event.packet.network.transport()?.ports()?.1);
            let sighting = at.zip(event.source()).map(|(at, source)| Sighting {
                at,
                source: source.into(),
                kind,
                port: self.ports.then(port).flatten(),
                yearless: matches!(event.time, LogTime::Rfc3164 { .. }),
            });
            // What stands for many packets is told apart each time.
            if let Some(sighting) = sighting.as_ref().filter(|_| event.repeated.is_none()) {
                self.learn(line, &fields, sighting);
            }
            Study {
                at,
                sighting,
                repeated: event.repeated,
            }
        });
        self.fields = fields;
        study
    }

    /// The instant of a line's time, in microseconds, if it can be placed.
    pub(crate) fn place(&self, time: LogTime) -> Option<i64> {
        time.resolve(&self.clock).ok().map(to_micros)
    }

    /// Remembers how a line is built, if it ends and has a date.
    fn learn(&mut self, line: &[u8], fields: &[Field], what: &Sighting) {
        if self.dated && !self.shapes.wants() {
            return;
        }
        let Some(anatomy) = Header::anatomy(line).filter(|_| line.ends_with(b"\n")) else {
            return;
        };
        let glue = anatomy.date.len() + anatomy.fraction;
        let text = glue + anatomy.glue.len();
        // The kernel's stamp is not in the shape: it goes with the date.
        let (stamp, fields) = match fields {
            [stamp, rest @ ..] if stamp.kind == Kind::Seconds => (Some(stamp), rest),
            _ => (None, fields),
        };
        let (glue, message) = match stamp {
            Some(stamp) => (line.get(glue..stamp.start), stamp.end),
            None => (line.get(glue..text), text),
        };
        if !self.dated {
            let glue = glue.unwrap_or_default();
            if let Some(date) = Date::new(anatomy, glue, stamp.is_some(), &self.clock) {
                self.dates.truncate(DATES - 1);
                self.dates.push(date);
            }
        }
        let outcome = Outcome {
            kind: what.kind,
            has_port: what.port.is_some(),
        };
        self.shapes.learn(line, message, fields, outcome);
    }
}

#[cfg(test)]
mod tests;
