//! Addresses of sources as a scan keeps them: in words of four bytes, so that nothing is padded.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as it is kept, its lowest word first: 203.0.113.7 is `[0xcb007107]`.
///
/// What is done with addresses is done with [`Bits`], in registers: where an address is written in
/// words of four bytes and read again in words of eight, the processor waits for the one to reach
/// its cache before it does the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address<const N: usize>(pub(super) [u32; N]);

/// The bits of an address, the lower half first; of IPv4 they are the lowest 32.
pub(super) type Bits = [u64; 2];

impl<const N: usize> Address<N> {
    #[inline]
    pub(super) fn new([low, high]: Bits) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a half at a time")]
        let words = [
            low as u32,
            (low >> 32) as u32,
            high as u32,
            (high >> 32) as u32,
        ];
        Self(std::array::from_fn(|index| {
            words.get(index).copied().unwrap_or_default()
        }))
    }

    /// The bits of which the first `length` of an address are set.
    pub(super) fn mask(length: u8) -> Bits {
        let hosts = u32::BITS.saturating_mul(u32::try_from(N).unwrap_or_default());
        let mask = u128::MAX.checked_shl(hosts.saturating_sub(length.into()));
        let mask = mask.unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "the halves")]
        [mask as u64, (mask >> 64) as u64]
    }

    #[inline]
    pub(super) fn bits(self) -> Bits {
        match *self.0.as_slice() {
            [bits] => [bits.into(), 0],
            [a, b, c, d] => {
                let [a, b, c, d] = [a, b, c, d].map(u64::from);
                [b << 32 | a, d << 32 | c]
            }
            _ => [0; 2],
        }
    }

    pub(super) fn ip(self) -> IpAddr {
        let [low, high] = self.bits().map(u128::from);
        match *self.0.as_slice() {
            [bits] => Ipv4Addr::from_bits(bits).into(),
            _ => Ipv6Addr::from_bits(high << 64 | low).into(),
        }
    }
}

impl<const N: usize> Hash for Address<N> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, high] = self.bits();
        state.write_u64(low);
        state.write_u64(high);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;
    use crate::rule::Threshold;
    use crate::template::Source;

    /// An address as it comes from a line and is kept.
    fn kept<const N: usize>(address: IpAddr, length: u8) -> IpAddr {
        let [low, high] = Source::from(address).bits();
        let [low_mask, high_mask] = Address::<N>::mask(length);
        Address::<N>::new([low & low_mask, high & high_mask]).ip()
    }

    #[test]
    fn addresses_come_back_and_networks_are_those_of_thresholds() {
        for text in [
            "203.0.113.7",
            "255.255.255.255",
            "2001:db8:1:2:3:4:5:ffff",
            "::",
            "::ffff:1.2.3.4",
        ] {
            let address: IpAddr = text.parse().unwrap();
            let kept = if address.is_ipv4() {
                kept::<1>
            } else {
                kept::<4>
            };
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
