//! `--aggregate-v4`, `--aggregate-v6`: how large the networks are that sources count as.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many leading bits the addresses of a network share, from 1; no set takes the network of all
/// addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i64")]
pub(crate) struct PrefixLength<const BITS: u8>(u8);

impl<const BITS: u8> PrefixLength<BITS> {
    pub(crate) fn get(self) -> u8 {
        self.0
    }

    /// Whether these networks hold more than one address.
    pub(crate) fn is_shorter_than_an_address(self) -> bool {
        self.0 < BITS
    }
}

impl<const BITS: u8> TryFrom<i64> for PrefixLength<BITS> {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        u8::try_from(number)
            .ok()
            .filter(|bits| (1..=BITS).contains(bits))
            .map(Self)
            .ok_or_else(|| format!("{number} is no prefix length: it goes from 1 to {BITS}"))
    }
}

impl<const BITS: u8> FromStr for PrefixLength<BITS> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<i64>() {
            Ok(number) if digits => Self::try_from(number),
            _ => Err(format!(
                "{text:?} is no prefix length: write a whole number from 1 to {BITS}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_one_bit_to_a_whole_address() {
        for (text, bits) in [("1", 1), ("24", 24), ("32", 32)] {
            assert_eq!(text.parse::<PrefixLength<32>>().expect(text).get(), bits);
        }
        for bad in [
            "",
            "0",
            "33",
            "-1",
            "+24",
            "/24",
            "64",
            "99999999999999999999",
        ] {
            assert!(bad.parse::<PrefixLength<32>>().is_err(), "{bad:?}");
        }
        let host: PrefixLength<128> = "128".parse().expect("a length");
        assert!(!host.is_shorter_than_an_address());
    }
}
