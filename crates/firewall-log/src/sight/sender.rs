//! Who sent a packet, as it is kept until it is counted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address in words, so that it is written and read again in the same pieces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Source {
    words: [u64; 2],
    ipv6: bool,
}

impl From<Ipv4Addr> for Source {
    #[inline]
    fn from(address: Ipv4Addr) -> Self {
        Self {
            words: [address.to_bits().into(), 0],
            ipv6: false,
        }
    }
}

impl From<Ipv6Addr> for Source {
    #[inline]
    fn from(address: Ipv6Addr) -> Self {
        let bits = address.to_bits();
        #[expect(clippy::cast_possible_truncation, reason = "the halves")]
        let words = [bits as u64, (bits >> 64) as u64];
        Self { words, ipv6: true }
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => address.into(),
        }
    }
}

impl Source {
    #[inline]
    pub(crate) fn address(self) -> IpAddr {
        let [low, high] = self.words;
        if self.ipv6 {
            Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)).into()
        } else {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the bits of an IPv4 address"
            )]
            Ipv4Addr::from_bits(low as u32).into()
        }
    }
}

/// What of a packet decides whether it counts and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sender {
    /// `SRC=` of the packet itself, never of one that it quotes.
    pub(crate) source: Source,
    /// What the caller of [`Eye::study`](super::Eye::study) makes of prefix and protocol.
    pub(crate) kind: u32,
    /// The destination port, where ports are asked for.
    pub(crate) port: Option<u16>,
}
