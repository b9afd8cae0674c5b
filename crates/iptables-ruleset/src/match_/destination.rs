use std::fmt;

use super::Extension;
use super::address::Address;
use crate::decoding::Decoder;
use crate::encoding::Encoder;
use crate::{BuildError, Family, Network, Rule};

/// `-d`: the address or network that it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination(Address);

impl Destination {
    /// Packets with a destination address in `network`.
    pub fn new(network: impl Into<Network>) -> Self {
        Self(Address::within(network.into()))
    }

    /// Packets with any other destination address.
    pub fn not(network: impl Into<Network>) -> Self {
        Self(Address::outside(network.into()))
    }
}

impl Extension for Destination {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        self.0.save(f, "-d")
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let offset = offset(encoder.family);
        self.0.encode(encoder, offset);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let offset = offset(decoder.family);
        Address::decode(decoder, offset).map(Self)
    }

    fn check(&self, _rule: &Rule, family: Family) -> Result<(), String> {
        self.0.check(family)
    }
}

fn offset(family: Family) -> u32 {
    match family {
        Family::Ipv4 => IPHDR_ADDRESS,
        Family::Ipv6 => IPV6HDR_ADDRESS,
    }
}

/// Offset in struct iphdr, linux/ip.h.
const IPHDR_ADDRESS: u32 = 16;
/// Offset in struct ipv6hdr, linux/ipv6.h.
const IPV6HDR_ADDRESS: u32 = 24;
