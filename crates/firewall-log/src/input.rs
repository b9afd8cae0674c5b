//! The few nom combinators that every field of a line is read with.
//!
//! A key that is not there is a recoverable nom `Error`, so that `opt` and `alt` can go on; a key whose value is
//! wrong is a nom `Failure`, so that the message names the real place and not the last alternative tried.

use std::net::{Ipv4Addr, Ipv6Addr};

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while_m_n};
use nom::combinator::{cut, eof, opt, peek};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{preceded, terminated};
use nom::{AsChar, IResult, Parser};

/// What a parser of this crate answers: the rest of the line and the value, or where it went wrong.
pub(crate) type Parsed<'a, T> = IResult<&'a [u8], T, Mismatch<'a>>;

/// The rest of the line where something else was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mismatch<'a> {
    pub(crate) at: &'a [u8],
    pub(crate) expected: &'static str,
}

impl<'a> ParseError<&'a [u8]> for Mismatch<'a> {
    fn from_error_kind(at: &'a [u8], _: ErrorKind) -> Self {
        Self { at, expected: "" }
    }

    fn append(_: &'a [u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

pub(crate) fn mismatch<'a, T>(at: &'a [u8], expected: &'static str) -> Parsed<'a, T> {
    Err(nom::Err::Error(Mismatch { at, expected }))
}

/// Gives an anonymous mismatch of `parser` a name.
pub(crate) fn named<'a, T>(
    expected: &'static str,
    mut parser: impl Parser<&'a [u8], Output = T, Error = Mismatch<'a>>,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, T> {
    move |at| match parser.parse(at) {
        Err(nom::Err::Error(_)) => mismatch(at, expected),
        other => other,
    }
}

pub(crate) fn literal<'a>(text: &'static str) -> impl FnMut(&'a [u8]) -> Parsed<'a, &'a [u8]> {
    named(text, tag(text.as_bytes()))
}

/// The one space after an item. There is none before the bracket that ends a quoted packet cut short, and the last one of
/// a line is often stripped on the way to the file.
pub(crate) fn gap(input: &[u8]) -> Parsed<'_, ()> {
    named("a space", alt((tag(&b" "[..]), peek(tag(&b"]"[..])), eof)))
        .parse(input)
        .map(|(rest, _)| (rest, ()))
}

/// `KEY=value` and the space after it.
pub(crate) fn field<'a, T>(
    key: &'static str,
    value: impl Parser<&'a [u8], Output = T, Error = Mismatch<'a>>,
) -> impl Parser<&'a [u8], Output = T, Error = Mismatch<'a>> {
    preceded(literal(key), cut(terminated(value, gap)))
}

/// A bare word such as `DF`, and the space after it.
pub(crate) fn flag<'a>(input: &'a [u8], word: &'static str) -> (bool, &'a [u8]) {
    match terminated(literal(word), gap).parse(input) {
        Ok((rest, _)) => (true, rest),
        Err(_) => (false, input),
    }
}

/// An optional [`field`]; a value that is wrong stays an error.
pub(crate) fn optional<'a, T>(
    key: &'static str,
    value: impl Parser<&'a [u8], Output = T, Error = Mismatch<'a>>,
) -> impl Parser<&'a [u8], Output = Option<T>, Error = Mismatch<'a>> {
    opt(field(key, value))
}

/// The kernel's `%u`.
pub(crate) fn decimal<T: TryFrom<u64>>(input: &[u8]) -> Parsed<'_, T> {
    let (rest, digits) =
        named("a decimal number", take_while_m_n(1, 10, u8::is_dec_digit)).parse(input)?;
    let value = digits
        .iter()
        .fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
    match T::try_from(value) {
        Ok(value) => Ok((rest, value)),
        Err(_) => mismatch(input, "a smaller number"),
    }
}

/// The kernel's `%x`, with or without leading zeros, at most eight digits.
pub(crate) fn hexadecimal<T: TryFrom<u64>>(input: &[u8]) -> Parsed<'_, T> {
    let (rest, digits) = named(
        "a hexadecimal number",
        take_while_m_n(1, 8, u8::is_hex_digit),
    )
    .parse(input)?;
    let value = digits
        .iter()
        .fold(0_u64, |value, digit| value << 4 | u64::from(nibble(*digit)));
    match T::try_from(value) {
        Ok(value) => Ok((rest, value)),
        Err(_) => mismatch(input, "a smaller number"),
    }
}

/// The kernel's `0x%x`.
pub(crate) fn prefixed_hexadecimal<T: TryFrom<u64>>(input: &[u8]) -> Parsed<'_, T> {
    preceded(literal("0x"), hexadecimal).parse(input)
}

/// The value of an ASCII hexadecimal digit; 0 for any other byte.
pub(crate) fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

/// The kernel's `%pI4`.
pub(crate) fn ipv4(input: &[u8]) -> Parsed<'_, Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut rest = input;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            (rest, _) = named("an IPv4 address", tag(&b"."[..]))
                .parse(rest)
                .or_else(|_| mismatch(input, "an IPv4 address"))?;
        }
        let digits = rest
            .iter()
            .take(3)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (text, after) = rest.split_at(digits);
        let value = text
            .iter()
            .fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'));
        match u8::try_from(value) {
            Ok(value) if digits > 0 => *octet = value,
            _ => return mismatch(input, "an IPv4 address"),
        }
        rest = after;
    }
    Ok((rest, Ipv4Addr::from(octets)))
}

/// The kernel's `%pI6`: always 39 characters, never compressed.
pub(crate) fn ipv6(input: &[u8]) -> Parsed<'_, Ipv6Addr> {
    const LENGTH: usize = 8 * 4 + 7;
    let Some((text, rest)) = input.split_at_checked(LENGTH) else {
        return mismatch(input, "an IPv6 address");
    };
    let mut segments = [0_u16; 8];
    for (segment, group) in segments.iter_mut().zip(text.chunks(5)) {
        match *group {
            [a, b, c, d] | [a, b, c, d, b':'] if [a, b, c, d].iter().all(u8::is_ascii_hexdigit) => {
                *segment = [a, b, c, d]
                    .iter()
                    .fold(0, |value, digit| value << 4 | u16::from(nibble(*digit)));
            }
            _ => return mismatch(input, "an IPv6 address"),
        }
    }
    Ok((rest, Ipv6Addr::from(segments)))
}

/// The kernel's `%pM`.
pub(crate) fn mac(input: &[u8]) -> Parsed<'_, [u8; 6]> {
    let mut octets = [0_u8; 6];
    let Some((text, rest)) = input.split_at_checked(17) else {
        return mismatch(input, "a hardware address");
    };
    for (octet, group) in octets.iter_mut().zip(text.chunks(3)) {
        match group {
            [high, low] | [high, low, b':']
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                *octet = nibble(*high) << 4 | nibble(*low);
            }
            _ => return mismatch(input, "a hardware address"),
        }
    }
    Ok((rest, octets))
}

/// `INCOMPLETE [n bytes]` and the space after it: the packet ends inside this header.
pub(crate) fn incomplete(input: &[u8]) -> Parsed<'_, Option<u32>> {
    opt(preceded(
        literal("INCOMPLETE ["),
        cut(terminated(decimal, (literal(" bytes]"), gap))),
    ))
    .parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_the_kernels_spelling_agree_with_the_standard_library() {
        for text in ["0.0.0.0", "203.0.113.7", "255.255.255.255"] {
            assert_eq!(
                ipv4(text.as_bytes()).unwrap(),
                (&b""[..], text.parse().unwrap())
            );
        }
        for text in [
            "256.0.0.1",
            "1.2.3",
            "1.2.3.",
            ".1.2.3",
            "1..2.3",
            "a.b.c.d",
            "",
        ] {
            assert!(ipv4(text.as_bytes()).is_err(), "{text}");
        }
        for text in [
            "2001:0db8:0001:0000:0000:0000:0000:0007",
            "0000:0000:0000:0000:0000:ffff:cb00:7107",
        ] {
            assert_eq!(
                ipv6(text.as_bytes()).unwrap(),
                (&b""[..], text.parse().unwrap())
            );
        }
        for text in [
            "2001:0db8:0001:0000:0000:0000:0000:000",
            "2001-0db8:0001:0000:0000:0000:0000:0007",
            "2001:0db8:0001:0000:0000:0000:0000-0007",
            "2001:db8:1::7",
            "",
        ] {
            assert!(ipv6(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused_where_they_begin() {
        assert_eq!(decimal::<u16>(b"65535 "), Ok((&b" "[..], 65_535)));
        assert_eq!(
            decimal::<u16>(b"65536 "),
            mismatch(b"65536 ", "a smaller number")
        );
        assert_eq!(
            decimal::<u32>(b"4294967296"),
            mismatch(b"4294967296", "a smaller number")
        );
        assert!(decimal::<u32>(b"-1").is_err());
        assert_eq!(
            prefixed_hexadecimal::<u32>(b"0xffffffff"),
            Ok((&b""[..], u32::MAX))
        );
        assert!(prefixed_hexadecimal::<u8>(b"0x100").is_err());
    }
}
