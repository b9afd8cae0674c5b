//! ICMP over IPv4, and the packet that an error quotes.

use std::net::Ipv4Addr;

use nom::Parser;
use nom::combinator::cut;

use super::network::Network;
use crate::input::{Parsed, decimal, field, free, incomplete, ipv4, optional, read};
use crate::render::put;
use crate::trace::Trace;

/// `TYPE= CODE=` and what the kernel prints for the type.
///
/// The packet that an error quotes is beside it, in [`Packet::inner`](crate::Packet::inner).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Icmp {
    /// `TYPE=`
    pub kind: u8,
    /// `CODE=`
    pub code: u8,
    /// What follows.
    pub body: IcmpBody,
}

/// The part of an ICMP message that depends on its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
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
    /// An error that quotes the packet it is about: unreachable, source quench, redirect, time
    /// exceeded.
    Error {
        /// `GATEWAY=` of a redirect.
        gateway: Option<Ipv4Addr>,
        /// `MTU=` of "fragmentation needed".
        mtu: Option<u16>,
    },
}

impl Icmp {
    /// `quoted`: this message is itself inside brackets, where the kernel prints no further ones.
    pub(crate) fn parse<'a>(
        input: &'a [u8],
        quoted: bool,
        trace: &mut impl Trace,
    ) -> Parsed<'a, (Self, Option<Network<'a>>)> {
        let (rest, kind) = read(input, "TYPE=", decimal)?;
        let (rest, code) = read(rest, "CODE=", decimal)?;
        let (rest, bytes) = incomplete(rest)?;
        let (rest, (body, inner)) = match (bytes, kind) {
            (Some(bytes), _) => (rest, (IcmpBody::Incomplete(bytes), None)),
            (None, ICMP_ECHOREPLY | ICMP_ECHO) => {
                let (rest, id) = free(rest, "ID=", trace)?;
                let (rest, sequence) = free(rest, "SEQ=", trace)?;
                (rest, (IcmpBody::Echo { id, sequence }, None))
            }
            (None, ICMP_PARAMETERPROB) => field("PARAMETER=", decimal)
                .map(|byte| (IcmpBody::Parameter(byte), None))
                .parse(rest)?,
            (None, ICMP_DEST_UNREACH | ICMP_SOURCE_QUENCH | ICMP_REDIRECT | ICMP_TIME_EXCEEDED) => {
                let (rest, gateway) = match kind {
                    ICMP_REDIRECT => field("GATEWAY=", ipv4).map(Some).parse(rest)?,
                    _ => (rest, None),
                };
                let (rest, inner) = if quoted {
                    (rest, None)
                } else {
                    Network::parse_quoted(rest, |at| Network::parse_ipv4(at, trace))?
                };
                let (rest, mtu) = match (kind, code) {
                    (ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED) => {
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
const ICMP_ECHOREPLY: u8 = 0;
const ICMP_DEST_UNREACH: u8 = 3;
const ICMP_SOURCE_QUENCH: u8 = 4;
const ICMP_REDIRECT: u8 = 5;
const ICMP_ECHO: u8 = 8;
const ICMP_TIME_EXCEEDED: u8 = 11;
const ICMP_PARAMETERPROB: u8 = 12;
const ICMP_FRAG_NEEDED: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn read_and_written(text: &str) -> (Icmp, Option<Network<'_>>) {
        let (rest, (icmp, inner)) = Icmp::parse(text.as_bytes(), false, &mut ()).unwrap();
        assert!(rest.is_empty(), "{text}");
        let mut written = Vec::new();
        icmp.render(inner.as_ref(), &mut written);
        assert_eq!(String::from_utf8_lossy(&written), text);
        (icmp, inner)
    }

    const QUOTED: &str = "[SRC=203.0.113.1 DST=203.0.113.7 LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP INCOMPLETE [8 bytes] ] ";

    #[test]
    fn what_follows_depends_on_the_type() {
        let (echo, inner) = read_and_written("TYPE=8 CODE=0 ID=1 SEQ=2 ");
        assert_eq!(
            (echo.body, inner),
            (IcmpBody::Echo { id: 1, sequence: 2 }, None)
        );
        assert_eq!(
            read_and_written("TYPE=12 CODE=0 PARAMETER=5 ").0.body,
            IcmpBody::Parameter(5)
        );
        assert_eq!(read_and_written("TYPE=13 CODE=0 ").0.body, IcmpBody::None);
        assert_eq!(
            read_and_written("TYPE=3 CODE=3 INCOMPLETE [18 bytes] ")
                .0
                .body,
            IcmpBody::Incomplete(18)
        );
        let (redirect, inner) =
            read_and_written(&format!("TYPE=5 CODE=1 GATEWAY=203.0.113.254 {QUOTED}").leak()[..]);
        assert_eq!(
            redirect.body,
            IcmpBody::Error {
                gateway: Some([203, 0, 113, 254].into()),
                mtu: None
            }
        );
        assert_eq!(inner.unwrap().source(), Some([203, 0, 113, 1].into()));
        let (too_big, _) = read_and_written(&format!("TYPE=3 CODE=4 {QUOTED}MTU=1400 ").leak()[..]);
        assert_eq!(
            too_big.body,
            IcmpBody::Error {
                gateway: None,
                mtu: Some(1400)
            }
        );
    }

    #[test]
    fn an_error_quotes_exactly_one_packet() {
        let without = "TYPE=3 CODE=3 ";
        assert!(Icmp::parse(without.as_bytes(), false, &mut ()).is_err());
        assert!(Icmp::parse(without.as_bytes(), true, &mut ()).is_ok());
        for text in [
            "[SRC=203.0.113.1 ] ".to_owned(),
            QUOTED.replace("] ] ", "] "),
            "[] ".to_owned(),
        ] {
            assert!(
                Icmp::parse(format!("{without}{text}").as_bytes(), false, &mut ()).is_err(),
                "{text}"
            );
        }
    }
}
