//! A line read only as far as counting needs: is it the kernel's, is it well formed, when was it, who sent the packet.
//!
//! It is [`Event::parse`](crate::Event::parse)'s own grammar, with two things added. The packet is checked in nom's checking mode, which builds nothing.
//! And what consecutive lines have in common, word for word, is not read again: the date up to the hour, host and tag, everything from the prefix to `SRC=`, and
//! what follows from `DST=` on. A text that is the same bytes means the same; whatever is not is read in full.

use std::net::IpAddr;

use nom::Check;

use crate::error::ParseError;
use crate::event::{frame, strip_end, whole};
use crate::header::{self, Header};
use crate::packet::{Memory, Outline, Packet, Protocol};
use crate::time::{Clock, LogTime, MICROS, to_micros};

/// What counting needs of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    /// In microseconds; `None` if the line's time cannot be placed.
    pub(crate) at: Option<i64>,
    /// Whether the line's date has no year.
    pub(crate) yearless: bool,
    /// What the caller of [`Eye::look`] makes of the prefix.
    pub(crate) prefix: usize,
    pub(crate) source: Option<IpAddr>,
    pub(crate) protocol: Option<Protocol>,
    /// The destination port.
    pub(crate) port: Option<u16>,
}

/// Reads lines and remembers how the last ones began.
#[derive(Debug, Clone)]
pub(crate) struct Eye {
    clock: Clock,
    dates: Recent<Date>,
    heads: Recent<Head>,
    middles: Middles,
}

/// A date that lines begin with, and what stands between stamp and kernel text.
#[derive(Debug, Clone)]
struct Date {
    /// Up to the hour and its colon, or the whole stamp where an hour is not all of one piece.
    text: Box<[u8]>,
    glue: Box<[u8]>,
    /// The instant at the end of `text`, in microseconds.
    start: i64,
    whole: bool,
    yearless: bool,
}

/// From the prefix to where the network layer begins.
#[derive(Debug, Clone)]
struct Head {
    text: Box<[u8]>,
    prefix: usize,
}

impl Eye {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            dates: Recent::default(),
            heads: Recent::default(),
            middles: Middles::default(),
        }
    }

    /// What the line is, with or without its line end. `judge` makes of a prefix a number, of the same one always the
    /// same.
    #[inline]
    pub(crate) fn look(
        &mut self,
        line: &[u8],
        judge: impl FnMut(&[u8]) -> usize,
    ) -> Result<Sight, ParseError> {
        let line = strip_end(line);
        match self.recognize(line) {
            Some(sight) => Ok(sight),
            None => self.study(line, judge),
        }
    }

    /// A line that begins as one of the last did; `None` says nothing about the line.
    #[inline]
    fn recognize(&mut self, line: &[u8]) -> Option<Sight> {
        let (at, yearless, text) = self.dates.find(|date| date.read(line))?;
        let message = match text {
            [b'[', ..] => header::skip_stamp(text),
            // More spaces than the line that is remembered: they belong to no prefix.
            [b' ', ..] => return None,
            _ => text,
        };
        let (prefix, body) = self.heads.find(|head| {
            let body = message.strip_prefix(&*head.text)?;
            Some((head.prefix, body))
        })?;
        // What follows decides how the head is read, unless it is this.
        if !body.starts_with(b"SRC=") {
            return None;
        }
        let (_, (outline, ())) = Packet::parse_body::<Check>(body, &mut self.middles).ok()?;
        Some(Sight::new(Some(at), yearless, prefix, outline))
    }

    /// Reads the whole line.
    #[inline(never)]
    fn study(
        &mut self,
        line: &[u8],
        mut judge: impl FnMut(&[u8]) -> usize,
    ) -> Result<Sight, ParseError> {
        let (header, prefix, kernel_part) = frame(line)?;
        let body = whole(line, Packet::after_way(kernel_part))?;
        let way = kernel_part.len().saturating_sub(body.len());
        let way = kernel_part.get(..way).unwrap_or_default();
        let (outline, ()) = whole(line, Packet::parse_body::<Check>(body, &mut ()))?;
        let number = judge(prefix);
        if body.starts_with(b"SRC=") {
            self.remember(line, prefix, way, number);
        }
        let at = header.time.resolve(&self.clock).ok().map(to_micros);
        let yearless = matches!(header.time, LogTime::Rfc3164 { .. });
        Ok(Sight::new(at, yearless, number, outline))
    }

    fn remember(&mut self, line: &[u8], prefix: &[u8], way: &[u8], number: usize) {
        let Some(anatomy) = Header::anatomy(line) else {
            return;
        };
        if self.dates.find(|date| date.read(line)).is_none()
            && let Some(date) = Date::new(anatomy, &self.clock)
        {
            self.dates.add(date);
        }
        let text: Box<[u8]> = [prefix, way].concat().into();
        if self
            .heads
            .find(|head| (head.text == text).then_some(()))
            .is_none()
        {
            let prefix = number;
            self.heads.add(Head { text, prefix });
        }
    }
}

impl Sight {
    #[inline]
    fn new(at: Option<i64>, yearless: bool, prefix: usize, outline: Outline) -> Self {
        Self {
            at,
            yearless,
            prefix,
            source: outline.source,
            protocol: outline.protocol,
            port: outline.port,
        }
    }
}

impl Date {
    fn new(anatomy: header::Anatomy<'_>, clock: &Clock) -> Option<Self> {
        let header::Anatomy { time, date, glue } = anatomy;
        let yearless = matches!(time, LogTime::Rfc3164 { .. });
        let (hour, rest) = date.split_at_checked(date.len().checked_sub(b"MM:SS".len())?)?;
        let into = into_hour(rest)?;
        let at = to_micros(time.resolve(clock).ok()?);
        let (text, start, whole) = match time {
            // At the ends of the calendar an hour may be half outside it.
            LogTime::Rfc3339(_) if (b"1970"..=b"9998").contains(&date.first_chunk()?) => {
                let second = at.checked_sub(at.checked_rem_euclid(MICROS)?)?;
                (hour, second.checked_sub(into)?, false)
            }
            LogTime::Rfc3164 { .. } => match time.start_of_whole_hour(clock) {
                Some(start) => (hour, start, false),
                None => (date, at, true),
            },
            _ => return None,
        };
        Some(Self {
            text: text.into(),
            glue: glue.into(),
            start,
            whole,
            yearless,
        })
    }

    /// The instant of a line that begins with this date, whether it lacks the year, and the text of the kernel.
    #[inline]
    fn read<'a>(&self, line: &'a [u8]) -> Option<(i64, bool, &'a [u8])> {
        let rest = line.strip_prefix(&*self.text)?;
        let (at, rest) = if self.whole {
            (self.start, rest)
        } else {
            let (clock, rest) = rest.split_first_chunk::<5>()?;
            (self.start + into_hour(clock)?, rest)
        };
        let (micros, rest) = match rest {
            [b'.', rest @ ..] if !self.yearless => {
                let (rest, micros) = header::raw::micros(rest).ok()?;
                (i64::try_from(micros).ok()?, rest)
            }
            _ => (0, rest),
        };
        let text = rest.strip_prefix(&*self.glue)?;
        Some((at + micros, self.yearless, text))
    }
}

/// The microseconds that `MM:SS` is into the hour; a leap second is counted with the second before it.
#[inline]
fn into_hour(clock: &[u8]) -> Option<i64> {
    let [m1, m2, b':', s1, s2] = *clock else {
        return None;
    };
    let digit = |byte: u8| byte.wrapping_sub(b'0');
    let [m1, m2, s1, s2] = [m1, m2, s1, s2].map(digit);
    if m1 > 5 || m2 > 9 || s1 > 6 || s2 > 9 || (s1 == 6 && s2 > 0) {
        return None;
    }
    let minutes = i64::from(m1 * 10 + m2);
    let seconds = i64::from((s1 * 10 + s2).min(59));
    Some((minutes * 60 + seconds) * MICROS)
}

/// The last few of something, those in use near the front.
#[derive(Debug, Clone)]
struct Recent<T>(Vec<T>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A few hosts in one log, a few interfaces and routers in one network. More are looked at in full.
const RECENT: usize = 16;

/// The parts of a packet that follow its source, of each family.
#[derive(Debug, Clone, Default)]
struct Middles {
    v4: Recent<Box<[u8]>>,
    v6: Recent<Box<[u8]>>,
}

impl Middles {
    #[inline]
    fn of(&mut self, ipv6: bool) -> &mut Recent<Box<[u8]>> {
        if ipv6 { &mut self.v6 } else { &mut self.v4 }
    }
}

impl Memory for Middles {
    #[inline]
    fn known(&mut self, ipv6: bool, input: &[u8]) -> Option<usize> {
        self.of(ipv6)
            .find(|text| input.starts_with(text).then_some(text.len()))
    }

    #[cold]
    fn learn(&mut self, ipv6: bool, text: &[u8]) {
        // Fewer than of anything else: where packets go to many hosts, looking costs more than reading.
        let texts = self.of(ipv6);
        texts.0.truncate(RECENT / 2 - 1);
        texts.add(text.into());
    }
}

impl<T> Recent<T> {
    /// The first answer; who gave it moves up by one.
    #[inline]
    fn find<A>(&mut self, ask: impl Fn(&T) -> Option<A>) -> Option<A> {
        let (place, answer) = self
            .0
            .iter()
            .enumerate()
            .find_map(|(place, one)| Some((place, ask(one)?)))?;
        if place > 1 {
            self.0.swap(place, place - 1);
        }
        Some(answer)
    }

    fn add(&mut self, one: T) {
        self.0.truncate(RECENT - 1);
        self.0.push(one);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::event::Event;
    use crate::packet::Transport;

    const BODY: &str = "SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4660 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ";

    const V6_MIDDLE: &str = "DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=64";

    const V6: &str = "SRC=2001:0db8:0001:0000:0000:0000:0000:0007 DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=UDP SPT=1 DPT=53 LEN=8 ";

    fn clock() -> Clock {
        Clock::new(
            SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_343_154),
            TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap(),
        )
    }

    fn seen(event: &Event<'_>, clock: &Clock) -> (Option<i64>, Vec<u8>, Outline) {
        let at = event.time.resolve(clock).ok().map(to_micros);
        let outline = Outline {
            source: event.source(),
            protocol: event.packet.protocol(),
            port: event
                .packet
                .network
                .transport()
                .and_then(Transport::ports)
                .map(|(_, port)| port),
        };
        (at, event.prefix.to_vec(), outline)
    }

    /// The same eye sees all lines one after the other; each must look as it does to someone who has seen none.
    fn agree<'a>(lines: impl IntoIterator<Item = &'a [u8]>) {
        let mut eye = Eye::new(clock());
        let mut prefixes: Vec<Vec<u8>> = Vec::new();
        for line in lines {
            let one = eye.look(line, |prefix| {
                prefixes.push(prefix.to_vec());
                prefixes.len() - 1
            });
            match Event::parse(line) {
                Ok(event) => {
                    let sight = one.unwrap();
                    let outline = Outline {
                        source: sight.source,
                        protocol: sight.protocol,
                        port: sight.port,
                    };
                    let prefix = prefixes[sight.prefix].clone();
                    assert_eq!(
                        (sight.at, prefix, outline),
                        seen(&event, &clock()),
                        "{}",
                        line.escape_ascii()
                    );
                }
                Err(error) => {
                    assert_eq!(one.unwrap_err(), error, "{}", line.escape_ascii());
                }
            }
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a list of spellings")]
    fn what_is_known_again_is_what_is_read_in_full() {
        let stamps = [
            "2026-11-22T09:25:54.194069+00:00",
            "2026-11-22T09:59:60.1+00:00",
            "2026-11-22T09:60:00+00:00",
            "2026-11-22T09:05:61+00:00",
            "2026-11-22T09:25:54.123456789+00:00",
            "2026-11-22T09:25:54.1234567890+00:00",
            "2026-11-22T09:25:54.+00:00",
            "2026-11-22T09:25:54+0000",
            "2026-11-22 09:25:54Z",
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            "Nov 22 09:25:54",
            "Nov 22 09:25:60",
            "Nov 22 09:25:61",
            "Nov 22 09:26:54",
            "Nov 22 10:26:54",
            "Nov 22 09:2 :54",
            "Nov 22 09:25:54.5",
            "Mar 29 02:30:00",
            "Mar 29 02:30:01",
            "Oct 25 02:30:00",
            "<4>Nov 22 09:25:54",
        ];
        let glues = [
            " fw kernel: ",
            " fw kernel:  ",
            " fw kernel:",
            " kernel:x kernel: ",
            " kernel: ",
            " fw x: ",
        ];
        let uptimes = [
            "[ 1836.585591] ",
            "[1.5] ",
            "[1.5]",
            " [1.5] ",
            "[12345678901.5] ",
            "[1.5][ T12] ",
            "",
        ];
        let heads = [
            "IPTABLES-BLOCKED: IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 ",
            "IPTABLES-BLOCKED: IN=eth0 OUT= ",
            " X: IN=eth0 OUT= ",
            "IN=a OUT= ",
            "IN=IN=a OUT= ",
            "IN=a OUT=b IN=eth0 OUT= PHYSIN=eth1 ",
            "IN=a OUT=b SRC=1.2.3.4 IN=eth0 OUT= PHYSIN=eth1 ",
        ];
        let bodies = [
            BODY.to_owned(),
            BODY.replace("DPT=22 ", "DPT=65536 "),
            format!("{BODY}IN=x OUT= SRC=1.1.1.1 "),
            "OUT= SRC=1.1.1.1 ".to_owned(),
            format!("OUT= {BODY}"),
            "TRUNCATED".to_owned(),
            BODY.trim_end().to_owned(),
            BODY.replace("PREC=0x00 ", "PREC=0x00"),
            BODY.replace("LEN=60 ", "LEN=44 "),
            BODY.replace(
                "DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64",
                V6_MIDDLE,
            ),
            V6.to_owned(),
            V6.replace(
                V6_MIDDLE,
                "DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64",
            ),
            V6.replace("TC=0 ", "TC=0"),
            V6.replace("TC=0 ", "TC=01 "),
            format!("{BODY}\r"),
        ];
        let mut lines = Vec::new();
        for stamp in stamps {
            for glue in glues {
                for uptime in uptimes {
                    lines.push(format!("{stamp}{glue}{uptime}{}{BODY}", heads[0]));
                    lines.push(format!("{stamp}{glue}{uptime}{}{BODY}", heads[2]));
                }
            }
            for head in heads {
                for body in &bodies {
                    lines.push(format!("{stamp} fw kernel: {head}{body}"));
                }
            }
        }
        agree(lines.iter().map(String::as_bytes));
        agree(lines.iter().rev().map(String::as_bytes));
        // Every other one, so that different ones are remembered.
        for step in 2..7 {
            agree(
                lines
                    .iter()
                    .step_by(step)
                    .chain(&lines)
                    .map(String::as_bytes),
            );
        }
        agree(lines.iter().flat_map(|line| {
            (0..line.len())
                .step_by(7)
                .map(|cut| &line.as_bytes()[..cut])
        }));
    }
}
