//! The network layer of a line: IPv4, IPv6 or ARP.

use std::net::IpAddr;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::cut;
use nom::sequence::terminated;

use super::arp::Arp;
use super::ipv4::Ipv4;
use super::ipv6::{Extension, Ipv6};
use super::protocol::Protocol;
use super::transport::Transport;
use crate::input::{Parsed, gap, literal, mismatch};
use crate::render::put;
use crate::trace::Trace;

/// A packet from its network header on; what stands between the brackets of an ICMP error is one,
/// too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// A layer of a packet, and the packet that it quotes.
pub(crate) type Quoting<'a, T> = (T, Option<Network<'a>>);

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

    /// The packet, and the one that an ICMP error quotes.
    pub(crate) fn parse(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Quoting<'a, Self>> {
        // The family shows within four digits of the address.
        match input {
            [b'S', b'R', b'C', b'=', address @ ..]
                if !address.iter().take(5).any(|byte| *byte == b':') =>
            {
                let (rest, (ip, inner)) = Ipv4::parse(input, false, trace)?;
                Ok((rest, (Self::V4(ip), inner)))
            }
            [b'S', b'R', b'C', b'=', ..] => {
                let (rest, (ip, inner)) = Ipv6::parse(input, false, trace)?;
                Ok((rest, (Self::V6(ip), inner)))
            }
            [b'A', ..] => Arp::parse.map(|arp| (Self::Arp(arp), None)).parse(input),
            [b'T', ..] => Self::parse_truncated
                .map(|network| (network, None))
                .parse(input),
            _ => mismatch(input, "SRC="),
        }
    }

    /// `[… ] `: the packet an ICMP error is about.
    pub(crate) fn parse_quoted(
        input: &'a [u8],
        packet: impl FnMut(&'a [u8]) -> Parsed<'a, Self>,
    ) -> Parsed<'a, Option<Self>> {
        let (rest, ()) = literal("[").parse(input)?;
        cut(terminated(
            alt((Self::parse_truncated, packet)),
            (literal("]"), gap),
        ))
        .map(Some)
        .parse(rest)
    }

    pub(crate) fn parse_ipv4(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Self> {
        Ipv4::parse(input, true, trace).map(|(rest, (ip, _))| (rest, Self::V4(ip)))
    }

    pub(crate) fn parse_ipv6(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Self> {
        Ipv6::parse(input, true, trace).map(|(rest, (ip, _))| (rest, Self::V6(ip)))
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
