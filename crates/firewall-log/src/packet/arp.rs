//! ARP, as bridge and nft rules log it.

use std::net::Ipv4Addr;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::{preceded, terminated};

use super::octets::Octets;
use crate::input::{Parsed, decimal, field, gap, ipv4, literal, mac, prefixed_hexadecimal};
use crate::render::put;

/// `ARP HTYPE= PTYPE= OPCODE=` and, for IPv4 over Ethernet, who asks whom.
///
/// What it says of addresses is the sender's claim; [`Packet::source`](crate::Packet::source) is
/// `None` for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arp {
    /// `HTYPE=`: the kind of hardware address, 1 for Ethernet.
    pub hardware_type: u16,
    /// `PTYPE=`: the kind of protocol address, 0x0800 for IPv4.
    pub protocol_type: u16,
    /// `OPCODE=`: 1 asks, 2 answers.
    pub opcode: u16,
    /// The addresses, where the kernel prints them.
    pub addresses: ArpAddresses,
}

/// The end of an ARP line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArpAddresses {
    /// Not IPv4 over Ethernet: the line ends after `OPCODE=`.
    None,
    /// `INCOMPLETE [n bytes]`: the packet ends before its addresses do.
    Incomplete(u32),
    /// `MACSRC= IPSRC= MACDST= IPDST=`
    Ethernet {
        /// `MACSRC=`
        source: [u8; 6],
        /// `IPSRC=`
        source_ip: Ipv4Addr,
        /// `MACDST=`
        destination: [u8; 6],
        /// `IPDST=`
        destination_ip: Ipv4Addr,
    },
}

impl Arp {
    pub(crate) fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, hardware_type) =
            preceded(literal("ARP "), cut(field("HTYPE=", decimal))).parse(input)?;
        let (rest, protocol_type) = cut(field("PTYPE=", prefixed_hexadecimal)).parse(rest)?;
        let (rest, opcode) = cut(field("OPCODE=", decimal)).parse(rest)?;
        let (rest, addresses) = cut(ArpAddresses::parse).parse(rest)?;
        Ok((
            rest,
            Self {
                hardware_type,
                protocol_type,
                opcode,
                addresses,
            },
        ))
    }

    pub(crate) fn render(&self, out: &mut Vec<u8>) {
        let Self {
            hardware_type,
            protocol_type,
            opcode,
            addresses,
        } = self;
        put!(
            out,
            "ARP HTYPE={hardware_type} PTYPE=0x{protocol_type:04x} OPCODE={opcode}"
        );
        match addresses {
            ArpAddresses::None => {}
            ArpAddresses::Incomplete(bytes) => put!(out, " INCOMPLETE [{bytes} bytes]"),
            ArpAddresses::Ethernet {
                source,
                source_ip,
                destination,
                destination_ip,
            } => {
                let (source, destination) =
                    (Octets::from_bytes(source), Octets::from_bytes(destination));
                put!(
                    out,
                    " MACSRC={source} IPSRC={source_ip} MACDST={destination} IPDST={destination_ip}"
                );
            }
        }
    }
}

impl ArpAddresses {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let incomplete = terminated(decimal, (literal(" bytes]"), gap));
        let (rest, bytes) = opt(preceded(literal("INCOMPLETE ["), cut(incomplete))).parse(input)?;
        if let Some(bytes) = bytes {
            return Ok((rest, Self::Incomplete(bytes)));
        }
        let (rest, source) = opt(field("MACSRC=", mac)).parse(input)?;
        let Some(source) = source else {
            return Ok((input, Self::None));
        };
        let (rest, source_ip) = field("IPSRC=", ipv4).parse(rest)?;
        let (rest, destination) = field("MACDST=", mac).parse(rest)?;
        let (rest, destination_ip) = field("IPDST=", ipv4).parse(rest)?;
        Ok((
            rest,
            Self::Ethernet {
                source,
                source_ip,
                destination,
                destination_ip,
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_and_written(text: &str) -> Arp {
        let (rest, value) = Arp::parse(text.as_bytes()).unwrap();
        assert!(rest.is_empty(), "{text}");
        let mut written = Vec::new();
        value.render(&mut written);
        assert_eq!(String::from_utf8_lossy(&written), text);
        value
    }

    #[test]
    fn addresses_are_there_for_ipv4_over_ethernet() {
        assert_eq!(
            read_and_written("ARP HTYPE=32 PTYPE=0x86dd OPCODE=2").addresses,
            ArpAddresses::None
        );
        let cut = read_and_written("ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 INCOMPLETE [12 bytes]");
        assert_eq!(cut.addresses, ArpAddresses::Incomplete(12));
        let whole = "ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 MACSRC=02:00:00:00:00:01 IPSRC=192.0.2.7 MACDST=00:00:00:00:00:00 IPDST=192.0.2.9";
        assert!(matches!(
            read_and_written(whole).addresses,
            ArpAddresses::Ethernet { .. }
        ));
        for text in [
            "ARP HTYPE=1",
            "ARP HTYPE=1 PTYPE=0800 OPCODE=1",
            &whole[..whole.len() - 12],
        ] {
            assert!(Arp::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
