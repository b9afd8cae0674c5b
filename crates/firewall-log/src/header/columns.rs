//! `kern  :warn  : ` of `dmesg -x`, and the names of levels.

use super::KERNEL_PRIORITIES;
use crate::error::{Origin, ParseError};
use crate::render::put;

/// The names of the levels, from 0, as dmesg, busybox and `OpenWrt` print them.
const LEVELS: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug",
];

/// The bytes of a column and the colon after it.
const COLUMN: usize = 7;

/// A level by its name.
pub(super) fn level(name: &[u8]) -> Option<u8> {
    let name = if name == b"warning" { b"warn" } else { name };
    let place = LEVELS.iter().position(|level| level.as_bytes() == name)?;
    u8::try_from(place).ok()
}

pub(super) fn name(priority: u8) -> &'static str {
    let place = usize::from(priority % KERNEL_PRIORITIES);
    LEVELS.get(place).copied().unwrap_or_default()
}

/// Facility and level before a line of dmesg, if they are there; an error if the facility is not
/// the kernel's.
pub(super) fn parse<'a>(
    line: &'a [u8],
    input: &'a [u8],
) -> Result<(&'a [u8], Option<u8>), ParseError> {
    let column = |input: &'a [u8]| {
        let (column, rest) = input.split_at_checked(COLUMN)?;
        Some((column.strip_suffix(b":")?.trim_ascii_end(), rest))
    };
    let both = column(input).and_then(|(facility, rest)| {
        let (name, rest) = column(rest)?;
        Some((facility, level(name)?, rest.strip_prefix(b" ")?))
    });
    match both {
        None => Ok((input, None)),
        Some((b"kern", level, rest)) => Ok((rest, Some(level))),
        Some(_) => Err(ParseError::rejected(line, input, Origin::Facility)),
    }
}

pub(super) fn render(priority: u8, out: &mut Vec<u8>) {
    put!(out, "kern  :{:<6}: ", name(priority));
}
