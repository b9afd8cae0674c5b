//! `-m iprange`.

use std::fmt;
use std::net::IpAddr;

use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Field, Info};
use crate::{BuildError, Family, Network};

/// `-m iprange --src-range`: packets from an address between two. Unlike `-s` it can stand in one
/// rule more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpRange {
    first: IpAddr,
    last: IpAddr,
    inverted: bool,
}

impl IpRange {
    /// Packets from an address of `first` to `last`, both included.
    ///
    /// # Errors
    /// When they are of two families, or `last` is before `first`.
    pub fn sources(first: IpAddr, last: IpAddr) -> Result<Self, BuildError> {
        if Family::of(first) != Family::of(last) || last < first {
            return Err(BuildError::value(
                "address range",
                format!("{first}-{last}"),
                "ends before it begins",
            ));
        }
        Ok(Self {
            first,
            last,
            inverted: false,
        })
    }

    /// Packets from an address of that network.
    pub fn of_network(network: Network) -> Self {
        Self {
            first: network.address(),
            last: network.last_address(),
            inverted: false,
        }
    }

    /// Packets from any other address.
    pub fn inverted(self) -> Self {
        Self {
            inverted: true,
            ..self
        }
    }
}

impl MatchKind for IpRange {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        let not = if self.inverted { "! " } else { "" };
        write!(
            f,
            "-m iprange {not}--src-range {}-{} ",
            self.first, self.last
        )
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let octets = |address| Network::from(address).octets();
        let flags = IPRANGE_SRC | if self.inverted { IPRANGE_SRC_INV } else { 0 };
        let info = Info::new()
            .put_start(FIRST, &octets(self.first))?
            .put_start(LAST, &octets(self.last))?
            .put(RANGE_FLAGS, [flags]);
        encoder.extension("iprange", 1, info.finish());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let family = decoder.family;
        let info = decoder.extension("iprange")?;
        let address = |bytes: &[u8; 16]| {
            let octets = bytes.get(..usize::from(family.address_bits() / 8))?;
            Network::of_octets(family, octets, family.address_bits()).map(|one| one.address())
        };
        Some(Self {
            inverted: info.u8(RANGE_FLAGS)? & IPRANGE_SRC_INV != 0,
            ..Self::sources(address(info.bytes(FIRST)?)?, address(info.bytes(LAST)?)?).ok()?
        })
    }

    fn check(&self, _protocol: Option<&Protocol>, family: Family) -> Result<(), String> {
        if Family::of(self.first) == family {
            Ok(())
        } else {
            Err(format!("{} is not an {family} address", self.first))
        }
    }
}

/// Fields of struct `xt_iprange_mtinfo`, `linux/netfilter/xt_iprange.h`; destinations stand between.
const SIZE: usize = 72;
const FIRST: Field<SIZE, 16> = Field::at(0);
const LAST: Field<SIZE, 16> = Field::at(16);
const RANGE_FLAGS: Field<SIZE, 1> = Field::at(64);
/// `linux/netfilter/xt_iprange.h`.
const IPRANGE_SRC: u8 = 1 << 0;
const IPRANGE_SRC_INV: u8 = 1 << 4;

#[cfg(test)]
mod tests {
    use super::super::testing::{info, refusal, text};
    use super::*;

    #[test]
    fn a_network_is_a_range() {
        let office = IpRange::of_network("192.0.2.128/25".parse().unwrap()).inverted();
        assert_eq!(
            text(office, Family::Ipv4),
            "-m iprange ! --src-range 192.0.2.128-192.0.2.255"
        );
        let (name, revision, bytes) = info(office, Family::Ipv4);
        assert_eq!((name, revision, bytes.len()), ("iprange", 1, 72));
        assert_eq!(bytes[..5], [192, 0, 2, 128, 0]);
        assert_eq!(bytes[16..21], [192, 0, 2, 255, 0]);
        assert_eq!(bytes[64], 0x11);
        assert_eq!(
            refusal(office, vec![], Family::Ipv6),
            "192.0.2.128 is not an IPv6 address"
        );
        let everybody = IpRange::of_network("::/0".parse().unwrap());
        assert!(
            text(everybody, Family::Ipv6).ends_with("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
        );
        let turned = |first: &str, last: &str| {
            IpRange::sources(first.parse().unwrap(), last.parse().unwrap()).is_err()
        };
        assert!(turned("192.0.2.2", "192.0.2.1") && turned("0.0.0.0", "::1"));
    }
}
