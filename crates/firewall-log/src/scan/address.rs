//! Addresses as they are kept.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::rule::{hosts_v4, hosts_v6};

/// An address as it is kept: of four-byte words, so that nothing is padded.
pub(super) trait Address: Copy + Ord + Hash + Send {
    /// How many sources of the family have a place of their own, as a power of two: in the tests of
    /// this crate so few that the others are met.
    const PLACE_BITS: u32;

    /// The address of which the first bits are set, and no other.
    fn mask(length: u8) -> Self;

    fn and(self, mask: Self) -> Self;

    fn words(self) -> [u64; 2];

    /// As it is kept among hits.
    fn kept(&self) -> &[u32];

    /// One that was [kept](Self::kept) at the beginning of a text of words, and the rest.
    fn split(words: &[u32]) -> Option<(Self, &[u32])>;

    fn ip(self) -> IpAddr;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct V4(u32);

/// The lowest word first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct V6([u32; 4]);

impl V4 {
    #[inline]
    pub(super) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl V6 {
    /// Of its halves, the lower first.
    #[inline]
    pub(super) fn from_words([low, high]: [u64; 2]) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a half at a time")]
        Self([
            low as u32,
            (low >> 32) as u32,
            high as u32,
            (high >> 32) as u32,
        ])
    }
}

impl Address for V4 {
    const PLACE_BITS: u32 = if cfg!(test) { 4 } else { 13 };

    fn mask(length: u8) -> Self {
        Self(!hosts_v4(length))
    }

    #[inline]
    fn and(self, mask: Self) -> Self {
        Self(self.0 & mask.0)
    }

    #[inline]
    fn words(self) -> [u64; 2] {
        [self.0.into(), 0]
    }

    #[inline]
    fn kept(&self) -> &[u32] {
        std::slice::from_ref(&self.0)
    }

    #[inline]
    fn split(words: &[u32]) -> Option<(Self, &[u32])> {
        let (word, rest) = words.split_first()?;
        Some((Self(*word), rest))
    }

    fn ip(self) -> IpAddr {
        Ipv4Addr::from_bits(self.0).into()
    }
}

impl Address for V6 {
    const PLACE_BITS: u32 = if cfg!(test) { 4 } else { 12 };

    fn mask(length: u8) -> Self {
        let bits = !hosts_v6(length);
        #[expect(clippy::cast_possible_truncation, reason = "the halves")]
        Self::from_words([bits as u64, (bits >> 64) as u64])
    }

    #[inline]
    fn and(self, mask: Self) -> Self {
        let ([low, high], [low_mask, high_mask]) = (self.words(), mask.words());
        Self::from_words([low & low_mask, high & high_mask])
    }

    #[inline]
    fn words(self) -> [u64; 2] {
        let [a, b, c, d] = self.0.map(u64::from);
        [b << 32 | a, d << 32 | c]
    }

    #[inline]
    fn kept(&self) -> &[u32] {
        &self.0
    }

    #[inline]
    fn split(words: &[u32]) -> Option<(Self, &[u32])> {
        let (words, rest) = words.split_first_chunk()?;
        Some((Self(*words), rest))
    }

    fn ip(self) -> IpAddr {
        let [low, high] = self.words().map(u128::from);
        Ipv6Addr::from_bits(high << 64 | low).into()
    }
}

impl Hash for V4 {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, high] = self.words();
        state.write_u64(low);
        state.write_u64(high);
    }
}

impl Hash for V6 {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, high] = self.words();
        state.write_u64(low);
        state.write_u64(high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Observation;

    /// As a observation has it, and as a threshold counts it.
    fn kept(address: IpAddr, length: u8) -> IpAddr {
        let source = Observation::from(address).source;
        match source.v4() {
            Some(bits) => V4::from_bits(bits).and(V4::mask(length)).ip(),
            None => V6::from_words(source.v6()).and(V6::mask(length)).ip(),
        }
    }

    #[test]
    fn addresses_come_back_and_networks_are_those_of_thresholds() {
        use std::num::NonZeroU32;
        use std::time::Duration;

        use crate::rule::Threshold;

        for text in [
            "203.0.113.7",
            "255.255.255.255",
            "2001:db8:1:2:3:4:5:ffff",
            "::",
            "::ffff:1.2.3.4",
        ] {
            let address: IpAddr = text.parse().unwrap();
            let bits = if address.is_ipv4() { 32 } else { 128 };
            assert_eq!(kept(address, bits), address);
            for length in 0..=bits {
                let rule = Threshold::new(NonZeroU32::MIN, Duration::ZERO);
                let rule = rule.aggregate_v4(length).aggregate_v6(length);
                assert_eq!(
                    kept(address, length),
                    rule.network(address).0,
                    "{text}/{length}"
                );
            }
        }
    }
}
