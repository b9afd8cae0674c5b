//! Addresses as numbers, of 32 bits or of 128.

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as a number.
pub(super) trait Number: Copy + Debug + Ord {
    /// Bits of an address.
    const BITS: u8;

    /// The address after it; `None` after the last.
    fn next(self) -> Option<Self>;
    /// The address before it; `None` before the first.
    fn before(self) -> Option<Self>;
    /// The last address of the network that begins here and leaves so many bits open.
    fn network_end(self, host_bits: u8) -> Self;
    /// The host bits of the largest network that begins here and ends no later than `last`. It is
    /// never all bits: no set takes the network of every address.
    fn host_bits_up_to(self, last: Self) -> u8;
    /// How many addresses there are from here to `last`; the largest number if it is more.
    fn count_to(self, last: Self) -> u128;
    fn address(self) -> IpAddr;
}

macro_rules! number {
    ($number:ty, $address:ty) => {
        impl Number for $number {
            #[expect(clippy::cast_possible_truncation, reason = "32 or 128")]
            const BITS: u8 = <$number>::BITS as u8;

            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn before(self) -> Option<Self> {
                self.checked_sub(1)
            }

            fn network_end(self, host_bits: u8) -> Self {
                let mask = <$number>::MAX.checked_shl(host_bits.into()).unwrap_or(0);
                self | !mask
            }

            fn host_bits_up_to(self, last: Self) -> u8 {
                let span = last.saturating_sub(self);
                let room = span
                    .checked_add(1)
                    .map_or(<$number>::BITS, <$number>::ilog2);
                let bits = self.trailing_zeros().min(room).min(<$number>::BITS - 1);
                u8::try_from(bits).unwrap_or(0)
            }

            fn count_to(self, last: Self) -> u128 {
                u128::from(last.saturating_sub(self)).saturating_add(1)
            }

            fn address(self) -> IpAddr {
                <$address>::from_bits(self).into()
            }
        }
    };
}

number!(u32, Ipv4Addr);
number!(u128, Ipv6Addr);
