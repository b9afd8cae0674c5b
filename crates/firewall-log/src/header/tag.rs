//! ` fw kernel:`, what rsyslog, journald and other syslog daemons write between the time and the
//! kernel's text.
//!
//! Before `kernel:` there may be a host, and the kernel's facility with the level (`kern.warn`).
//! Nothing else: what a program wrote comes after a tag of its own, and where a log names no hosts,
//! that tag stands in the host's place.

use super::columns::level;
use super::{Tag, word};
use crate::input::{Parsed, fail, mismatch};
use crate::render::put;

const TAG: &[u8] = b"kernel:";

/// What is between the time and the kernel's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) host: &'a [u8],
    pub(super) priority: Option<u8>,
    pub(super) tag: Tag,
}

/// From the space after the time on. What is not the kernel's is a failure where the other tag
/// begins: no other form has such a time.
pub(super) fn parse(input: &[u8]) -> Parsed<'_, Origin<'_>> {
    let [b' ', rest @ ..] = input else {
        return mismatch(input, "a space");
    };
    strict(rest)
}

fn strict(rest: &[u8]) -> Parsed<'_, Origin<'_>> {
    if let Some(rest) = kernel(rest) {
        return Ok((rest, Origin::new(b"", None)));
    }
    if let Some((rest, priority)) = facility(rest) {
        if let Some(rest) = kernel(rest) {
            return Ok((rest, Origin::new(b"", Some(priority))));
        }
    }
    let (after, host) = word(rest).map_err(fail)?;
    if host.ends_with(b":") || program(rest).is_some() {
        return mismatch(rest, "a host").map_err(fail);
    }
    if let Some(rest) = kernel(after) {
        return Ok((rest, Origin::new(host, None)));
    }
    let other = match facility(after) {
        Some((tagged, priority)) => match kernel(tagged) {
            Some(rest) => return Ok((rest, Origin::new(host, Some(priority)))),
            None => tagged,
        },
        None => other_facility(after),
    };
    mismatch(other, "kernel:").map_err(fail)
}

impl<'a> Origin<'a> {
    /// That of a line in which nothing stands between the time and the kernel's text.
    pub(super) const NONE: Self = Self {
        host: b"",
        priority: None,
        tag: Tag::None,
    };

    fn new(host: &'a [u8], priority: Option<u8>) -> Self {
        Self {
            host,
            priority,
            tag: Tag::Kernel,
        }
    }
}

/// The same at the beginning of what may as well be the kernel's own text: `None` if it is.
pub(super) fn parse_if_any(rest: &[u8]) -> Parsed<'_, Option<Origin<'_>>> {
    match strict(rest) {
        Ok((rest, origin)) => Ok((rest, Some(origin))),
        Err(error) => {
            // A program's tag: in the host's place, after a host, after a facility.
            let second = word(rest).ok().map(|(after, _)| after);
            let third = match &error {
                nom::Err::Failure(other) => Some(other.at),
                _ => None,
            };
            let has_number = |at: &&[u8]| {
                let tag = program(at).and_then(|end| at.get(..end));
                tag.is_some_and(|tag| tag.ends_with(b"]"))
            };
            let places = [Some(rest), second, third].into_iter().flatten();
            match { places }.find(has_number) {
                Some(at) => mismatch(at, "kernel:").map_err(fail),
                None => Ok((rest, None)),
            }
        }
    }
}

/// What follows the tag that rsyslog and journald give what comes from the kernel, and nothing
/// else.
fn kernel(input: &[u8]) -> Option<&[u8]> {
    let rest = input.strip_prefix(TAG)?;
    matches!(rest, [b' ', ..] | []).then_some(rest)
}

/// `kern.warn `
fn facility(input: &[u8]) -> Option<(&[u8], u8)> {
    let (rest, word) = word(input).ok()?;
    Some((rest, level(word.strip_prefix(b"kern.")?)?))
}

/// What follows another facility than the kernel's, or the same if it is none.
fn other_facility(input: &[u8]) -> &[u8] {
    let known = |word: &[u8]| {
        let mut parts = word.splitn(2, |byte| *byte == b'.');
        let name = parts.next().unwrap_or_default();
        let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_alphanumeric);
        is_name && parts.next().is_some_and(|name| level(name).is_some())
    };
    match word(input) {
        Ok((rest, word)) if known(word) => rest,
        _ => input,
    }
}

/// The length of the program's name, with its number, of a syslog tag that the text begins with:
/// `sshd[812]:`, `nginx:`.
pub(super) fn program(input: &[u8]) -> Option<usize> {
    let end = input
        .iter()
        .position(|byte| *byte == b' ')
        .unwrap_or(input.len());
    let word = input.get(..end)?;
    let name = word.strip_suffix(b":")?;
    (!name.is_empty()).then_some(name.len())
}

pub(super) fn render(host: &[u8], priority: Option<u8>, out: &mut Vec<u8>) {
    if !host.is_empty() {
        out.push(b' ');
        out.extend_from_slice(host);
    }
    if let Some(priority) = priority {
        put!(out, " kern.{}", super::columns::name(priority));
    }
    out.push(b' ');
    out.extend_from_slice(TAG);
}
