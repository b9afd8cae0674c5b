//! Numbers as `strtoull` reads them: decimal, `0x…` hexadecimal, `0…` octal, with white space and a
//! sign in front.

use crate::report::{Refused, Report};

/// Why a text is not the number that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NotANumber,
    OutOfRange,
}

/// A number from `first` to `last`.
pub(super) fn number(
    report: &mut Report,
    text: &str,
    first: u64,
    last: u64,
) -> Result<u64, Refused> {
    within(text, first, last)
        .map_err(|fault| report.syntax_error(explanation(text, first, last, fault)))
}

/// As [`number`], where something else may be meant: a failure is a warning so far.
pub(super) fn number_or_warning(
    report: &mut Report,
    text: &str,
    first: u64,
    last: u64,
) -> Option<u64> {
    within(text, first, last)
        .map_err(|fault| {
            let why = explanation(text, first, last, fault);
            report.warning(format_args!("Syntax error: {why}"));
        })
        .ok()
}

fn within(text: &str, first: u64, last: u64) -> Result<u64, Fault> {
    let number = unsigned(text)?;
    if (first..=last).contains(&number) {
        Ok(number)
    } else {
        Err(Fault::OutOfRange)
    }
}

fn explanation(text: &str, first: u64, last: u64, fault: Fault) -> String {
    match fault {
        Fault::NotANumber => format!("'{text}' is invalid as number"),
        Fault::OutOfRange => format!("'{text}' is out of range {first}-{last}"),
    }
}

/// 0 to 255.
pub(super) fn byte(report: &mut Report, text: &str) -> Result<u8, Refused> {
    narrow(report, text, u8::MAX)
}

/// 0 to 65535.
pub(super) fn short(report: &mut Report, text: &str) -> Result<u16, Refused> {
    narrow(report, text, u16::MAX)
}

/// 0 to 4294967295.
pub(super) fn word(report: &mut Report, text: &str) -> Result<u32, Refused> {
    narrow(report, text, u32::MAX)
}

fn narrow<N: TryFrom<u64> + Into<u64> + Copy>(
    report: &mut Report,
    text: &str,
    last: N,
) -> Result<N, Refused> {
    let number = number(report, text, 0, last.into())?;
    Ok(N::try_from(number).unwrap_or(last))
}

fn unsigned(text: &str) -> Result<u64, Fault> {
    let (negative, digits) = sign(text);
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => (16, digits.get(2..)),
        [b'0', ..] => (8, Some(digits)),
        _ => (10, Some(digits)),
    };
    let digits = digits.unwrap_or("");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(Fault::NotANumber);
    }
    let number = u64::from_str_radix(digits, radix).map_err(|_| Fault::OutOfRange)?;
    Ok(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// A hexadecimal number from 0 to 255 as `strtol` reads it: `a`, `0A`, `0xa`.
pub(super) fn hex_byte(text: &str) -> Option<u8> {
    let (negative, digits) = sign(text);
    let digits = hex_digits(digits);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let number = u8::from_str_radix(digits, 16).ok()?;
    (number == 0 || !negative).then_some(number)
}

/// A hexadecimal number at the beginning of a text as `scanf` reads it, and the rest of the text.
/// Of a number that is too long, the low bits count.
pub(super) fn hex_prefix(text: &str) -> Option<(u32, &str)> {
    let (negative, unsigned) = sign(text);
    let digits = hex_digits(unsigned);
    let end = digits
        .find(|digit: char| !digit.is_ascii_hexdigit())
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    let number = u64::from_str_radix(digits, 16).unwrap_or(u64::MAX);
    let number = if negative {
        number.wrapping_neg()
    } else {
        number
    };
    let [_, _, _, _, a, b, c, d] = number.to_be_bytes();
    Some((u32::from_be_bytes([a, b, c, d]), rest))
}

fn hex_digits(text: &str) -> &str {
    match text.as_bytes() {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => {
            text.get(2..).unwrap_or(text)
        }
        _ => text,
    }
}

fn sign(text: &str) -> (bool, &str) {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_prefix_is_the_base() {
        for (text, number) in [
            ("0", Ok(0)),
            ("10", Ok(10)),
            ("010", Ok(8)),
            ("0x10", Ok(16)),
            ("0XfF", Ok(255)),
            (" \t+7", Ok(7)),
            ("-1", Ok(u64::MAX)),
            ("18446744073709551615", Ok(u64::MAX)),
            ("18446744073709551616", Err(Fault::OutOfRange)),
            ("99999999999999999999", Err(Fault::OutOfRange)),
            ("", Err(Fault::NotANumber)),
            ("+", Err(Fault::NotANumber)),
            ("+-1", Err(Fault::NotANumber)),
            ("0x", Err(Fault::NotANumber)),
            ("0xg", Err(Fault::NotANumber)),
            ("08", Err(Fault::NotANumber)),
            ("1 ", Err(Fault::NotANumber)),
            ("1a", Err(Fault::NotANumber)),
        ] {
            assert_eq!(unsigned(text), number, "{text:?}");
        }
    }

    #[test]
    fn a_failure_is_told_as_ipset_tells_it() {
        let mut report = Report::default();
        assert!(number(&mut report, "-1", 0, 2_147_483).is_err());
        assert_eq!(
            report.text(),
            "Syntax error: '-1' is out of range 0-2147483\n"
        );
        report.clear();
        assert!(byte(&mut report, "x").is_err());
        assert_eq!(report.text(), "Syntax error: 'x' is invalid as number\n");
    }

    #[test]
    fn bytes_of_a_mac_address() {
        assert_eq!(hex_byte("a"), Some(10));
        assert_eq!(hex_byte("0x0A"), Some(10));
        assert_eq!(hex_byte("000a"), Some(10));
        assert_eq!(hex_byte("-0"), Some(0));
        for text in ["", "g", "100", "-1", "0x", "1 "] {
            assert_eq!(hex_byte(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_number_survives_in_every_base(number: u64) {
            prop_assert_eq!(unsigned(&number.to_string()), Ok(number));
            prop_assert_eq!(unsigned(&format!("{number:#x}")), Ok(number));
            prop_assert_eq!(unsigned(&format!("0{number:o}")), Ok(number));
        }

        #[test]
        fn nothing_panics(text: String) {
            let _ = unsigned(&text);
            hex_byte(&text);
            hex_prefix(&text);
        }
    }
}
