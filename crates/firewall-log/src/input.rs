//! The few nom combinators that every field of a line is read with.
//!
//! A key that is not there is a recoverable nom `Error`, so that `opt` and `alt` can go on; a key
//! whose value is wrong is a nom `Failure`, so that the message names the real place and not the
//! last alternative tried.

use std::net::{Ipv4Addr, Ipv6Addr};

use nom::combinator::{cut, opt};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

use crate::digits;
use crate::trace::{Kind, Trace};

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

#[inline]
pub(crate) fn mismatch<'a, T>(at: &'a [u8], expected: &'static str) -> Parsed<'a, T> {
    Err(nom::Err::Error(Mismatch { at, expected }))
}

/// Gives an anonymous mismatch of `parser` a name.
#[inline]
pub(crate) fn named<'a, T>(
    expected: &'static str,
    mut parser: impl Parser<&'a [u8], Output = T, Error = Mismatch<'a>>,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, T> {
    move |at| match parser.parse(at) {
        Err(nom::Err::Error(_)) => mismatch(at, expected),
        other => other,
    }
}

#[inline]
pub(crate) fn literal<'a>(text: &'static str) -> impl FnMut(&'a [u8]) -> Parsed<'a, ()> {
    move |at| match at.strip_prefix(text.as_bytes()) {
        Some(rest) => Ok((rest, ())),
        None => mismatch(at, text),
    }
}

/// The one space after an item. There is none before the bracket that ends a quoted packet cut
/// short, and the last one of a line is often stripped on the way to the file.
#[inline]
pub(crate) fn gap(input: &[u8]) -> Parsed<'_, ()> {
    match input {
        [b' ', rest @ ..] => Ok((rest, ())),
        [] | [b']', ..] => Ok((input, ())),
        _ => mismatch(input, "a space"),
    }
}

/// `KEY=value` and the space after it, for [`read`] among combinators.
#[inline]
pub(crate) fn field<'a, T>(
    key: &'static str,
    value: impl Fn(&'a [u8]) -> Parsed<'a, T> + Copy,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, T> {
    move |at| read(at, key, value)
}

/// Reads `KEY=value` and the space after it. Inlined always: the comparison with a key that is
/// known as this is compiled is one of numbers, that with any key a call.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a third of the time of a line")]
pub(crate) fn read<'a, T>(
    at: &'a [u8],
    key: &'static str,
    value: impl FnOnce(&'a [u8]) -> Parsed<'a, T>,
) -> Parsed<'a, T> {
    let Some(rest) = at.strip_prefix(key.as_bytes()) else {
        return mismatch(at, key);
    };
    match value(rest) {
        Ok(([b' ', rest @ ..], value)) => Ok((rest, value)),
        Ok((rest, value)) => match gap(rest) {
            Ok((rest, ())) => Ok((rest, value)),
            Err(error) => Err(fail(error)),
        },
        Err(error) => Err(fail(error)),
    }
}

/// A value that may be any of its kind, wherever the kernel prints it.
pub(crate) trait Free: Sized {
    const KIND: Kind;

    fn parse(input: &[u8]) -> Parsed<'_, Self>;
}

impl Free for u8 {
    const KIND: Kind = Kind::Decimal(Self::MAX as u32);

    #[inline]
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        decimal(input)
    }
}

impl Free for u16 {
    const KIND: Kind = Kind::Decimal(Self::MAX as u32);

    #[inline]
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        decimal(input)
    }
}

impl Free for u32 {
    const KIND: Kind = Kind::Decimal(Self::MAX);

    #[inline]
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        decimal(input)
    }
}

impl Free for Ipv4Addr {
    const KIND: Kind = Kind::Ipv4;

    #[inline]
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        ipv4(input)
    }
}

impl Free for Ipv6Addr {
    const KIND: Kind = Kind::Ipv6;

    #[inline]
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        ipv6(input)
    }
}

/// [`read`]s a field of which the rest of the line does not depend, and tells of it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see read")]
pub(crate) fn free<'a, T: Free>(
    at: &'a [u8],
    key: &'static str,
    trace: &mut impl Trace,
) -> Parsed<'a, T> {
    read(at, key, |text| traced(text, T::KIND, T::parse, trace))
}

/// `DPT=`, and tells of it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see read")]
pub(crate) fn port<'a>(at: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, u16> {
    read(at, "DPT=", |text| traced(text, Kind::Port, decimal, trace))
}

/// `SPT=` of UDP, and tells of it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see read")]
pub(crate) fn source_port<'a>(at: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, u16> {
    read(at, "SPT=", |text| {
        traced(text, Kind::SourcePort, decimal, trace)
    })
}

/// Reads a value and tells of it.
#[inline]
pub(crate) fn traced<'a, T>(
    text: &'a [u8],
    kind: Kind,
    value: impl FnOnce(&'a [u8]) -> Parsed<'a, T>,
    trace: &mut impl Trace,
) -> Parsed<'a, T> {
    let (rest, value) = value(text)?;
    trace.value(kind, text, rest);
    Ok((rest, value))
}

/// What `cut` does to an error.
#[cold]
pub(crate) fn fail(error: nom::Err<Mismatch<'_>>) -> nom::Err<Mismatch<'_>> {
    match error {
        nom::Err::Error(mismatch) => nom::Err::Failure(mismatch),
        other => other,
    }
}

/// A bare word such as `DF`, and the space after it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see read")]
pub(crate) fn flag<'a>(input: &'a [u8], word: &'static str) -> (bool, &'a [u8]) {
    match input.strip_prefix(word.as_bytes()).map(gap) {
        Some(Ok((rest, ()))) => (true, rest),
        _ => (false, input),
    }
}

/// An optional [`field`]; a value that is wrong stays an error.
#[inline]
pub(crate) fn optional<'a, T>(
    key: &'static str,
    value: impl Fn(&'a [u8]) -> Parsed<'a, T> + Copy,
) -> impl Parser<&'a [u8], Output = Option<T>, Error = Mismatch<'a>> {
    opt(field(key, value))
}

/// The kernel's `%u`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see read")]
pub(crate) fn decimal<T: TryFrom<u64>>(input: &[u8]) -> Parsed<'_, T> {
    let (value, digits) = match digits::leading(input) {
        Some(found) => found,
        // As the last of a line, mostly.
        None => match *input {
            [digit @ b'0'..=b'9', b' ', ..] => (u64::from(digit - b'0'), 1),
            _ => digits::leading_one_by_one(input),
        },
    };
    if digits == 0 {
        return mismatch(input, "a decimal number");
    }
    match T::try_from(value) {
        Ok(value) => Ok((input.get(digits..).unwrap_or_default(), value)),
        Err(_) => mismatch(input, "a smaller number"),
    }
}

/// The kernel's `%x`, with or without leading zeros, at most eight digits.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see read")]
pub(crate) fn hexadecimal<T: TryFrom<u64>>(input: &[u8]) -> Parsed<'_, T> {
    let mut value = 0;
    let mut length = 0;
    for digit in input.iter().take(8) {
        if !digit.is_ascii_hexdigit() {
            break;
        }
        value = value << 4 | u64::from(nibble(*digit));
        length += 1;
    }
    if length == 0 {
        return mismatch(input, "a hexadecimal number");
    }
    match T::try_from(value) {
        Ok(value) => Ok((input.get(length..).unwrap_or_default(), value)),
        Err(_) => mismatch(input, "a smaller number"),
    }
}

/// The kernel's `0x%x`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see read")]
pub(crate) fn prefixed_hexadecimal<T: TryFrom<u64>>(input: &[u8]) -> Parsed<'_, T> {
    match input.strip_prefix(b"0x") {
        Some(rest) => hexadecimal(rest),
        None => mismatch(input, "0x"),
    }
}

/// The value of an ASCII hexadecimal digit; 0 for any other byte.
pub(crate) fn nibble(digit: u8) -> u8 {
    digits::hexadecimal(digit).unwrap_or(0)
}

/// The kernel's `%pI4`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see read")]
pub(crate) fn ipv4(input: &[u8]) -> Parsed<'_, Ipv4Addr> {
    match digits::ipv4(input) {
        Some((address, length)) => Ok((input.get(length..).unwrap_or_default(), address)),
        None => mismatch(input, "an IPv4 address"),
    }
}

/// The kernel's `%pI6`: always 39 characters, never compressed.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see read")]
pub(crate) fn ipv6(input: &[u8]) -> Parsed<'_, Ipv6Addr> {
    let address = input.split_first_chunk();
    match address.and_then(|(text, rest)| Some((rest, digits::ipv6(text)?))) {
        Some(found) => Ok(found),
        None => mismatch(input, "an IPv6 address"),
    }
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
#[inline]
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
