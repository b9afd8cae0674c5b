//! What of a line decides whether it counts, when, and for whom.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address of a source, in words: it is written and read again in the same pieces, which
/// spares the processor waiting for the one before it reads the other.
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
    pub(crate) fn is_ipv6(self) -> bool {
        self.ipv6
    }

    pub(crate) fn ip(self) -> IpAddr {
        let [low, high] = self.words;
        if self.ipv6 {
            Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)).into()
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "it has no more bits")]
            Ipv4Addr::from_bits(low as u32).into()
        }
    }

    /// The bits of the address, the lower half first; those of an IPv4 address are the lowest 32.
    #[inline]
    pub(crate) fn bits(self) -> [u64; 2] {
        self.words
    }
}

/// One packet that was logged, as a scan counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Observation {
    /// When it was logged, in microseconds since 1970.
    pub(crate) at: i64,
    /// `SRC=` of the packet itself, never of one that it quotes.
    pub(crate) source: Source,
    /// Which rules count packets like it: the number that the caller of
    /// [`Recognizer::parse`](super::Recognizer::parse) gave its prefix and nature.
    pub(crate) rule_set: u32,
    /// The destination port, where ports are asked for.
    pub(crate) port: Option<u16>,
    /// Whether the line's date has no year.
    pub(crate) yearless: bool,
}
