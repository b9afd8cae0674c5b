//! What is above IP: `PROTO=` and the fields of the protocol.

use nom::Parser;
use nom::combinator::opt;
use nom::sequence::terminated;

use super::icmp::Icmp;
use super::icmpv6::Icmpv6;
use super::ipsec::Spi;
use super::network::{Network, Quoting};
use super::protocol::Protocol;
use super::tcp::Tcp;
use super::udp::Udp;
use crate::input::{Parsed, decimal, fail, gap, incomplete, literal, mismatch};
use crate::render::put;
use crate::trace::Trace;

/// The protocol above IP, with what the line says of its header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport<'a> {
    /// No `PROTO=` at all: over IPv6 an ESP packet, or a later fragment whose extension headers go
    /// on; over IPv4 a later fragment of AH.
    #[default]
    None,
    /// `TRUNCATED`: the packet ends before the protocol's header, and so does the line.
    Truncated,
    /// `PROTO=TCP`
    Tcp(Part<Tcp<'a>>),
    /// `PROTO=UDP`
    Udp(Part<Udp>),
    /// `PROTO=UDPLITE`
    UdpLite(Part<Udp>),
    /// `PROTO=ICMP`, over IPv4 only.
    Icmp(Part<Icmp>),
    /// `PROTO=ICMPv6`, over IPv6 only.
    Icmpv6(Part<Icmpv6>),
    /// `PROTO=AH`, over IPv4 only.
    Ah(Part<Spi>),
    /// `PROTO=ESP`, over IPv4 only.
    Esp(Part<Spi>),
    /// `PROTO=` and the number of a protocol of which the kernel prints no more.
    Other(u8),
}

/// How much of a header the packet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part<T> {
    /// All of it.
    Whole(T),
    /// None: the packet is a later fragment, and the line has nothing after `PROTO=`.
    Fragment,
    /// `INCOMPLETE [n bytes]`: only so many bytes.
    Incomplete(u32),
}

/// Which family the header belongs to, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) ipv6: bool,
    /// A fragment other than the first.
    pub(crate) fragment: bool,
    /// Inside the brackets of an ICMP error.
    pub(crate) quoted: bool,
}

impl<T> Part<T> {
    /// The header, if all of it is there.
    pub fn whole(&self) -> Option<&T> {
        match self {
            Self::Whole(header) => Some(header),
            Self::Fragment | Self::Incomplete(_) => None,
        }
    }

    #[inline]
    pub(crate) fn parse<'a>(
        input: &'a [u8],
        fragment: bool,
        header: impl FnOnce(&'a [u8]) -> Parsed<'a, T>,
    ) -> Parsed<'a, Self> {
        if fragment {
            return Ok((input, Self::Fragment));
        }
        match incomplete(input)? {
            (rest, Some(bytes)) => Ok((rest, Self::Incomplete(bytes))),
            (rest, None) => header(rest).map(|(rest, header)| (rest, Self::Whole(header))),
        }
    }

    pub(crate) fn render(&self, out: &mut Vec<u8>, header: impl FnOnce(&T, &mut Vec<u8>)) {
        match self {
            Self::Whole(value) => header(value, out),
            Self::Fragment => {}
            Self::Incomplete(bytes) => put!(out, "INCOMPLETE [{bytes} bytes] "),
        }
    }
}

impl<'a> Transport<'a> {
    /// The protocol `PROTO=` names, if the line has got that far.
    pub fn protocol(&self) -> Option<Protocol> {
        Some(match self {
            Self::None | Self::Truncated => return None,
            Self::Tcp(_) => Protocol::Tcp,
            Self::Udp(_) => Protocol::Udp,
            Self::UdpLite(_) => Protocol::UdpLite,
            Self::Icmp(_) => Protocol::Icmp,
            Self::Icmpv6(_) => Protocol::Icmpv6,
            Self::Ah(_) => Protocol::Ah,
            Self::Esp(_) => Protocol::Esp,
            Self::Other(number) => Protocol::Other(*number),
        })
    }

    /// Source and destination port, for the protocols that have them, if the line says.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self {
            Self::Tcp(part) => part
                .whole()
                .map(|tcp| (tcp.source_port, tcp.destination_port)),
            Self::Udp(part) | Self::UdpLite(part) => part
                .whole()
                .map(|udp| (udp.source_port, udp.destination_port)),
            _ => None,
        }
    }

    /// The header, and the packet that an ICMP error quotes.
    pub(crate) fn parse(
        input: &'a [u8],
        place: Place,
        trace: &mut impl Trace,
    ) -> Parsed<'a, Quoting<'a, Self>> {
        let Some(rest) = input.strip_prefix(b"PROTO=") else {
            return Self::parse_none(input, place).map(|(rest, none)| (rest, (none, None)));
        };
        let (rest, name) = Name::parse(rest).map_err(fail)?;
        Self::parse_header(rest, name, place, trace).map_err(fail)
    }

    fn parse_none(input: &'a [u8], place: Place) -> Parsed<'a, Self> {
        let (rest, truncated) = opt(terminated(literal("TRUNCATED"), gap)).parse(input)?;
        if truncated.is_some() {
            return Ok((rest, Self::Truncated));
        }
        if place.ipv6 || place.fragment {
            return Ok((rest, Self::None));
        }
        mismatch(rest, "PROTO=")
    }

    fn parse_header(
        input: &'a [u8],
        name: Name,
        place: Place,
        trace: &mut impl Trace,
    ) -> Parsed<'a, Quoting<'a, Self>> {
        let Place {
            ipv6,
            fragment,
            quoted,
        } = place;
        let protocol = match name {
            Name::Known(protocol) => protocol,
            Name::Number(number) => return Ok((input, (Self::Other(number), None))),
        };
        match (protocol, ipv6) {
            (Protocol::Tcp, _) => {
                let (rest, part) = Part::parse(input, fragment, |at| Tcp::parse(at, trace))?;
                Ok((rest, (Self::Tcp(part), None)))
            }
            (Protocol::Udp, _) => {
                let (rest, part) = Part::parse(input, fragment, |at| Udp::parse(at, trace))?;
                Ok((rest, (Self::Udp(part), None)))
            }
            (Protocol::UdpLite, _) => {
                let (rest, part) = Part::parse(input, fragment, |at| Udp::parse(at, trace))?;
                Ok((rest, (Self::UdpLite(part), None)))
            }
            (Protocol::Icmp, false) => {
                let icmp = |at| Icmp::parse(at, quoted, trace);
                let (rest, part) = Part::parse(input, fragment, icmp)?;
                let (part, inner) = part.split();
                Ok((rest, (Self::Icmp(part), inner)))
            }
            (Protocol::Icmpv6, true) => {
                let icmp = |at| Icmpv6::parse(at, quoted, trace);
                let (rest, part) = Part::parse(input, fragment, icmp)?;
                let (part, inner) = part.split();
                Ok((rest, (Self::Icmpv6(part), inner)))
            }
            (Protocol::Ah, false) => {
                let (rest, part) = Part::parse(input, fragment, Spi::parse)?;
                Ok((rest, (Self::Ah(part), None)))
            }
            (Protocol::Esp, false) => {
                let (rest, part) = Part::parse(input, fragment, Spi::parse)?;
                Ok((rest, (Self::Esp(part), None)))
            }
            _ => mismatch(input, "a protocol of this address family"),
        }
    }

    /// `inner`: the packet that an ICMP error quotes.
    pub(crate) fn render(&self, inner: Option<&Network<'_>>, out: &mut Vec<u8>) {
        match self {
            Self::None => return,
            Self::Truncated => return put!(out, "TRUNCATED"),
            Self::Other(number) => return put!(out, "PROTO={number} "),
            _ => {}
        }
        if let Some(protocol) = self.protocol() {
            put!(out, "PROTO={protocol} ");
        }
        match self {
            Self::Tcp(part) => part.render(out, Tcp::render),
            Self::Udp(part) | Self::UdpLite(part) => part.render(out, |udp, out| udp.render(out)),
            Self::Icmp(part) => part.render(out, |icmp, out| icmp.render(inner, out)),
            Self::Icmpv6(part) => part.render(out, |icmp, out| icmp.render(inner, out)),
            Self::Ah(part) | Self::Esp(part) => part.render(out, |spi, out| spi.render(out)),
            Self::None | Self::Truncated | Self::Other(_) => {}
        }
    }
}

impl<'a, T> Part<Quoting<'a, T>> {
    fn split(self) -> (Part<T>, Option<Network<'a>>) {
        match self {
            Self::Whole((header, inner)) => (Part::Whole(header), inner),
            Self::Fragment => (Part::Fragment, None),
            Self::Incomplete(bytes) => (Part::Incomplete(bytes), None),
        }
    }
}

/// The value of `PROTO=`.
#[derive(Debug, Clone, Copy)]
enum Name {
    Known(Protocol),
    Number(u8),
}

impl Name {
    #[inline]
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        // By far the most common; the others are looked at letter by letter.
        if let Some(rest) = input.strip_prefix(b"TCP ") {
            return Ok((rest, Self::Known(Protocol::Tcp)));
        }
        if let Some(rest) = input.strip_prefix(b"UDP ") {
            return Ok((rest, Self::Known(Protocol::Udp)));
        }
        Self::parse_any(input)
    }

    fn parse_any(input: &[u8]) -> Parsed<'_, Self> {
        let length = input
            .iter()
            .take(8)
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let (word, rest) = input.split_at(length);
        let known = match word {
            b"TCP" => Protocol::Tcp,
            b"UDP" => Protocol::Udp,
            b"UDPLITE" => Protocol::UdpLite,
            b"ICMP" => Protocol::Icmp,
            b"ICMPv6" => Protocol::Icmpv6,
            b"AH" => Protocol::Ah,
            b"ESP" => Protocol::Esp,
            _ => return terminated(decimal, gap).map(Self::Number).parse(input),
        };
        gap(rest).map(|(rest, ())| (rest, Self::Known(known)))
    }
}
