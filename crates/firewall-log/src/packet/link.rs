//! The link layer: `MAC=…`, with `TUNNEL=` on a sit device, or what `--log-macdecode` prints.

use std::net::Ipv4Addr;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::{preceded, terminated};

use super::multicast::{is_multicast_frame, is_multicast_mac};
use super::octets::Octets;
use crate::input::{
    Parsed, decimal, field, gap, hexadecimal, ipv4, literal, mac, optional, traced,
};
use crate::render::put;
use crate::trace::{Kind, Trace};

/// What a line says of the frame that carried the packet; only lines with an input interface say
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Link<'a> {
    /// `MAC=`: the frame's header as it is; on Ethernet destination (6), source (6) and type (2).
    /// Empty on a tun device.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    /// Whether the frame went to all hosts of the wire or to a group of them.
    pub(crate) fn is_multicast(&self) -> bool {
        match self {
            Self::Raw { header, .. } => is_multicast_frame(*header),
            Self::Decoded { destination, .. } => is_multicast_mac(*destination),
        }
    }

    pub(crate) fn parse(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Option<Self>> {
        if input.starts_with(b"MACSRC=") {
            return Self::parse_decoded.map(Some).parse(input);
        }
        let raw = |at| Self::parse_raw(at, trace);
        opt(preceded(literal("MAC="), cut(raw))).parse(input)
    }

    fn parse_raw(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Self> {
        let header = |at| traced(at, Kind::Colons, Octets::parse_colons, trace);
        let tunnel = opt(preceded(
            literal(" TUNNEL="),
            cut((terminated(ipv4, literal("->")), ipv4)),
        ));
        let (rest, (header, tunnel)) = terminated((header, tunnel), gap).parse(input)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read_and_written(text: &str) -> Link<'_> {
        let (rest, link) = Link::parse(text.as_bytes(), &mut ()).unwrap();
        assert!(rest.is_empty(), "{text}");
        let mut written = Vec::new();
        link.unwrap().render(&mut written);
        assert_eq!(String::from_utf8_lossy(&written), text);
        link.unwrap()
    }

    #[test]
    fn the_sender_is_known_where_the_frame_is_of_ethernet() {
        let ethernet = read_and_written("MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 ");
        assert_eq!(ethernet.source(), Some([2, 0, 0, 0, 0, 1]));
        let decoded = read_and_written(
            "MACSRC=02:00:00:00:00:01 MACDST=02:00:00:00:00:02 VPROTO=8100 VID=100 MACPROTO=0800 ",
        );
        assert_eq!(decoded.source(), ethernet.source());
        assert_eq!(read_and_written("MAC= ").source(), None);
        assert_eq!(
            read_and_written("MAC=45:00 TUNNEL=192.0.2.1->198.51.100.2 ").source(),
            None
        );
        assert_eq!(Link::parse(b"SRC=", &mut ()).unwrap().1, None);
    }

    #[test]
    fn a_header_that_breaks_off_is_refused() {
        for text in [
            "MAC=02:0 ",
            "MAC=02:00:TUNNEL=1.2.3.4->1.2.3.4 ",
            "MAC=02 TUNNEL=1.2.3.4 ",
            "MACSRC=02:00:00:00:00:01 MACPROTO=0800 ",
            "MACSRC=02:00:00:00:00:01 MACDST=02:00:00:00:00:02 VPROTO=8100 MACPROTO=0800 ",
        ] {
            assert!(Link::parse(text.as_bytes(), &mut ()).is_err(), "{text}");
        }
    }
}
