use std::fmt;

use super::{Extension, address};
use crate::encoding::Encoder;
use crate::{BuildError, Family, Network, Rule};

/// `-s`: the address or network that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    network: Network,
    inverted: bool,
}

impl Source {
    /// Packets with a source address in `network`.
    pub fn new(network: impl Into<Network>) -> Self {
        Self {
            network: network.into(),
            inverted: false,
        }
    }

    /// Packets with any other source address.
    pub fn not(network: impl Into<Network>) -> Self {
        Self {
            network: network.into(),
            inverted: true,
        }
    }
}

impl Extension for Source {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        address::save(f, "-s", self.network, self.inverted)
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let offset = match encoder.family {
            Family::Ipv4 => IPHDR_ADDRESS,
            Family::Ipv6 => IPV6HDR_ADDRESS,
        };
        address::encode(encoder, offset, self.network, self.inverted);
        Ok(())
    }

    fn check(&self, _rule: &Rule, family: Family) -> Result<(), String> {
        address::check(self.network, self.inverted, family)
    }
}

/// Offset in struct iphdr, linux/ip.h.
const IPHDR_ADDRESS: u32 = 12;
/// Offset in struct ipv6hdr, linux/ipv6.h.
const IPV6HDR_ADDRESS: u32 = 8;
