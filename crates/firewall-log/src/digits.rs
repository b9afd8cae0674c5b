//! Digits of numbers and addresses, eight at a time where the line is long enough: a loop over
//! digits is a branch the processor cannot foresee.
//!
//! Eight bytes of text are one number of 64 bits, of which each byte is a lane; the first byte is
//! the lowest. What becomes of `4660 DF ` in [`leading`], lane by lane:
//!
//! ```text
//!                                  4    6    6    0    ␣    D    F    ␣
//! the text                        34   36   36   30   20   44   46   20
//! without_zeros: xor 30           04   06   06   00   10   74   76   10   a digit is its value
//! count: add 06, and the same     0e   0e   0e   06   16   7e   7e   16   from 10 on: no digit
//!   the first upper half not 0 is in lane 4: four digits
//! value: moved to the end         00   00   00   00   04   06   06   00
//!   ten times, and the next lane  00        00        46        60        every other, in decimal
//!   00 · 1,000,000 + 00 · 10,000 + 46 · 100 + 60 = 4660
//! ```

use std::net::{Ipv4Addr, Ipv6Addr};

/// The most digits of a decimal number: those of 2^32 - 1.
const DECIMAL_MAX: usize = 10;

/// The decimal number that `text` begins with, and its number of digits, 0 for none. `None` if
/// eight bytes do not show it all.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "the compiler takes it for large; it is some 25 instructions"
)]
pub(crate) fn leading(text: &[u8]) -> Option<(u64, usize)> {
    let bytes = without_zeros(*text.first_chunk()?);
    let digits = count(bytes);
    (digits < 8).then(|| (value(bytes, digits), digits as usize))
}

/// The same for the end of a text and for long numbers. Of more digits than any number of the
/// kernel has, the first ten.
#[cold]
pub(crate) fn leading_one_by_one(text: &[u8]) -> (u64, usize) {
    let digits = text.iter().take(DECIMAL_MAX);
    let mut length = 0;
    let value = digits
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |value, digit| {
            length += 1;
            value * 10 + u64::from(digit - b'0')
        });
    (value, length)
}

/// The largest of some numbers, spelled for comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    number: u32,
    /// Its last seven digits, or the largest of seven digits, one a byte.
    digits: u64,
}

impl Limit {
    pub(crate) fn new(number: u32) -> Self {
        let seven = number.min(9_999_999);
        let digits = (0..7).fold(0, |digits, place| {
            digits | u64::from(seven / 10_u32.pow(place) % 10) << (8 * place)
        });
        Self { number, digits }
    }

    /// The length of the decimal number that `text` begins with, if there is one of up to eight
    /// digits and it is not over the limit. Of a longer one that begins with zeros, it is eight.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "some 15 instructions")]
    pub(crate) fn short(&self, text: [u8; 8]) -> Option<usize> {
        let bytes = without_zeros(text);
        let digits = count(bytes);
        // The last digit to the end, which then is the lowest. What does not begin with a digit
        // stays as it is, and is too large.
        let aligned = bytes.wrapping_shl(64 - 8 * digits).swap_bytes();
        (aligned <= self.digits).then_some(digits as usize)
    }

    /// The same for numbers of any length.
    #[cold]
    pub(crate) fn long(&self, text: &[u8]) -> Option<usize> {
        let (value, digits) = leading_one_by_one(text);
        (digits > 0 && value <= self.number.into()).then_some(digits)
    }
}

/// The number that the six digits are which `text` begins with, if there are six.
#[inline(always)]
#[expect(clippy::inline_always, reason = "some 15 instructions")]
pub(crate) fn six(text: [u8; 8]) -> Option<u32> {
    let bytes = without_zeros(text);
    #[expect(clippy::cast_possible_truncation, reason = "of six digits")]
    (count(bytes) == 6).then(|| value(bytes, 6) as u32)
}

/// The length of `1836.585591` that `text` begins with, and of its part before the point: up to ten
/// digits, and one to nine after the point.
#[cold]
pub(crate) fn seconds(text: &[u8]) -> Option<(usize, usize)> {
    let (_, seconds) = leading_one_by_one(text);
    let (point, fraction) = text.get(seconds..)?.split_first_chunk::<1>()?;
    let digits = fraction.iter().take(9);
    let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
    (seconds > 0 && point == b"." && digits > 0).then_some((seconds + 1 + digits, seconds))
}

/// How many of the bytes, from the lowest, are decimal digits before the first that is none. Takes
/// them as [`without_zeros`].
#[inline]
fn count(bytes: u64) -> u32 {
    // What is above nine has, with six more, a bit in its upper half. It may carry into the byte
    // above, which does not matter then.
    let other = bytes.wrapping_add(0x0606_0606_0606_0606) | bytes;
    (other & 0xf0f0_f0f0_f0f0_f0f0).trailing_zeros() / 8
}

/// Eight characters, of which the digits become what they stand for.
#[inline]
fn without_zeros(text: [u8; 8]) -> u64 {
    u64::from_le_bytes(text) ^ 0x3030_3030_3030_3030
}

/// The number that the lowest `digits` bytes spell; fewer than eight.
#[inline]
fn value(bytes: u64, digits: u32) -> u64 {
    // The digits move to the end and zeros come before them.
    let aligned = if digits == 0 {
        0
    } else {
        bytes << (64 - 8 * digits)
    };
    let pairs = aligned.wrapping_mul(10).wrapping_add(aligned >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let high = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

/// The IPv4 address that `text` begins with and its length; `None` if there is none. Of the longest
/// address and its end there are sixteen bytes, and four more that are loaded with them.
#[inline(always)]
#[expect(clippy::inline_always, reason = "of the innermost loop, in one place")]
pub(crate) fn ipv4_of_20(text: &[u8; 20]) -> Option<(Ipv4Addr, usize)> {
    let (low, rest) = text.split_first_chunk()?;
    let (low, high) = (without_zeros(*low), without_zeros(*rest.first_chunk()?));
    // The first four bytes that are no digits: three dots and what ends the address.
    let mut others = no_digits(low) | no_digits(high) << 8;
    let (mut address, mut start, mut wrong) = (0_u32, 0_u32, 0_u64);
    for part in 0..4 {
        let end = others.trailing_zeros();
        others &= others.wrapping_sub(1);
        let digits = end.wrapping_sub(start);
        // The mask changes nothing; it says that there always are four bytes.
        let bytes = text.get((start & 15) as usize..)?.first_chunk()?;
        let bytes = u32::from_le_bytes(*bytes) ^ 0x3030_3030;
        // The last digit to the end; each digit then is in its place of the product's highest byte.
        // What does not begin with a digit stays as it is, and is too large.
        let aligned = bytes.wrapping_shl(digits.wrapping_mul(8).wrapping_neg());
        address = address << 8 | aligned.wrapping_mul(0x64_0a01) >> 24;
        wrong |= u64::from(digits & !3);
        wrong |= LARGEST_OCTET.wrapping_sub(aligned.swap_bytes().into()) >> 63;
        if part < 3 {
            let dot = text.get((end & 15) as usize).copied()?;
            wrong |= u64::from(dot ^ b'.');
        }
        start = end + 1;
    }
    (wrong == 0).then(|| (Ipv4Addr::from_bits(address), (start - 1) as usize))
}

/// 255, a digit in each byte.
const LARGEST_OCTET: u64 = 0x02_0505;

/// The same, of any text.
pub(crate) fn ipv4(text: &[u8]) -> Option<(Ipv4Addr, usize)> {
    match text.first_chunk() {
        Some(text) => ipv4_of_20(text),
        None => ipv4_one_by_one(text),
    }
}

/// Of eight bytes, as [`without_zeros`] gives them, a bit for each that is no digit, the first the
/// lowest.
#[inline]
fn no_digits(bytes: u64) -> u32 {
    let other = (bytes & 0x7f7f_7f7f_7f7f_7f7f).wrapping_add(0x7676_7676_7676_7676) | bytes;
    let flags = other >> 7 & 0x0101_0101_0101_0101;
    (flags.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// The seconds of `MM:SS` that `text` begins with; `None` for anything else, also for a leap
/// second.
#[inline]
pub(crate) fn minute_and_second(text: [u8; 8]) -> Option<u32> {
    let bytes = u64::from_le_bytes(text) & 0xff_ffff_ffff;
    let bytes = bytes ^ 0x30_303a_3030;
    // Each byte with what makes its largest value 127.
    let other = (bytes & 0x7f_7f7f_7f7f).wrapping_add(0x76_7a7f_767a) | bytes;
    let pairs = bytes.wrapping_mul(10).wrapping_add(bytes >> 8);
    #[expect(clippy::cast_possible_truncation, reason = "under an hour")]
    let number = ((pairs & 0xff) * 60 + (pairs >> 24 & 0xff)) as u32;
    (other & 0x80_8080_8080 == 0).then_some(number)
}

/// The same for the end of a text.
#[cold]
fn ipv4_one_by_one(text: &[u8]) -> Option<(Ipv4Addr, usize)> {
    let mut octets = [0_u8; 4];
    let mut rest = text;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let digits = rest
            .iter()
            .take(3)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (number, after) = rest.split_at(digits);
        let value = number
            .iter()
            .fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'));
        *octet = u8::try_from(value).ok().filter(|_| digits > 0)?;
        rest = after;
    }
    Some((Ipv4Addr::from(octets), text.len() - rest.len()))
}

/// The bytes of an IPv6 address as the kernel writes it.
pub(crate) const IPV6: usize = 8 * 4 + 7;

/// The IPv6 address that `text` is.
#[inline]
pub(crate) fn ipv6(text: &[u8; IPV6]) -> Option<Ipv6Addr> {
    let (mut bits, mut wrong) = (0_u128, 0_u64);
    for pair in 0..4 {
        // Two groups of four digits, and the colons after them.
        let text = text.get(pair * 10..)?;
        let [first, second] = [text, text.get(5..)?].map(<[u8]>::first_chunk::<4>);
        let digits =
            u64::from(u32::from_le_bytes(*first?)) | u64::from(u32::from_le_bytes(*second?)) << 32;
        let colons = [text.get(4), text.get(9)].map(|colon| colon.copied().unwrap_or(b':'));
        wrong |= colons
            .map(|colon| u64::from(colon ^ b':'))
            .iter()
            .sum::<u64>();
        let (value, bad) = eight_hexadecimal(digits);
        bits = bits << 32 | u128::from(value);
        wrong |= bad;
    }
    (wrong == 0).then(|| Ipv6Addr::from_bits(bits))
}

/// The value of eight hexadecimal digits, the first in the lowest byte, and not 0 if one is none.
#[inline]
fn eight_hexadecimal(text: u64) -> (u32, u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x80 * ONES;
    let bytes = text & !TOPS;
    let lower = bytes | (0x20 * ONES);
    // A bit at the top of each byte that lies in a range: what is added makes its beginning 128,
    // and what comes after its end.
    let digits = (bytes + (0x80 - 0x30) * ONES) & !(bytes + (0x7f - 0x39) * ONES);
    let letters = (lower + (0x80 - 0x61) * ONES) & !(lower + (0x7f - 0x66) * ONES);
    let wrong = (!(digits | letters) | text) & TOPS;
    let nibbles = (bytes & (0x0f * ONES)) + 9 * (bytes >> 6 & ONES);
    // The first digit is the lowest byte: pairs become bytes, and bytes move together.
    let pairs = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff;
    let halves = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    #[expect(clippy::cast_possible_truncation, reason = "its four bytes")]
    let value = ((halves | halves >> 16) as u32).swap_bytes();
    (value, wrong)
}

/// The value of a hexadecimal digit.
#[inline]
pub(crate) fn hexadecimal(digit: u8) -> Option<u8> {
    let value = HEXADECIMAL.get(usize::from(digit)).copied()?;
    (value != NO_DIGIT).then_some(value)
}

const NO_DIGIT: u8 = 0xf0;

/// The value of each byte as a hexadecimal digit.
static HEXADECIMAL: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut byte = 0_u8;
    #[expect(
        clippy::indexing_slicing,
        reason = "a byte, as the program is compiled"
    )]
    while byte < u8::MAX {
        table[byte as usize] = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => NO_DIGIT,
        };
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_at_a_time_is_as_one_by_one() {
        for number in (0..100_000_u64).chain([9_999_999, 1_234_567]) {
            for end in [
                " ........",
                "x.......",
                ".",
                ":1234567",
                "/0000000",
                "\u{ff}abcdefg",
            ] {
                let text = format!("{number}{end}        ");
                assert_eq!(
                    leading(text.as_bytes()),
                    Some(leading_one_by_one(text.as_bytes())),
                    "{text}"
                );
            }
        }
        assert_eq!(leading(b"12345678 "), None);
        assert_eq!(leading(b"1234567"), None);
        for byte in 0..=255_u8 {
            let text = [byte; 8];
            let all = byte.is_ascii_digit();
            assert_eq!(leading(&text).is_none(), all, "{byte}");
            let text = [b'7', byte, b'1', b'2', byte, b'3', b'4', byte];
            if !all {
                assert_eq!(leading(&text), Some((7, 1)), "{byte}");
            }
        }
    }

    #[test]
    fn addresses_are_those_read_one_by_one() {
        for text in [
            "0.0.0.0",
            "203.0.113.7",
            "255.255.255.255",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.",
            ".1.2.3",
            "1..2.3",
            "a.b.c.d",
            "",
            "1.2.3.4567",
            "0001.2.3.4",
            "01.002.3.4",
            "1.2.3.4.5",
            "999.1.1.1",
        ] {
            for end in ["", " ", " DST=", " DST=203.0.113.1 LEN=60"] {
                let text = format!("{text}{end}");
                let quick = ipv4(text.as_bytes());
                let slow = ipv4_one_by_one(text.as_bytes());
                assert!(
                    quick == slow
                        || (quick.is_none() && text.len() < 16)
                        || text.starts_with("1.2.3.4567"),
                    "{text}"
                );
            }
        }
    }
}
