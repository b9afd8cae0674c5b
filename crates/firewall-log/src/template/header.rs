//! The headers of the templates: how lines begin, up to the kernel's message.
//!
//! Of `2026-11-22T09:25:54.194069+00:00 fw kernel: [ 1836.585591] IPTABLES-BLOCKED: …` these are
//! the hour with its colon (`2026-11-22T09:`), minute and second, the fraction, the text from there
//! to the number of the kernel's stamp (`+00:00 fw kernel: [ `), and that number.

use super::observation::Observation;
use super::padded::PaddedLine;
use super::text::Text;
use crate::digits;
use crate::header::HeaderSpans;
use crate::header::raw::micros;
use crate::time::{Clock, LogTime, MICROS, to_micros};

/// A header that lines begin with. It fits all lines of the same hour.
#[derive(Debug, Clone)]
pub(super) struct HeaderTemplate {
    /// The date up to the hour and its colon; all of the date if it is [`whole`](Self::whole).
    date: Text,
    /// From the date's fraction to the message, or to the number of the kernel's stamp.
    host_and_tag: Text,
    /// The instant that `date` is, in microseconds.
    start: i64,
    /// Whether `date` goes as far as the second: in an hour in which the clocks change, minutes and
    /// seconds do not say how far into it a line is.
    whole: bool,
    /// Whether the date has no year.
    yearless: bool,
    /// `MM:SS` of the last line and the instant that it is; many lines are of the same second.
    second: ([u8; SECOND], i64),
    /// Where lines have the kernel's stamp: its number in the last line, up to the point (`1836.`).
    stamp: Option<Text>,
}

const SECOND: usize = b"MM:SS".len();

impl HeaderTemplate {
    /// The template of a line's header; `None` if its date tells nothing of the dates of other
    /// lines.
    ///
    /// `host_and_tag` goes from the date's fraction to the message, or to the number of the
    /// kernel's stamp.
    pub(super) fn new(
        spans: HeaderSpans<'_>,
        host_and_tag: &[u8],
        is_stamped: bool,
        clock: &Clock,
    ) -> Option<Self> {
        let HeaderSpans { time, date, .. } = spans;
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
            date: Text::new(text),
            host_and_tag: Text::new(host_and_tag),
            start,
            whole,
            yearless,
            second: ([0; SECOND], start),
            stamp: is_stamped.then(|| Text::new(b"")),
        })
    }

    /// Reads the time of a line that begins with this header into `what`; where its message begins.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "mostly there is one date")]
    pub(super) fn read(&mut self, line: PaddedLine<'_>, what: &mut Observation) -> Option<usize> {
        let mut place = self.date.end(line, 0)?;
        if !self.whole {
            if line.at(place) != &self.second.0 {
                let into = digits::minute_and_second(*line.at(place))?;
                self.second = (*line.at(place), self.start + i64::from(into) * MICROS);
            }
            place += SECOND;
        }
        let (_, mut at) = self.second;
        if line.at(place) == b"." && !self.yearless {
            let (micros, digits) = fraction(line, place + 1)?;
            at += micros;
            place += 1 + digits;
        }
        place = self.host_and_tag.end(line, place)?;
        (what.at, what.yearless) = (at, self.yearless);
        match &mut self.stamp {
            Some(seconds) => stamp(line, place, seconds),
            // What may be a stamp, and more spaces than the header has: the parser takes neither
            // for a part of the message.
            None => match line.at(place) {
                [b' ', _] | [b'[', b' ' | b'0'..=b'9'] => None,
                _ => Some(place),
            },
        }
    }
}

/// Where the kernel's stamp ends, whose number begins at a place. `seconds`, the number up to the
/// point, is kept from line to line: many lines are of the same second.
#[inline(always)]
#[expect(clippy::inline_always, reason = "of nearly every line")]
fn stamp(line: PaddedLine<'_>, place: usize, seconds: &mut Text) -> Option<usize> {
    let fraction = seconds.end(line, place).filter(|end| *end > place);
    if let Some(fraction) = fraction.filter(|at| digits::six(*line.at(*at)).is_some()) {
        return Some(fraction + 6);
    }
    let (length, whole) = digits::seconds(line.from(place))?;
    *seconds = Text::new(line.from(place).get(..=whole)?);
    Some(place + length)
}

/// The microseconds that a fraction of up to nine digits is, and how many digits it has.
#[inline(always)]
#[expect(clippy::inline_always, reason = "mostly there are six")]
fn fraction(line: PaddedLine<'_>, place: usize) -> Option<(i64, usize)> {
    if let Some(micros) = digits::six(*line.at(place)) {
        return Some((micros.into(), 6));
    }
    let text = line.from(place);
    let (rest, micros) = micros(text).ok()?;
    Some((i64::try_from(micros).ok()?, text.len() - rest.len()))
}

/// The microseconds that `MM:SS` is into the hour; a leap second is counted with the second before
/// it.
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
