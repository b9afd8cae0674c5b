//! How lines begin: a date, what stands between it and the kernel's text, and the kernel's own
//! stamp.

use super::sighting::Sighting;
use super::text::Text;
use super::window::Window;
use crate::digits;
use crate::header::Anatomy;
use crate::header::raw::micros;
use crate::time::{Clock, LogTime, MICROS, to_micros};

/// A date that lines begin with, and whether the kernel's stamp follows.
#[derive(Debug, Clone)]
pub(super) struct Date {
    /// Up to the hour and its colon, or the whole stamp where an hour is not all of one piece.
    text: Text,
    /// What stands between the date and the kernel's text, or the number of the kernel's stamp.
    glue: Text,
    /// The instant at the end of `text`, in microseconds.
    start: i64,
    whole: bool,
    yearless: bool,
    /// `MM:SS` of the last line, and where that is; many lines are of the same second.
    second: ([u8; SECOND], i64),
    /// Of a line with the kernel's stamp, as `1836.585591`, its part up to the point in the last
    /// line.
    stamp: Option<Text>,
}

const SECOND: usize = b"MM:SS".len();

impl Date {
    /// `None` for a date that says nothing of the lines after it. `glue`: from the date's fraction
    /// to the kernel's text, or to the number of its stamp.
    pub(super) fn new(
        anatomy: Anatomy<'_>,
        glue: &[u8],
        is_stamped: bool,
        clock: &Clock,
    ) -> Option<Self> {
        let Anatomy { time, date, .. } = anatomy;
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
            text: Text::new(text),
            glue: Text::new(glue),
            start,
            whole,
            yearless,
            second: ([0; SECOND], start),
            stamp: is_stamped.then(|| Text::new(b"")),
        })
    }

    /// When a line was that begins with this date, and where the text of the kernel goes on after
    /// its stamp.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "mostly there is one date")]
    pub(super) fn read(&mut self, line: Window<'_>, what: &mut Sighting) -> Option<usize> {
        let mut place = self.text.end(line, 0)?;
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
        place = self.glue.end(line, place)?;
        (what.at, what.yearless) = (at, self.yearless);
        match &mut self.stamp {
            Some(seconds) => stamp(line, place, seconds),
            // What may be a stamp, and more spaces than the line that is remembered: neither
            // belongs to a prefix.
            None => match line.at(place) {
                [b' ', _] | [b'[', b' ' | b'0'..=b'9'] => None,
                _ => Some(place),
            },
        }
    }
}

/// Where a stamp ends whose number begins at a place. Its part up to the point is kept: many lines
/// are of the same second.
#[inline(always)]
#[expect(clippy::inline_always, reason = "of nearly every line")]
fn stamp(line: Window<'_>, place: usize, seconds: &mut Text) -> Option<usize> {
    let fraction = seconds.end(line, place).filter(|end| *end > place);
    if let Some(fraction) = fraction.filter(|at| digits::six(*line.at(*at)).is_some()) {
        return Some(fraction + 6);
    }
    let (length, whole) = digits::seconds(line.from(place))?;
    *seconds = Text::new(line.from(place).get(..=whole)?);
    Some(place + length)
}

/// The microseconds that up to nine digits of a fraction are, and how many digits.
#[inline(always)]
#[expect(clippy::inline_always, reason = "mostly there are six")]
fn fraction(line: Window<'_>, place: usize) -> Option<(i64, usize)> {
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
