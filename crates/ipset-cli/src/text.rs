//! The text that the program works on: a character for each byte that was typed or read, whatever
//! it encodes (ISO 8859-1, so to say). What the grammar looks for is ASCII; everything between goes
//! through whole, into names and comments, into the kernel, and into messages, as the stock tool
//! hands it through.
//!
//! At the doors [`of`] and [`bytes`] go from one to the other. A text from elsewhere, such as the
//! message of an error, comes in by [`of_display`].

use std::fmt::Display;

pub(crate) fn of(bytes: &[u8]) -> String {
    // Nearly every line of a large file is ASCII, which is the same either way.
    if let (true, Ok(text)) = (bytes.is_ascii(), std::str::from_utf8(bytes)) {
        return text.to_owned();
    }
    bytes.iter().copied().map(char::from).collect()
}

pub(crate) fn of_display(value: impl Display) -> String {
    of(value.to_string().as_bytes())
}

pub(crate) fn bytes(text: &str) -> Vec<u8> {
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(byte) => bytes.push(byte),
            // Not made here; said as everybody says it.
            Err(_) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// How many bytes it stands for.
pub(crate) fn len(text: &str) -> usize {
    text.chars().count()
}

/// As what it most often encodes.
pub(crate) fn utf_8(text: &str) -> Option<String> {
    String::from_utf8(bytes(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(bytes(&of(&all)), all);
        assert_eq!(len(&of(&all)), 256);
        assert_eq!(bytes(&of_display("ü \u{fffd}")), "ü \u{fffd}".as_bytes());
        assert_eq!(utf_8(&of("ü".as_bytes())).as_deref(), Some("ü"));
        assert_eq!(utf_8(&of(b"\xfc")), None);
    }
}
