//! ICMPv6, and the packet that an error quotes.

use nom::Parser;

use super::network::Network;
use crate::input::{Parsed, decimal, field, free, hexadecimal, read};
use crate::render::put;
use crate::trace::Trace;

/// `TYPE= CODE=` and what the kernel prints for the type.
///
/// The packet that an error quotes is beside it, in [`Packet::inner`](crate::Packet::inner).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Icmpv6 {
    /// `TYPE=`
    pub kind: u8,
    /// `CODE=`
    pub code: u8,
    /// What follows.
    pub body: Icmpv6Body,
}

/// The part of an ICMPv6 message that depends on its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Icmpv6Body {
    /// Nothing is printed for this type.
    #[default]
    None,
    /// `ID= SEQ=` of an echo request or reply.
    Echo {
        /// `ID=`
        id: u16,
        /// `SEQ=`
        sequence: u16,
    },
    /// An error that quotes the packet it is about: unreachable, too big, time exceeded, parameter
    /// problem.
    Error {
        /// `POINTER=` of a parameter problem: the byte of the quoted packet that is wrong.
        pointer: Option<u32>,
        /// `MTU=` of "packet too big".
        mtu: Option<u32>,
    },
}

impl Icmpv6 {
    /// `quoted`: this message is itself inside brackets, where the kernel prints no further ones.
    pub(crate) fn parse<'a>(
        input: &'a [u8],
        quoted: bool,
        trace: &mut impl Trace,
    ) -> Parsed<'a, (Self, Option<Network<'a>>)> {
        let (rest, kind) = read(input, "TYPE=", decimal)?;
        let (rest, code) = read(rest, "CODE=", decimal)?;
        let (rest, (body, inner)) = match kind {
            ICMPV6_ECHO_REQUEST | ICMPV6_ECHO_REPLY => {
                let (rest, id) = free(rest, "ID=", trace)?;
                let (rest, sequence) = free(rest, "SEQ=", trace)?;
                (rest, (Icmpv6Body::Echo { id, sequence }, None))
            }
            ICMPV6_DEST_UNREACH | ICMPV6_PKT_TOOBIG | ICMPV6_TIME_EXCEED | ICMPV6_PARAMPROB => {
                let (rest, pointer) = match kind {
                    ICMPV6_PARAMPROB => field("POINTER=", hexadecimal).map(Some).parse(rest)?,
                    _ => (rest, None),
                };
                let (rest, inner) = if quoted {
                    (rest, None)
                } else {
                    Network::parse_quoted(rest, |at| Network::parse_ipv6(at, trace))?
                };
                let (rest, mtu) = match kind {
                    ICMPV6_PKT_TOOBIG => field("MTU=", decimal).map(Some).parse(rest)?,
                    _ => (rest, None),
                };
                (rest, (Icmpv6Body::Error { pointer, mtu }, inner))
            }
            _ => (rest, (Icmpv6Body::None, None)),
        };
        Ok((rest, (Self { kind, code, body }, inner)))
    }

    /// `inner`: the packet that an error quotes; `None` where this message is itself quoted.
    pub(crate) fn render(&self, inner: Option<&Network<'_>>, out: &mut Vec<u8>) {
        put!(out, "TYPE={} CODE={} ", self.kind, self.code);
        match self.body {
            Icmpv6Body::None => {}
            Icmpv6Body::Echo { id, sequence } => put!(out, "ID={id} SEQ={sequence} "),
            Icmpv6Body::Error { pointer, mtu } => {
                if let Some(pointer) = pointer {
                    put!(out, "POINTER={pointer:08x} ");
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

// linux/icmpv6.h
const ICMPV6_DEST_UNREACH: u8 = 1;
const ICMPV6_PKT_TOOBIG: u8 = 2;
const ICMPV6_TIME_EXCEED: u8 = 3;
const ICMPV6_PARAMPROB: u8 = 4;
const ICMPV6_ECHO_REQUEST: u8 = 128;
const ICMPV6_ECHO_REPLY: u8 = 129;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_depends_on_the_type() {
        const QUOTED: &str = "[SRC=2001:0db8:0001:0000:0000:0000:0000:0001 DST=2001:0db8:0001:0000:0000:0000:0000:0007 LEN=48 TC=0 HOPLIMIT=64 FLOWLBL=0 ] ";
        for (text, body) in [
            ("TYPE=135 CODE=0 ".to_owned(), Icmpv6Body::None),
            (
                "TYPE=128 CODE=0 ID=1 SEQ=2 ".to_owned(),
                Icmpv6Body::Echo { id: 1, sequence: 2 },
            ),
            (
                format!("TYPE=1 CODE=4 {QUOTED}"),
                Icmpv6Body::Error {
                    pointer: None,
                    mtu: None,
                },
            ),
            (
                format!("TYPE=2 CODE=0 {QUOTED}MTU=1280 "),
                Icmpv6Body::Error {
                    pointer: None,
                    mtu: Some(1280),
                },
            ),
            (
                format!("TYPE=4 CODE=1 POINTER=00000006 {QUOTED}"),
                Icmpv6Body::Error {
                    pointer: Some(6),
                    mtu: None,
                },
            ),
        ] {
            let (rest, (icmp, inner)) = Icmpv6::parse(text.as_bytes(), false, &mut ()).unwrap();
            assert_eq!((rest, icmp.body), (&b""[..], body));
            let mut written = Vec::new();
            icmp.render(inner.as_ref(), &mut written);
            assert_eq!(String::from_utf8_lossy(&written), text);
        }
        for text in [
            "TYPE=2 CODE=0 MTU=1280 ",
            "TYPE=128 CODE=0 ",
            "TYPE=256 CODE=0 ",
            &format!("TYPE=2 CODE=0 {QUOTED}"),
        ] {
            assert!(
                Icmpv6::parse(text.as_bytes(), false, &mut ()).is_err(),
                "{text}"
            );
        }
    }
}
