//! What is above IP: `PROTO=` and the fields of the protocol.

use nom::combinator::opt;
use nom::sequence::terminated;
use nom::{Mode, Parser};

use super::icmp::Icmp;
use super::icmpv6::Icmpv6;
use super::ipsec::Spi;
use super::network::{Network, Quoting};
use super::protocol::Protocol;
use super::tcp::Tcp;
use super::udp::Udp;
use crate::input::{Parsed, decimal, fail, gap, incomplete, literal, mismatch};
use crate::render::put;

/// The protocol above IP, with what the line says of its header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport<'a> {
    /// No `PROTO=` at all: over IPv6 an ESP packet, or a later fragment whose extension headers go on; over IPv4
    /// a later fragment of AH.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// What the line says of protocol and port, and, if they are asked for, the header and the packet that an ICMP error quotes.
    #[inline]
    pub(crate) fn parse<M: Mode>(input: &'a [u8], place: Place) -> Parsed<'a, Layer<'a, M>> {
        let Some(rest) = input.strip_prefix(b"PROTO=") else {
            return Self::parse_none::<M>(input, place);
        };
        let (rest, name) = Name::parse(rest).map_err(fail)?;
        Self::parse_header::<M>(rest, name, place).map_err(fail)
    }

    fn parse_none<M: Mode>(input: &'a [u8], place: Place) -> Parsed<'a, Layer<'a, M>> {
        let layer = |transport| Layer::new(None, None, M::bind(|| (transport, None)));
        let (rest, truncated) = opt(terminated(literal("TRUNCATED"), gap)).parse(input)?;
        if truncated.is_some() {
            return Ok((rest, layer(Self::Truncated)));
        }
        if place.ipv6 || place.fragment {
            return Ok((rest, layer(Self::None)));
        }
        mismatch(rest, "PROTO=")
    }

    #[inline]
    fn parse_header<M: Mode>(
        input: &'a [u8],
        name: Name,
        place: Place,
    ) -> Parsed<'a, Layer<'a, M>> {
        match name {
            Name::Known(Protocol::Tcp) => {
                let (rest, part) = Part::parse(input, place.fragment, Tcp::parse::<M>)?;
                let destination = part.whole().map(|(port, _)| *port);
                let part = part.map(|(_, tcp)| tcp);
                let value = emit::<M, _, _>(part, |tcp| (Self::Tcp(tcp), None));
                Ok((rest, Layer::new(Some(Protocol::Tcp), destination, value)))
            }
            Name::Known(protocol @ (Protocol::Udp | Protocol::UdpLite)) => {
                let (rest, part) = Part::parse(input, place.fragment, Udp::parse)?;
                let destination = part.whole().map(|udp| udp.destination_port);
                let value = M::bind(|| match protocol {
                    Protocol::Udp => (Self::Udp(part), None),
                    _ => (Self::UdpLite(part), None),
                });
                Ok((rest, Layer::new(Some(protocol), destination, value)))
            }
            Name::Number(number) => {
                let value = M::bind(|| (Self::Other(number), None));
                Ok((
                    input,
                    Layer::new(Some(Protocol::from_number(number)), None, value),
                ))
            }
            Name::Known(protocol) => Self::parse_without_ports::<M>(input, protocol, place),
        }
    }

    fn parse_without_ports<M: Mode>(
        input: &'a [u8],
        protocol: Protocol,
        place: Place,
    ) -> Parsed<'a, Layer<'a, M>> {
        let Place {
            ipv6,
            fragment,
            quoted,
        } = place;
        let (rest, value) = match (protocol, ipv6) {
            (Protocol::Icmp, false) => {
                let (rest, part) = Part::parse(input, fragment, |at| Icmp::parse::<M>(at, quoted))?;
                let value = emit::<M, _, _>(part, |part| {
                    let (part, inner) = part.split();
                    (Self::Icmp(part), inner)
                });
                (rest, value)
            }
            (Protocol::Icmpv6, true) => {
                let (rest, part) =
                    Part::parse(input, fragment, |at| Icmpv6::parse::<M>(at, quoted))?;
                let value = emit::<M, _, _>(part, |part| {
                    let (part, inner) = part.split();
                    (Self::Icmpv6(part), inner)
                });
                (rest, value)
            }
            (Protocol::Ah, false) => Part::parse(input, fragment, Spi::parse)
                .map(|(rest, spi)| (rest, M::bind(|| (Self::Ah(spi), None))))?,
            (Protocol::Esp, false) => Part::parse(input, fragment, Spi::parse)
                .map(|(rest, spi)| (rest, M::bind(|| (Self::Esp(spi), None))))?,
            _ => return mismatch(input, "a protocol of this address family"),
        };
        Ok((rest, Layer::new(Some(protocol), None, value)))
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

/// A transport header as it was read: what decides, and, in nom's mode of emitting, the header and the packet quoted.
pub(crate) struct Layer<'a, M: Mode> {
    pub(crate) protocol: Option<Protocol>,
    /// The destination port.
    pub(crate) port: Option<u16>,
    pub(crate) value: Quoting<'a, Transport<'a>, M>,
}

impl<'a, M: Mode> Layer<'a, M> {
    #[inline]
    fn new(
        protocol: Option<Protocol>,
        port: Option<u16>,
        value: Quoting<'a, Transport<'a>, M>,
    ) -> Self {
        Self {
            protocol,
            port,
            value,
        }
    }
}

/// Makes something of a part whose header is there in one mode and not in the other.
#[inline]
fn emit<M: Mode, T, V>(part: Part<M::Output<T>>, make: impl FnOnce(Part<T>) -> V) -> M::Output<V> {
    match part {
        Part::Whole(header) => M::map(header, |header| make(Part::Whole(header))),
        Part::Fragment => M::bind(|| make(Part::Fragment)),
        Part::Incomplete(bytes) => M::bind(|| make(Part::Incomplete(bytes))),
    }
}

impl<T> Part<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Part<U> {
        match self {
            Self::Whole(header) => Part::Whole(change(header)),
            Self::Fragment => Part::Fragment,
            Self::Incomplete(bytes) => Part::Incomplete(bytes),
        }
    }
}

impl<'a, T> Part<(T, Option<Network<'a>>)> {
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
