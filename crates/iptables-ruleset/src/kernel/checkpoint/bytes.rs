//! Bytes that are text in a file.

use std::fmt::Write as _;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, as text two hexadecimal digits each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(self.0.len() * 2);
        for byte in &self.0 {
            // A String takes everything.
            let _ = write!(text, "{byte:02x}");
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let pair = |pair: &[u8]| match pair {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
        bytes
            .map(Self)
            .ok_or_else(|| D::Error::custom("these are no bytes in hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        use serde::de::IntoDeserializer as _;
        use serde::de::value::{Error, StrDeserializer};

        let read = |text: &'static str| {
            let from: StrDeserializer<'_, Error> = text.into_deserializer();
            Bytes::deserialize(from).ok()
        };
        assert_eq!(read("00ff7a"), Some(Bytes(vec![0, 255, 0x7a])));
        assert_eq!(read(""), Some(Bytes(Vec::new())));
        for wrong in ["0", "0g", "+1", "é"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
