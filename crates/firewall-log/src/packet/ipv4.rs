//! The IPv4 header.

use std::net::Ipv4Addr;

use nom::Parser;
use nom::combinator::cut;
use nom::sequence::delimited;

use super::network::{Network, Quoting};
use super::octets::Octets;
use super::transport::{Place, Transport};
use crate::input::{
    Parsed, decimal, flag, free, gap, literal, optional, prefixed_hexadecimal, read,
};
use crate::render::put;
use crate::trace::Trace;

/// `SRC= DST= LEN= TOS= PREC= TTL= ID= [CE] [DF] [MF] [FRAG:] [OPT (…)]` and the protocol above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Ipv4<'a> {
    /// `SRC=`
    pub source: Ipv4Addr,
    /// `DST=`
    pub destination: Ipv4Addr,
    /// `LEN=`: bytes of the whole packet.
    pub length: u32,
    /// `TOS=`: the type of service without its precedence bits.
    pub tos: u8,
    /// `PREC=`: the precedence bits.
    pub precedence: u8,
    /// `TTL=`
    pub ttl: u8,
    /// `ID=`
    pub id: u16,
    /// `CE`: the reserved bit of the fragment field.
    pub congestion: bool,
    /// `DF`
    pub dont_fragment: bool,
    /// `MF`
    pub more_fragments: bool,
    /// `FRAG:`, in units of eight bytes; 0, which is not printed, for a first fragment or a whole
    /// packet.
    pub fragment_offset: u16,
    /// `OPT (…)`, under `--log-ip-options`.
    pub options: Option<Octets<'a>>,
    /// The protocol above.
    pub transport: Transport<'a>,
}

impl<'a> Ipv4<'a> {
    /// A packet without options, flags or fragmentation; every other field is 0 until it is set.
    pub fn new(source: Ipv4Addr, destination: Ipv4Addr, transport: Transport<'a>) -> Self {
        Self {
            source,
            destination,
            length: 0,
            tos: 0,
            precedence: 0,
            ttl: 0,
            id: 0,
            congestion: false,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            options: None,
            transport,
        }
    }

    /// `quoted`: between the brackets of an ICMP error.
    pub(crate) fn parse(
        input: &'a [u8],
        quoted: bool,
        trace: &mut impl Trace,
    ) -> Parsed<'a, Quoting<'a, Self>> {
        let (rest, source) = free(input, "SRC=", trace)?;
        let (rest, destination) = free(rest, "DST=", trace)?;
        let (rest, length) = free(rest, "LEN=", trace)?;
        let (rest, tos) = read(rest, "TOS=", prefixed_hexadecimal)?;
        let (rest, precedence) = read(rest, "PREC=", prefixed_hexadecimal)?;
        let (rest, ttl) = free(rest, "TTL=", trace)?;
        let (rest, id) = free(rest, "ID=", trace)?;
        let (congestion, rest) = flag(rest, "CE");
        let (dont_fragment, rest) = flag(rest, "DF");
        let (more_fragments, rest) = flag(rest, "MF");
        let (rest, fragment_offset) = match rest {
            [b'F', ..] => optional("FRAG:", decimal)
                .map(Option::unwrap_or_default)
                .parse(rest)?,
            _ => (rest, 0),
        };
        let (rest, options) = opt_options(rest)?;
        let place = Place {
            ipv6: false,
            fragment: fragment_offset != 0,
            quoted,
        };
        let (rest, (transport, inner)) = Transport::parse(rest, place, trace)?;
        let header = Self {
            source,
            destination,
            length,
            tos,
            precedence,
            ttl,
            id,
            congestion,
            dont_fragment,
            more_fragments,
            fragment_offset,
            options,
            transport,
        };
        Ok((rest, (header, inner)))
    }

    pub(crate) fn render(&self, inner: Option<&Network<'_>>, out: &mut Vec<u8>) {
        put!(
            out,
            "SRC={} DST={} LEN={} ",
            self.source,
            self.destination,
            self.length
        );
        put!(
            out,
            "TOS=0x{:02X} PREC=0x{:02X} TTL={} ID={} ",
            self.tos,
            self.precedence,
            self.ttl,
            self.id
        );
        for (set, word) in [
            (self.congestion, "CE "),
            (self.dont_fragment, "DF "),
            (self.more_fragments, "MF "),
        ] {
            out.extend_from_slice(if set { word.as_bytes() } else { b"" });
        }
        if self.fragment_offset != 0 {
            put!(out, "FRAG:{} ", self.fragment_offset);
        }
        if let Some(options) = self.options {
            super::render_options(options, out);
        }
        self.transport.render(inner, out);
    }
}

/// `OPT (…)`, which is rare.
#[inline]
fn opt_options(input: &[u8]) -> Parsed<'_, Option<Octets<'_>>> {
    if !input.starts_with(b"OPT (") {
        return Ok((input, None));
    }
    delimited(
        literal("OPT ("),
        cut(Octets::parse_joined),
        cut((literal(")"), gap)),
    )
    .map(Some)
    .parse(input)
}
