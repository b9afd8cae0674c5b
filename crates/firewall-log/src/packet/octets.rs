//! Bytes that a line spells as hexadecimal: `OPT (020405B4)` and `MAC=02:00:…`.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::digits::hexadecimal;
use crate::input::{Parsed, mismatch, nibble};

/// Octets of a packet, either still in the spelling of the line they were read from or as plain
/// bytes.
///
/// The two compare equal when they stand for the same bytes. `Display` writes lower-case pairs
/// joined by `:`, the form of a hardware address.
#[derive(Clone, Copy, Default)]
pub struct Octets<'a>(Spelling<'a>);

#[derive(Clone, Copy)]
enum Spelling<'a> {
    /// Two hexadecimal digits an octet, then `step - 2` bytes of separator.
    Text {
        text: &'a [u8],
        step: usize,
    },
    Plain(&'a [u8]),
}

impl Default for Spelling<'_> {
    fn default() -> Self {
        Self::Plain(&[])
    }
}

impl<'a> Octets<'a> {
    /// Octets that are at hand as bytes, for a packet that was not read from a line.
    pub const fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(Spelling::Plain(bytes))
    }

    /// The octets in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u8> + 'a {
        let spelling = self.0;
        (0..self.len()).map(move |index| match spelling {
            Spelling::Plain(bytes) => bytes.get(index).copied().unwrap_or_default(),
            Spelling::Text { text, step } => match text.get(index * step..) {
                Some([high, low, ..]) => nibble(*high) << 4 | nibble(*low),
                _ => 0,
            },
        })
    }

    /// How many octets there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Spelling::Plain(bytes) => bytes.len(),
            Spelling::Text { text, step } => text.len().div_ceil(step),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `XXXXXX…`, as in `OPT (…)`; at least one octet.
    pub(crate) fn parse_joined(input: &'a [u8]) -> Parsed<'a, Self> {
        let length = input
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let (text, rest) = input.split_at(length);
        if length == 0 || length % 2 != 0 {
            return mismatch(input, "pairs of hexadecimal digits");
        }
        Ok((rest, Self(Spelling::Text { text, step: 2 })))
    }

    /// `xx:xx:…`, as in `MAC=…`; may be empty.
    pub(crate) fn parse_colons(input: &'a [u8]) -> Parsed<'a, Self> {
        let is_digit = |byte: &u8| hexadecimal(*byte).is_some();
        let mut rest = input;
        loop {
            match rest {
                [high, low, after @ ..] if is_digit(high) && is_digit(low) => rest = after,
                [first, ..] if is_digit(first) || *first == b':' => break,
                // None at all, and not none after a colon.
                _ if rest.len() == input.len() => return Ok((rest, Self::of(input, rest, 3))),
                _ => break,
            }
            match rest {
                [b':', after @ ..] => rest = after,
                [next, ..] if is_digit(next) => break,
                _ => return Ok((rest, Self::of(input, rest, 3))),
            }
        }
        mismatch(input, "pairs of hexadecimal digits joined by colons")
    }

    /// What stands between the beginnings of two texts, of which the second is the end of the
    /// first.
    fn of(text: &'a [u8], rest: &[u8], step: usize) -> Self {
        let length = text.len().saturating_sub(rest.len());
        let text = text.get(..length).unwrap_or_default();
        Self(Spelling::Text { text, step })
    }
}

impl PartialEq for Octets<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Octets<'_> {}

impl Hash for Octets<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        self.iter().for_each(|octet| octet.hash(state));
    }
}

impl fmt::Display for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, octet) in self.iter().enumerate() {
            write!(f, "{}{octet:02x}", if index == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Octets({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_of_the_line_and_plain_bytes_are_the_same_octets() {
        let (rest, mac) = Octets::parse_colons(b"02:00:fF SRC=").unwrap();
        assert_eq!(
            (rest, mac),
            (&b" SRC="[..], Octets::from_bytes(&[2, 0, 0xff]))
        );
        assert_eq!(mac.to_string(), "02:00:ff");
        assert_eq!(Octets::parse_colons(b" SRC=").unwrap().1, Octets::default());
        let (_, options) = Octets::parse_joined(b"0204B4) ").unwrap();
        assert_eq!(options.iter().collect::<Vec<_>>(), [2, 4, 0xb4]);
    }

    #[test]
    fn half_an_octet_is_refused() {
        for text in [
            "0", "02:", "02:0", "02:00:", ":02", "0200", "02::00", "02:000",
        ] {
            assert!(Octets::parse_colons(text.as_bytes()).is_err(), "{text}");
        }
        for text in ["", "0", "020", "zz"] {
            assert!(Octets::parse_joined(text.as_bytes()).is_err(), "{text}");
        }
    }
}
