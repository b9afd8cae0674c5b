//! Addresses as they are kept.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as it is kept: of four-byte words, so that nothing is padded.
pub(super) trait Address: Copy + Eq + Hash + Send {
    /// How many sources of the family have a place of their own, as a power of two: in the tests of this crate so few that the others are met.
    const PLACE_BITS: u32;

    fn words(self) -> [u64; 2];
    fn ip(self) -> IpAddr;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct V4(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct V6([u32; 4]);

impl V4 {
    #[inline]
    pub(super) fn new(address: Ipv4Addr) -> Self {
        Self(address.to_bits())
    }
}

impl V6 {
    #[inline]
    pub(super) fn new(address: Ipv6Addr) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a quarter at a time")]
        Self([96, 64, 32, 0].map(|shift| (address.to_bits() >> shift) as u32))
    }
}

impl Address for V4 {
    const PLACE_BITS: u32 = if cfg!(test) { 4 } else { 14 };

    #[inline]
    fn words(self) -> [u64; 2] {
        [0, self.0.into()]
    }

    fn ip(self) -> IpAddr {
        Ipv4Addr::from_bits(self.0).into()
    }
}

impl Address for V6 {
    const PLACE_BITS: u32 = if cfg!(test) { 4 } else { 13 };

    #[inline]
    fn words(self) -> [u64; 2] {
        let [a, b, c, d] = self.0.map(u64::from);
        [a << 32 | b, c << 32 | d]
    }

    fn ip(self) -> IpAddr {
        let [high, low] = self.words().map(u128::from);
        Ipv6Addr::from_bits(high << 64 | low).into()
    }
}

impl Hash for V4 {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words()
            .into_iter()
            .for_each(|word| state.write_u64(word));
    }
}

impl Hash for V6 {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words()
            .into_iter()
            .for_each(|word| state.write_u64(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back() {
        for text in ["203.0.113.7", "255.255.255.255"] {
            let address: Ipv4Addr = text.parse().unwrap();
            assert_eq!(V4::new(address).ip(), address);
        }
        for text in ["2001:db8:1:2:3:4:5:ffff", "::", "::ffff:1.2.3.4"] {
            let address: Ipv6Addr = text.parse().unwrap();
            assert_eq!(V6::new(address).ip(), address);
        }
    }
}
