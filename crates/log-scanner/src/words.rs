//! How things are said: counts, times, and bytes that anyone may have written.

use std::fmt::Display;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serializer;

/// `1 line`, `2 lines`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A time to the second, as a person reads it beside the log: `2026-11-22 09:00:00 +01:00`.
pub(crate) fn local(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %:z")
        .to_string()
}

/// A value in JSON as it is written, with `serialize_with`.
pub(crate) fn as_text<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// What JSON leaves out, with `skip_serializing_if`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The text with everything that could steer a terminal or hide in it escaped, as in `\u{1b}`;
/// bytes that are not UTF-8 become U+FFFD.
pub(crate) fn plain(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '"' | '\'' => text.push(character),
            other => text.extend(other.escape_debug()),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_and_control_does_not() {
        assert_eq!(plain("IPTABLES-é \"x\": ".as_bytes()), "IPTABLES-é \"x\": ");
        assert_eq!(plain(b"\x1b[2J\n\\"), "\\u{1b}[2J\\n\\\\");
        assert_eq!(plain("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(plain(b"\xff"), "\u{fffd}");
    }
}
