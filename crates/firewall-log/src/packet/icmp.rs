//! ICMP over IPv4, and the packet that an error quotes.

use std::net::Ipv4Addr;

use nom::Parser;
use nom::combinator::cut;

use super::network::Network;
use crate::input::{Parsed, decimal, field, incomplete, ipv4, optional};
use crate::render::put;

/// `TYPE= CODE=` and what the kernel prints for the type.
///
/// The packet that an error quotes is beside it, in [`Packet::inner`](crate::Packet::inner).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Icmp {
    /// `TYPE=`
    pub kind: u8,
    /// `CODE=`
    pub code: u8,
    /// What follows.
    pub body: IcmpBody,
}

/// The part of an ICMP message that depends on its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IcmpBody {
    /// Nothing is printed for this type.
    #[default]
    None,
    /// `INCOMPLETE [n bytes]`: the message is shorter than its type asks for.
    Incomplete(u32),
    /// `ID= SEQ=` of an echo request or reply.
    Echo {
        /// `ID=`
        id: u16,
        /// `SEQ=`
        sequence: u16,
    },
    /// `PARAMETER=` of a parameter problem: the byte of the header that is wrong.
    Parameter(u8),
    /// An error that quotes the packet it is about: unreachable, source quench, redirect, time exceeded.
    Error {
        /// `GATEWAY=` of a redirect.
        gateway: Option<Ipv4Addr>,
        /// `MTU=` of "fragmentation needed".
        mtu: Option<u16>,
    },
}

impl Icmp {
    /// `quoted`: this message is itself inside brackets, where the kernel prints no further ones.
    pub(crate) fn parse(input: &[u8], quoted: bool) -> Parsed<'_, (Self, Option<Network<'_>>)> {
        let (rest, kind) = field("TYPE=", decimal).parse(input)?;
        let (rest, code) = field("CODE=", decimal).parse(rest)?;
        let (rest, bytes) = incomplete(rest)?;
        let (rest, (body, inner)) = match (bytes, kind) {
            (Some(bytes), _) => (rest, (IcmpBody::Incomplete(bytes), None)),
            (None, ECHO_REPLY | ECHO) => {
                let echo = (field("ID=", decimal), field("SEQ=", decimal));
                echo.map(|(id, sequence)| (IcmpBody::Echo { id, sequence }, None))
                    .parse(rest)?
            }
            (None, PARAMETER_PROBLEM) => field("PARAMETER=", decimal)
                .map(|byte| (IcmpBody::Parameter(byte), None))
                .parse(rest)?,
            (None, UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED) => {
                let (rest, gateway) = match kind {
                    REDIRECT => field("GATEWAY=", ipv4).map(Some).parse(rest)?,
                    _ => (rest, None),
                };
                let (rest, inner) = if quoted {
                    (rest, None)
                } else {
                    Network::parse_quoted(rest, Network::parse_ipv4)?
                };
                let (rest, mtu) = match (kind, code) {
                    (UNREACHABLE, FRAGMENTATION_NEEDED) => {
                        cut(optional("MTU=", decimal)).parse(rest)?
                    }
                    _ => (rest, None),
                };
                (rest, (IcmpBody::Error { gateway, mtu }, inner))
            }
            (None, _) => (rest, (IcmpBody::None, None)),
        };
        Ok((rest, (Self { kind, code, body }, inner)))
    }

    /// `inner`: the packet that an error quotes; `None` where this message is itself quoted.
    pub(crate) fn render(&self, inner: Option<&Network<'_>>, out: &mut Vec<u8>) {
        put!(out, "TYPE={} CODE={} ", self.kind, self.code);
        match self.body {
            IcmpBody::None => {}
            IcmpBody::Incomplete(bytes) => put!(out, "INCOMPLETE [{bytes} bytes] "),
            IcmpBody::Echo { id, sequence } => put!(out, "ID={id} SEQ={sequence} "),
            IcmpBody::Parameter(byte) => put!(out, "PARAMETER={byte} "),
            IcmpBody::Error { gateway, mtu } => {
                if let Some(gateway) = gateway {
                    put!(out, "GATEWAY={gateway} ");
                }
                if let Some(inner) = inner {
                    inner.render_quoted(out);
                }
                if let Some(mtu) = mtu {
                    put!(out, "MTU={mtu} ");
                }
            }
        }
    }
}

// linux/icmp.h
const ECHO_REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const SOURCE_QUENCH: u8 = 4;
const REDIRECT: u8 = 5;
const ECHO: u8 = 8;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;
const FRAGMENTATION_NEEDED: u8 = 4;
