//! The link layer: `MAC=…`, with `TUNNEL=` on a sit device, or what `--log-macdecode` prints.

use std::net::Ipv4Addr;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::{preceded, terminated};

use super::octets::Octets;
use crate::input::{Parsed, decimal, field, gap, hexadecimal, ipv4, literal, mac, optional};
use crate::render::put;

/// What a line says of the frame that carried the packet; only lines with an input interface say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link<'a> {
    /// `MAC=`: the frame's header as it is; on Ethernet destination (6), source (6) and type (2). Empty on a tun device.
    Raw {
        /// The octets of the header.
        header: Octets<'a>,
        /// `TUNNEL=source->destination`: the outer addresses on a sit device.
        tunnel: Option<(Ipv4Addr, Ipv4Addr)>,
    },
    /// `MACSRC= MACDST= … MACPROTO=`: the header as `--log-macdecode` and bridge rules print it.
    Decoded {
        /// `MACSRC=`
        source: [u8; 6],
        /// `MACDST=`
        destination: [u8; 6],
        /// `VPROTO= VID=`, if the frame has a VLAN tag.
        vlan: Option<Vlan>,
        /// `MACPROTO=`: the type of what the frame carries, such as 0x0800 for IPv4.
        protocol: u16,
    },
}

/// The VLAN tag of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vlan {
    /// `VPROTO=`: the tag's type, such as 0x8100.
    pub protocol: u16,
    /// `VID=`: the VLAN's number.
    pub id: u16,
}

impl<'a> Link<'a> {
    /// The hardware address of the frame's sender, where the header is one of Ethernet's.
    pub fn source(&self) -> Option<[u8; 6]> {
        match self {
            Self::Raw { header, .. } if header.len() == 14 => {
                let mut source = [0; 6];
                source
                    .iter_mut()
                    .zip(header.iter().skip(6))
                    .for_each(|(to, from)| *to = from);
                Some(source)
            }
            Self::Raw { .. } => None,
            Self::Decoded { source, .. } => Some(*source),
        }
    }

    pub(crate) fn parse(input: &'a [u8]) -> Parsed<'a, Option<Self>> {
        if input.starts_with(b"MACSRC=") {
            return Self::parse_decoded.map(Some).parse(input);
        }
        opt(preceded(literal("MAC="), cut(Self::parse_raw))).parse(input)
    }

    fn parse_raw(input: &'a [u8]) -> Parsed<'a, Self> {
        let tunnel = opt(preceded(
            literal(" TUNNEL="),
            cut((terminated(ipv4, literal("->")), ipv4)),
        ));
        let (rest, (header, tunnel)) =
            terminated((Octets::parse_colons, tunnel), gap).parse(input)?;
        Ok((rest, Self::Raw { header, tunnel }))
    }

    fn parse_decoded(input: &'a [u8]) -> Parsed<'a, Self> {
        let (rest, source) = field("MACSRC=", mac).parse(input)?;
        let (rest, destination) = field("MACDST=", mac).parse(rest)?;
        let (rest, protocol) = optional("VPROTO=", hexadecimal).parse(rest)?;
        let (rest, vlan) = match protocol {
            Some(protocol) => field("VID=", decimal)
                .map(|id| Some(Vlan { protocol, id }))
                .parse(rest)?,
            None => (rest, None),
        };
        let (rest, protocol) = field("MACPROTO=", hexadecimal).parse(rest)?;
        Ok((
            rest,
            Self::Decoded {
                source,
                destination,
                vlan,
                protocol,
            },
        ))
    }

    pub(crate) fn render(&self, out: &mut Vec<u8>) {
        match self {
            Self::Raw { header, tunnel } => {
                put!(out, "MAC={header}");
                if let Some((source, destination)) = tunnel {
                    put!(out, " TUNNEL={source}->{destination}");
                }
                put!(out, " ");
            }
            Self::Decoded {
                source,
                destination,
                vlan,
                protocol,
            } => {
                put!(
                    out,
                    "MACSRC={} MACDST={} ",
                    Octets::from_bytes(source),
                    Octets::from_bytes(destination)
                );
                if let Some(Vlan { protocol, id }) = vlan {
                    put!(out, "VPROTO={protocol:04x} VID={id} ");
                }
                put!(out, "MACPROTO={protocol:04x} ");
            }
        }
    }
}
