//! `<7>1 2026-11-22T09:25:54.194069+00:00 host kernel - - - `.

use nom::Parser;
use nom::bytes::complete::tag;
use nom::combinator::{cut, recognize};

use super::rfc3339::{self, Stamp};
use super::{Envelope, Form, Tag, word};
use crate::input::{Parsed, mismatch, named};
use crate::render::put;
use crate::time::LogTime;

/// What is expected where another program's name stands.
pub(super) const APP_NAME: &str = "the application name kernel";

/// After `<pri>`.
pub(super) fn parse(input: &[u8]) -> Parsed<'_, Envelope<'_>> {
    let (rest, _) = tag(&b"1 "[..]).parse(input)?;
    let (rest, stamp) = match rest {
        [b'-', rest @ ..] => (rest, None),
        _ => rfc3339::instant(rest).and_then(|(after, stamp)| match stamp {
            (LogTime::Rfc3339(_), _) => Ok((after, Some(stamp))),
            _ => mismatch(rest, "an offset"),
        })?,
    };
    let (rest, _) = tag(&b" "[..]).parse(rest)?;
    let (rest, host) = word(rest)?;
    let (rest, _) = cut(named(APP_NAME, tag(&b"kernel "[..]))).parse(rest)?;
    let (rest, fields) = recognize((word, word, structured_data)).parse(rest)?;
    let time = stamp.map(|(time, _)| time);
    let form = Form::Rfc5424 {
        stamp: stamp.map(|(_, stamp)| stamp),
        fields,
    };
    Ok((
        rest,
        Envelope {
            time,
            host,
            priority: None,
            form,
            tag: Tag::Kernel,
        },
    ))
}

/// `-` or `[id name="value"]…`, in whose values `\` takes the next byte as it is.
fn structured_data(input: &[u8]) -> Parsed<'_, ()> {
    if let [b'-', rest @ ..] = input {
        return Ok((rest, ()));
    }
    let (mut quoted, mut escaped, mut open) = (false, false, false);
    for (index, byte) in input.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if open => quoted = !quoted,
            _ if quoted => {}
            b'[' if !open => open = true,
            b']' if open => open = false,
            b' ' if !open && index > 0 => return Ok((input.get(index..).unwrap_or_default(), ())),
            _ if open => {}
            _ => break,
        }
    }
    mismatch(input, "structured data or -")
}

pub(super) fn render(
    time: LogTime,
    stamp: Option<Stamp>,
    host: &[u8],
    fields: &[u8],
    out: &mut Vec<u8>,
) {
    put!(out, "1 ");
    match stamp {
        Some(stamp) => rfc3339::render(time, stamp, out),
        None => out.push(b'-'),
    }
    out.push(b' ');
    out.extend_from_slice(host);
    put!(out, " kernel ");
    out.extend_from_slice(fields);
}
