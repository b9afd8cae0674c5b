//! How the lines that were read are built: texts that are always there, and values between them.

use super::sighting::{Sighting, Source};
use super::text::Text;
use super::value;
use super::window::{REACH, Window};
use crate::digits::{self, Limit};
use crate::rule::is_service_port;
use crate::trace::{Kind, Trace};

/// What is known of the kernel's text in a line once its shape is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) kind: u32,
    /// Whether the first port in the line is one that the packet itself went to.
    pub(super) has_port: bool,
}

/// Where in a line a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Takes down where in a line values stand.
pub(super) struct Tracer<'a> {
    line: usize,
    fields: &'a mut Vec<Field>,
}

impl<'a> Tracer<'a> {
    /// Of a line of so many bytes.
    pub(super) fn new(line: usize, fields: &'a mut Vec<Field>) -> Self {
        Self { line, fields }
    }
}

impl Trace for Tracer<'_> {
    fn value(&mut self, kind: Kind, text: &[u8], rest: &[u8]) {
        // Every text is the end of the line.
        self.fields.push(Field {
            kind,
            start: self.line.saturating_sub(text.len()),
            end: self.line.saturating_sub(rest.len()),
        });
    }
}

/// The shapes, as a tree: lines that begin alike share their steps.
#[derive(Debug, Clone)]
pub(super) struct Shapes {
    steps: Vec<Step>,
    /// Whether anyone asks for ports.
    ports: bool,
    /// What is a value like others that mostly is the same in all lines, since there were too many
    /// of it.
    loose: Loose,
    /// Lines for whose shape there was no room.
    refused: u32,
}

/// Where a packet goes and the octets of its frame, which hosts on a wire have in common and a
/// router or a large network has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loose {
    Nothing,
    Destinations,
    Frames,
}

/// A text, and what follows it.
// Of a size that is quick to multiply with.
#[repr(C, align(128))]
#[derive(Debug, Clone)]
struct Step {
    text: Text,
    then: Then,
    /// The step after that.
    next: Place,
    /// The step to take where this is not the one.
    other: Place,
}

/// Of a step; [`NOWHERE`] for none.
type Place = u32;

const NOWHERE: Place = Place::MAX;

/// What comes after a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// A number that is passed over.
    Number(Limit),
    /// The source.
    V4,
    V6,
    /// The first port.
    Port,
    /// A source port that answers come from, or one that they do not: what follows is of another
    /// nature.
    SourcePort(bool),
    /// A destination that is many hosts, or one that is one: likewise.
    Destination(Kind, bool),
    /// Another value that is passed over.
    Value(Kind),
    End(Outcome),
}

/// So many steps, and so many in one place, are looked through more quickly than a line is read.
const STEPS: usize = 1024;
const BRANCHES: usize = 24;

/// When so many lines have found no room, the log is another one.
const REFUSED: u32 = 1 << 12;

/// Of lines that find no room, one in so many is tried: whoever is logged can make every line
/// unlike all before it.
const TRIED: u32 = 16;

impl Shapes {
    pub(super) fn new(ports: bool) -> Self {
        Self {
            steps: Vec::new(),
            ports,
            loose: Loose::Nothing,
            refused: 0,
        }
    }

    /// What the text from a place on is, if it is known, and where the line ends.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is called in one place")]
    pub(super) fn find(
        &self,
        line: Window<'_>,
        mut at: usize,
        what: &mut Sighting,
    ) -> Option<usize> {
        let mut port = 0;
        let mut place = 0;
        loop {
            let step = self.step(place)?;
            let Some(start) = step.text.end(line, at) else {
                place = step.other;
                continue;
            };
            place = step.next;
            match &step.then {
                Then::Number(limit) => {
                    if let Some(length) = limit.short(*line.at(start)) {
                        at = start + length;
                    } else if let Some(length) = limit.long(line.from(start)) {
                        at = start + length;
                    } else {
                        place = step.other;
                    }
                }
                // Another kind of address may come after the same text.
                Then::V4 => match digits::ipv4_of_20(line.at(start)) {
                    Some((address, length)) => {
                        what.source = Source::from(address);
                        at = start + length;
                    }
                    None => place = step.other,
                },
                Then::V6 => match digits::ipv6(line.at(start)) {
                    Some(address) => {
                        what.source = Source::from(address);
                        at = start + digits::IPV6;
                    }
                    None => place = step.other,
                },
                Then::Port => match value::port(*line.at(start)) {
                    Some((number, length)) => {
                        port = number;
                        at = start + length;
                    }
                    None => place = step.other,
                },
                Then::SourcePort(answers) => match value::port(*line.at(start)) {
                    Some((number, length)) if is_service_port(number) == *answers => {
                        at = start + length;
                    }
                    _ => place = step.other,
                },
                Then::Destination(kind, many) => {
                    match value::destination(*kind, line.from(start)) {
                        Some((length, found)) if found == *many => at = start + length,
                        _ => place = step.other,
                    }
                }
                Then::Value(kind) => match value::length(*kind, line.from(start)) {
                    Some(length) => at = start + length,
                    None => place = step.other,
                },
                Then::End(outcome) => {
                    what.kind = outcome.kind;
                    what.port = outcome.has_port.then_some(port);
                    return (start < REACH).then_some(start);
                }
            }
        }
    }

    /// Whether the next line is to be remembered.
    pub(super) fn wants(&mut self) -> bool {
        let is_full = self.refused > 0;
        self.refused += u32::from(is_full);
        !is_full || self.refused % TRIED == 0
    }

    /// Remembers a line from the kernel's text on, which begins at `message`.
    #[cold]
    pub(super) fn learn(
        &mut self,
        line: &[u8],
        message: usize,
        fields: &[Field],
        outcome: Outcome,
    ) {
        if self.insert(line, message, fields, outcome) {
            return;
        }
        self.refused = self.refused.max(1);
        if self.loose < Loose::Frames || self.refused > REFUSED {
            self.steps.clear();
            self.refused = 0;
            self.loose = match self.loose {
                Loose::Nothing => Loose::Destinations,
                Loose::Destinations | Loose::Frames => Loose::Frames,
            };
            self.insert(line, message, fields, outcome);
        }
    }

    /// Whether there was room.
    fn insert(&mut self, line: &[u8], message: usize, fields: &[Field], outcome: Outcome) -> bool {
        let Some(steps) = self.steps_of(line, message, fields, outcome) else {
            // Not a line that could be told by its shape.
            return true;
        };
        let mut before = None;
        for step in steps {
            before = self.step_after(before, step);
            if before.is_none() {
                return false;
            }
        }
        true
    }

    /// The steps of a line, of which none knows the next yet. `None` if the values are not in
    /// order.
    fn steps_of(
        &self,
        line: &[u8],
        message: usize,
        fields: &[Field],
        outcome: Outcome,
    ) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        let (mut at, mut addresses, mut port) = (message, 0, !self.ports);
        for field in fields {
            let is_address = matches!(field.kind, Kind::Ipv4 | Kind::Ipv6);
            addresses += u32::from(is_address);
            // The second address is the destination; others are those of a packet that is quoted.
            let value = || line.get(field.start..);
            let then = match field.kind {
                Kind::Ipv4 if addresses == 1 => Then::V4,
                Kind::Ipv6 if addresses == 1 => Then::V6,
                _ if is_address && addresses == 2 && self.loose < Loose::Destinations => continue,
                Kind::Colons if self.loose < Loose::Frames => continue,
                _ if field.kind == Kind::Colons || (is_address && addresses == 2) => {
                    let (_, many) = value::destination(field.kind, value()?)?;
                    Then::Destination(field.kind, many)
                }
                Kind::SourcePort if self.ports => {
                    let (number, _) = value::port(*value()?.first_chunk()?)?;
                    Then::SourcePort(is_service_port(number))
                }
                Kind::Port if !port => Then::Port,
                Kind::Port | Kind::SourcePort => Then::Number(Limit::new(u16::MAX.into())),
                Kind::Decimal(most) => Then::Number(Limit::new(most)),
                kind => Then::Value(kind),
            };
            port |= field.kind == Kind::Port;
            steps.push(Step::new(line.get(at..field.start)?, then));
            at = field.end;
        }
        steps.push(Step::new(line.get(at..)?, Then::End(outcome)));
        Some(steps)
    }

    /// Where a step stands that follows another, or begins a text; it is made if there is room.
    fn step_after(&mut self, before: Option<Place>, step: Step) -> Option<Place> {
        let first = match before {
            Some(before) => self.step(before)?.next,
            None if self.steps.is_empty() => NOWHERE,
            None => 0,
        };
        let (mut last, mut place, mut branches) = (None, first, 0);
        while let Some(one) = self.step(place) {
            if one.is_like(&step) {
                return Some(place);
            }
            (last, place, branches) = (Some(place), one.other, branches + 1);
        }
        if self.steps.len() >= STEPS || branches >= BRANCHES {
            return None;
        }
        let place = Place::try_from(self.steps.len()).ok()?;
        self.steps.push(step);
        if let Some(last) = last {
            self.step_mut(last)?.other = place;
        } else if let Some(before) = before {
            self.step_mut(before)?.next = place;
        }
        Some(place)
    }

    fn step(&self, place: Place) -> Option<&Step> {
        self.steps.get(usize::try_from(place).ok()?)
    }

    fn step_mut(&mut self, place: Place) -> Option<&mut Step> {
        self.steps.get_mut(usize::try_from(place).ok()?)
    }
}

impl Step {
    /// Of a text and what comes after it.
    fn new(text: &[u8], then: Then) -> Self {
        Self {
            text: Text::new(text),
            then,
            next: NOWHERE,
            other: NOWHERE,
        }
    }

    /// Whether both are the same, wherever they lead.
    fn is_like(&self, other: &Self) -> bool {
        self.text == other.text && self.then == other.then
    }
}
