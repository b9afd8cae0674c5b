//! `4,7394,1836585591,-;`, a record of /dev/kmsg: level, sequence number, microseconds since boot,
//! flags.
//!
//! What the kernel escapes there (`\x0a`) stays as it is.

use std::time::Duration;

use super::tag::Origin;
use super::{Envelope, Form, KERNEL_PRIORITIES};
use crate::input::{Parsed, decimal, fail, mismatch};
use crate::render::put;
use crate::time::LogTime;

const EXPECTED: &str = "a record of /dev/kmsg";

/// What is expected of a record that a program wrote.
pub(super) const FACILITY: &str = "the kernel's facility";

pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let end = input.iter().position(|byte| matches!(byte, b';' | b' '));
    let fields = end.filter(|end| input.get(*end) == Some(&b';'));
    let Some((fields, rest)) =
        fields.and_then(|end| Some((input.get(..end)?, input.get(end + 1..)?)))
    else {
        return mismatch(input, EXPECTED);
    };
    let mut parts = fields.splitn(4, |byte| *byte == b',');
    let (Some(priority), Some(sequence), Some(micros), Some(flags)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return mismatch(input, EXPECTED);
    };
    let (Some(priority), Some(_), Some(micros)) =
        (number(priority), number(sequence), number(micros))
    else {
        return mismatch(input, EXPECTED);
    };
    let priority = match u8::try_from(priority) {
        Ok(priority) if priority < KERNEL_PRIORITIES => priority,
        _ => return mismatch(input, FACILITY).map_err(fail),
    };
    let time = LogTime::SinceBoot(Duration::from_micros(micros));
    let origin = Origin {
        priority: Some(priority),
        ..Origin::NONE
    };
    let form = Form::Kmsg { sequence, flags };
    Ok((rest, Envelope::new(time, form, origin)))
}

/// A whole field, of as many digits as the kernel's largest.
fn number(field: &[u8]) -> Option<u64> {
    const DIGITS_MAX: usize = 19;
    if field.len() <= 10 {
        let (rest, number) = decimal::<u64>(field).ok()?;
        return rest.is_empty().then_some(number);
    }
    let digits = field.len() <= DIGITS_MAX && field.iter().all(u8::is_ascii_digit);
    digits.then(|| {
        field
            .iter()
            .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    })
}

pub(super) fn render(
    priority: Option<u8>,
    sequence: &[u8],
    time: LogTime,
    flags: &[u8],
    out: &mut Vec<u8>,
) {
    let micros = super::since_boot(time).map_or(0, |uptime| uptime.as_micros());
    put!(out, "{},", priority.unwrap_or_default());
    out.extend_from_slice(sequence);
    put!(out, ",{micros},");
    out.extend_from_slice(flags);
    out.push(b';');
}
