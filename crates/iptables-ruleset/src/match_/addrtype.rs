//! `-m addrtype`.

use std::fmt;
use std::net::IpAddr;

use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Field, Info};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family};

/// `-m addrtype`: what kind of address the packet comes from or goes to, as this host's routing has
/// it.
///
/// ```
/// use iptables_ruleset::match_::{AddrType, AddrTypes};
/// use iptables_ruleset::{Family, Rule, Target};
///
/// let noise = AddrType::destination(AddrTypes::BROADCAST.or(AddrTypes::MULTICAST));
/// assert_eq!(
///     Rule::new(Target::Drop).matching(noise).to_iptables_save(Family::Ipv4).to_string(),
///     "-m addrtype --dst-type BROADCAST,MULTICAST -j DROP",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddrType {
    source: AddrTypes,
    destination: AddrTypes,
    /// Bits `XT_ADDRTYPE_*`.
    flags: u32,
}

/// Kinds of address, one or several: `XT_ADDRTYPE`_*, `linux/netfilter/xt_addrtype.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddrTypes(u16);

impl AddrTypes {
    /// Of one host.
    pub const UNICAST: Self = Self(1 << 1);
    /// Of this host.
    pub const LOCAL: Self = Self(1 << 2);
    /// Of all hosts on a link; IPv4 only.
    pub const BROADCAST: Self = Self(1 << 3);
    /// Of the nearest of several hosts.
    pub const ANYCAST: Self = Self(1 << 4);
    /// Of all hosts in a group.
    pub const MULTICAST: Self = Self(1 << 5);

    const NONE: Self = Self(0);

    /// These or those.
    pub const fn or(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }
}

impl fmt::Display for AddrTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = (0..).zip(NAMES);
        let on: Vec<&str> = named
            .filter(|(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| name)
            .collect();
        f.write_str(&on.join(","))
    }
}

impl AddrType {
    /// `--src-type`: packets from such an address.
    pub fn source(types: AddrTypes) -> Self {
        Self {
            source: types,
            destination: AddrTypes::NONE,
            flags: 0,
        }
    }

    /// `--dst-type`: packets to such an address.
    pub fn destination(types: AddrTypes) -> Self {
        Self {
            source: AddrTypes::NONE,
            destination: types,
            flags: 0,
        }
    }

    /// Any other kind of address.
    pub fn inverted(self) -> Self {
        let flag = if self.source == AddrTypes::NONE {
            XT_ADDRTYPE_INVERT_DEST
        } else {
            XT_ADDRTYPE_INVERT_SOURCE
        };
        self.flag(flag)
    }

    /// `--limit-iface-in`: what the address is on the interface that the packet came in by.
    pub fn on_incoming_interface(self) -> Self {
        self.flag(XT_ADDRTYPE_LIMIT_IFACE_IN)
    }

    fn flag(self, flag: u32) -> Self {
        Self {
            flags: self.flags | flag,
            ..self
        }
    }
}

impl MatchKind for AddrType {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        f.write_str("-m addrtype ")?;
        for (types, inverted, option) in [
            (self.source, XT_ADDRTYPE_INVERT_SOURCE, "--src-type"),
            (self.destination, XT_ADDRTYPE_INVERT_DEST, "--dst-type"),
        ] {
            if types != AddrTypes::NONE {
                let not = if self.flags & inverted == 0 { "" } else { "! " };
                write!(f, "{not}{option} {types} ")?;
            }
        }
        for (flag, option) in [
            (XT_ADDRTYPE_LIMIT_IFACE_IN, "--limit-iface-in "),
            (XT_ADDRTYPE_LIMIT_IFACE_OUT, "--limit-iface-out "),
        ] {
            if self.flags & flag != 0 {
                f.write_str(option)?;
            }
        }
        Ok(())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let info = Info::new()
            .put(SOURCE, self.source.0.to_ne_bytes())
            .put(DESTINATION, self.destination.0.to_ne_bytes())
            .put(TYPE_FLAGS, self.flags.to_ne_bytes());
        encoder.extension("addrtype", 1, info.finish());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let info = decoder.extension("addrtype")?;
        Some(Self {
            source: AddrTypes(info.u16(SOURCE)?),
            destination: AddrTypes(info.u16(DESTINATION)?),
            flags: info.u32(TYPE_FLAGS)?,
        })
    }

    fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        let inverted = self.flags & XT_ADDRTYPE_INVERT_DEST != 0;
        let asked = Self {
            flags: self.flags & !XT_ADDRTYPE_INVERT_DEST,
            ..*self
        };
        if asked == Self::source(AddrTypes::LOCAL) {
            return Answer::perhaps("whether its source is an address of this host");
        }
        // Of other kinds only the routes of the host know.
        if asked != Self::destination(AddrTypes::LOCAL) {
            return Answer::perhaps("what kind of address that is to this host");
        }
        let to_many = packet.destination().is_some_and(|address| match address {
            IpAddr::V4(v4) => v4.is_broadcast() || v4.is_multicast(),
            IpAddr::V6(v6) => v6.is_multicast(),
        });
        // What a host sends to itself stays on the loopback interface.
        let elsewhere =
            packet.is_passed_on() || packet.is_sent() && packet.out_interface() != Some("lo");
        let because = match (elsewhere, to_many) {
            (true, _) => "it is for another host",
            (_, true) => "it goes to many",
            _ => "it is for this host",
        };
        Answer::known(!elsewhere && !to_many, because).inverted(inverted)
    }

    fn check(&self, _protocol: Option<&Protocol>, family: Family) -> Result<(), String> {
        let asked = self.source.0 | self.destination.0;
        if family == Family::Ipv6 && asked & AddrTypes::BROADCAST.0 != 0 {
            return Err("IPv6 has no broadcast addresses".to_owned());
        }
        Ok(())
    }
}

/// Fields of struct `xt_addrtype_info_v1`, `linux/netfilter/xt_addrtype.h`.
const SIZE: usize = 8;
const SOURCE: Field<SIZE, 2> = Field::at(0);
const DESTINATION: Field<SIZE, 2> = Field::at(2);
const TYPE_FLAGS: Field<SIZE, 4> = Field::at(4);
/// `linux/netfilter/xt_addrtype.h`.
const XT_ADDRTYPE_INVERT_SOURCE: u32 = 1 << 0;
const XT_ADDRTYPE_INVERT_DEST: u32 = 1 << 1;
const XT_ADDRTYPE_LIMIT_IFACE_IN: u32 = 1 << 2;
const XT_ADDRTYPE_LIMIT_IFACE_OUT: u32 = 1 << 3;
/// `rtn_names`, `extensions/libxt_addrtype.c`, by the number of the bit.
const NAMES: [&str; 12] = [
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
];

#[cfg(test)]
mod tests {
    use super::super::testing::{info, refusal, text};
    use super::*;

    #[test]
    fn text_and_structure() {
        let own = AddrType::source(AddrTypes::LOCAL)
            .inverted()
            .on_incoming_interface();
        assert_eq!(
            text(own, Family::Ipv6),
            "-m addrtype ! --src-type LOCAL --limit-iface-in"
        );
        let expected = [
            [4u16, 0].map(u16::to_ne_bytes).concat(),
            5u32.to_ne_bytes().to_vec(),
        ];
        assert_eq!(info(own, Family::Ipv6), ("addrtype", 1, expected.concat()));
        let noise = AddrType::destination(AddrTypes::BROADCAST).inverted();
        assert_eq!(
            text(noise, Family::Ipv4),
            "-m addrtype ! --dst-type BROADCAST"
        );
        assert_eq!(
            refusal(noise, vec![], Family::Ipv6),
            "IPv6 has no broadcast addresses"
        );
    }
}
