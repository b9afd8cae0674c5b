//! The network layer of a line: IPv4, IPv6 or ARP.

use std::net::IpAddr;

use nom::branch::alt;
use nom::combinator::cut;
use nom::sequence::terminated;
use nom::{Mode, Parser};

use super::arp::Arp;
use super::ipv4::Ipv4;
use super::ipv6::{Extension, Ipv6};
use super::memory::Memory;
use super::protocol::Protocol;
use super::transport::Transport;
use crate::input::{Parsed, gap, literal, mismatch};
use crate::render::put;

/// A packet from its network header on; what stands between the brackets of an ICMP error is one, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network<'a> {
    /// An IPv4 packet.
    V4(Ipv4<'a>),
    /// An IPv6 packet.
    V6(Ipv6<'a>),
    /// An ARP packet; never inside brackets.
    Arp(Arp),
    /// `TRUNCATED`: the packet ends before its addresses do.
    Truncated,
}

/// What of a packet decides whether it counts and for whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// `SRC=` of the packet itself, never of one that it quotes.
    pub(crate) source: Option<IpAddr>,
    pub(crate) protocol: Option<Protocol>,
    /// `DPT=`
    pub(crate) port: Option<u16>,
}

/// What was read of a packet, if it is asked for, and the packet that it quotes.
pub(crate) type Quoting<'a, T, M> = <M as Mode>::Output<(T, Option<Network<'a>>)>;

impl<'a> Network<'a> {
    /// `SRC=`; `None` where the line has none.
    pub fn source(&self) -> Option<IpAddr> {
        match self {
            Self::V4(ip) => Some(ip.source.into()),
            Self::V6(ip) => Some(ip.source.into()),
            Self::Arp(_) | Self::Truncated => None,
        }
    }

    /// `DST=`; `None` where the line has none.
    pub fn destination(&self) -> Option<IpAddr> {
        match self {
            Self::V4(ip) => Some(ip.destination.into()),
            Self::V6(ip) => Some(ip.destination.into()),
            Self::Arp(_) | Self::Truncated => None,
        }
    }

    /// The first `LEN=`: bytes of the whole IP packet.
    pub fn length(&self) -> Option<u32> {
        match self {
            Self::V4(ip) => Some(ip.length),
            Self::V6(ip) => Some(ip.length),
            Self::Arp(_) | Self::Truncated => None,
        }
    }

    /// `TTL=` or `HOPLIMIT=`.
    pub fn ttl(&self) -> Option<u8> {
        match self {
            Self::V4(ip) => Some(ip.ttl),
            Self::V6(ip) => Some(ip.hop_limit),
            Self::Arp(_) | Self::Truncated => None,
        }
    }

    /// The protocol above IP: `PROTO=`, or ESP where `OPT ( ESP …` says so.
    pub fn protocol(&self) -> Option<Protocol> {
        let esp = |ip: &Ipv6<'_>| {
            ip.extensions
                .iter()
                .any(|header| matches!(header, Extension::Esp(_)))
        };
        match self {
            Self::V6(ip) if ip.transport == Transport::None && esp(ip) => Some(Protocol::Esp),
            _ => self.transport()?.protocol(),
        }
    }

    /// What is above IP.
    pub fn transport(&self) -> Option<&Transport<'a>> {
        match self {
            Self::V4(ip) => Some(&ip.transport),
            Self::V6(ip) => Some(&ip.transport),
            Self::Arp(_) | Self::Truncated => None,
        }
    }

    /// What decides, and, if they are asked for, the packet and the one that an ICMP error quotes.
    #[inline]
    pub(crate) fn parse<M: Mode>(
        input: &'a [u8],
        memory: &mut impl Memory,
    ) -> Parsed<'a, (Outline, Quoting<'a, Self, M>)> {
        // The family shows within four digits of the address.
        match input {
            [b'S', b'R', b'C', b'=', address @ ..]
                if !address.iter().take(5).any(|byte| *byte == b':') =>
            {
                let (rest, (outline, value)) = Ipv4::parse::<M>(input, false, memory)?;
                let value = M::map(value, |(ip, inner)| (Self::V4(ip), inner));
                Ok((rest, (outline, value)))
            }
            [b'S', b'R', b'C', b'=', ..] => {
                let (rest, (outline, value)) = Ipv6::parse::<M>(input, false, memory)?;
                let value = M::map(value, |(ip, inner)| (Self::V6(ip), inner));
                Ok((rest, (outline, value)))
            }
            _ => Self::parse_without_addresses::<M>(input),
        }
    }

    fn parse_without_addresses<M: Mode>(
        input: &'a [u8],
    ) -> Parsed<'a, (Outline, Quoting<'a, Self, M>)> {
        let (rest, network) = match input {
            [b'A', ..] => Arp::parse.map(Self::Arp).parse(input)?,
            [b'T', ..] => Self::parse_truncated(input)?,
            _ => return mismatch(input, "SRC="),
        };
        Ok((rest, (Outline::default(), M::bind(|| (network, None)))))
    }

    /// `[… ] `: the packet an ICMP error is about.
    pub(crate) fn parse_quoted<M: Mode>(
        input: &'a [u8],
        packet: fn(&'a [u8]) -> Parsed<'a, M::Output<Self>>,
    ) -> Parsed<'a, M::Output<Option<Self>>> {
        let (rest, ()) = literal("[").parse(input)?;
        let truncated = Self::parse_truncated.map(|network| M::bind(|| network));
        cut(terminated(alt((truncated, packet)), (literal("]"), gap)))
            .map(|network| M::map(network, Some))
            .parse(rest)
    }

    pub(crate) fn parse_ipv4<M: Mode>(input: &'a [u8]) -> Parsed<'a, M::Output<Self>> {
        let (rest, (_, value)) = Ipv4::parse::<M>(input, true, &mut ())?;
        Ok((rest, M::map(value, |(ip, _)| Self::V4(ip))))
    }

    pub(crate) fn parse_ipv6<M: Mode>(input: &'a [u8]) -> Parsed<'a, M::Output<Self>> {
        let (rest, (_, value)) = Ipv6::parse::<M>(input, true, &mut ())?;
        Ok((rest, M::map(value, |(ip, _)| Self::V6(ip))))
    }

    fn parse_truncated(input: &'a [u8]) -> Parsed<'a, Self> {
        terminated(literal("TRUNCATED"), gap)
            .map(|()| Self::Truncated)
            .parse(input)
    }

    pub(crate) fn render(&self, inner: Option<&Network<'_>>, out: &mut Vec<u8>) {
        match self {
            Self::V4(ip) => ip.render(inner, out),
            Self::V6(ip) => ip.render(inner, out),
            Self::Arp(arp) => arp.render(out),
            Self::Truncated => put!(out, "TRUNCATED"),
        }
    }

    pub(crate) fn render_quoted(&self, out: &mut Vec<u8>) {
        put!(out, "[");
        self.render(None, out);
        put!(out, "] ");
    }
}

impl<'a> From<Ipv4<'a>> for Network<'a> {
    fn from(ip: Ipv4<'a>) -> Self {
        Self::V4(ip)
    }
}

impl<'a> From<Ipv6<'a>> for Network<'a> {
    fn from(ip: Ipv6<'a>) -> Self {
        Self::V6(ip)
    }
}
