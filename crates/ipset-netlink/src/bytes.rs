//! What is text to people and bytes to the kernel.

use std::cmp::Ordering;
use std::fmt;

/// Bytes as they are, and as they can be shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Text {
    Utf8(Box<str>),
    /// Only what is not UTF-8, so that equal bytes are equal here.
    Other(Box<Other>),
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Other {
    bytes: Box<[u8]>,
    shown: Box<str>,
}

impl Text {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Utf8(text.into()),
            Err(_) => Self::Other(Box::new(Other {
                bytes: bytes.into(),
                shown: String::from_utf8_lossy(bytes).into(),
            })),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Utf8(text) => text.as_bytes(),
            Self::Other(other) => &other.bytes,
        }
    }

    /// With U+FFFD in the place of what is not UTF-8.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Utf8(text) => text,
            Self::Other(other) => &other.shown,
        }
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As a literal of the language shows it, byte by byte where it is not text.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf8(text) => fmt::Debug::fmt(text, f),
            Self::Other(other) => write!(f, "b\"{}\"", other.bytes.escape_ascii()),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The first character that is `wrong`, of those that are characters.
pub(crate) fn first_wrong(bytes: &[u8], wrong: impl Fn(char) -> bool) -> Option<char> {
    bytes
        .utf8_chunks()
        .flat_map(|chunk| chunk.valid().chars())
        .find(|character| wrong(*character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_what_they_are() {
        for bytes in [
            &b""[..],
            b"a",
            "\u{fffd}".as_bytes(),
            b"caf\xe9",
            b"\xff\xfe",
            b"\xed\xa0\x80",
        ] {
            assert_eq!(Text::new(bytes).as_bytes(), bytes);
        }
        assert_eq!(Text::new(b"caf\xe9").as_str(), "caf\u{fffd}");
        assert_ne!(Text::new(b"caf\xe9"), Text::new("caf\u{fffd}".as_bytes()));
        assert_ne!(Text::new(b"\xe9"), Text::new(b"\xe8"));
        assert_eq!(
            format!("{:?}", Text::new(b"caf\xe9\"")),
            "b\"caf\\xe9\\\"\""
        );
    }

    #[test]
    fn order_is_that_of_the_bytes() {
        let mut texts = [
            &b"b"[..],
            b"\xff",
            b"",
            b"\xc3\xa9",
            b"\xc3",
            b"a\xff",
            b"a",
        ];
        let mut sorted = texts.map(Text::new);
        sorted.sort();
        texts.sort_unstable();
        assert_eq!(sorted.each_ref().map(Text::as_bytes), texts);
    }
}
