//! The kernel's part of a line: from `IN=` to its end.

mod arp;
mod icmp;
mod icmpv6;
mod ipsec;
mod ipv4;
mod ipv6;
mod link;
mod multicast;
mod network;
mod octets;
mod protocol;
mod tcp;
mod transport;
mod udp;

use std::net::IpAddr;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::pair;

pub use self::arp::{Arp, ArpAddresses};
pub use self::icmp::{Icmp, IcmpBody};
pub use self::icmpv6::{Icmpv6, Icmpv6Body};
pub use self::ipsec::Spi;
pub use self::ipv4::Ipv4;
pub use self::ipv6::{Extension, Extensions, Ipv6};
pub use self::link::{Link, Vlan};
pub(crate) use self::multicast::{is_multicast, is_multicast_frame};
pub use self::network::Network;
pub use self::octets::Octets;
pub use self::protocol::{Protocol, UnknownProtocol};
pub use self::tcp::{Sequence, Tcp, TcpFlags, TcpOptions};
pub use self::transport::{Part, Transport};
pub use self::udp::Udp;
use crate::input::{Parsed, decimal, field, mismatch, optional, prefixed_hexadecimal};
use crate::marker::carries_marker;
use crate::render::put;
use crate::trace::Trace;

/// Everything a line of the LOG target says of a packet.
///
/// [`network`](Self::network) is the packet that reached the rule. The packet that an ICMP error
/// quotes between brackets is [`inner`](Self::inner), and nothing of it shows anywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Packet<'a> {
    /// `IN=`, empty for a packet of this host's own.
    pub in_interface: &'a [u8],
    /// `OUT=`, empty for a packet to this host.
    pub out_interface: &'a [u8],
    /// `PHYSIN=`: the bridge port it came in by; empty if the line has none.
    pub physical_in: &'a [u8],
    /// `PHYSOUT=`: the bridge port it leaves by; empty if the line has none.
    pub physical_out: &'a [u8],
    /// `MAC=…` and its like.
    pub link: Option<Link<'a>>,
    /// The packet itself.
    pub network: Network<'a>,
    /// The packet that an ICMP error quotes.
    pub inner: Option<Network<'a>>,
    /// `UID= GID=`, under `--log-uid`.
    pub owner: Option<Owner>,
    /// `MARK=`; 0 is not printed.
    pub mark: u32,
    /// Words after all that is known: fields of a newer kernel, kept as they are.
    pub extra: &'a [u8],
}

/// The owner of the socket that sent a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner {
    /// `UID=`
    pub uid: u32,
    /// `GID=`
    pub gid: u32,
}

impl<'a> Packet<'a> {
    /// A packet of which nothing is known but its network layer; set the other fields as needed.
    pub fn new(network: impl Into<Network<'a>>) -> Self {
        Self {
            in_interface: b"",
            out_interface: b"",
            physical_in: b"",
            physical_out: b"",
            link: None,
            network: network.into(),
            inner: None,
            owner: None,
            mark: 0,
            extra: b"",
        }
    }

    /// The outer `SRC=`: who sent the packet that reached the rule.
    ///
    /// `None` for a line that has none (ARP, or a packet cut short before its addresses). The
    /// address is a claim of the packet; a single UDP or SYN packet can carry any. An IPv4-mapped
    /// IPv6 address is not turned into IPv4.
    pub fn source(&self) -> Option<IpAddr> {
        self.network.source()
    }

    /// The outer `DST=`.
    pub fn destination(&self) -> Option<IpAddr> {
        self.network.destination()
    }

    /// The outer `PROTO=`.
    pub fn protocol(&self) -> Option<Protocol> {
        self.network.protocol()
    }

    /// Whether it went to many hosts: a multicast address, 255.255.255.255, or in a frame to all or
    /// to a group.
    pub(crate) fn is_multicast(&self) -> bool {
        self.destination().is_some_and(is_multicast)
            || self.link.is_some_and(|link| link.is_multicast())
    }

    /// Reads the kernel's part of a line, without what stands before `IN=`.
    pub(crate) fn parse(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Self> {
        let (rest, (in_interface, out_interface)) = interfaces(input)?;
        let (rest, physical_in) = optional("PHYSIN=", interface)
            .map(Option::unwrap_or_default)
            .parse(rest)?;
        let (rest, physical_out) = optional("PHYSOUT=", interface)
            .map(Option::unwrap_or_default)
            .parse(rest)?;
        let (rest, link) = Link::parse(rest, trace)?;
        let (rest, (network, inner)) = Network::parse(rest, trace)?;
        let (rest, owner) =
            opt(pair(field("UID=", decimal), cut(field("GID=", decimal)))).parse(rest)?;
        let owner = owner.map(|(uid, gid)| Owner { uid, gid });
        let (rest, mark) = optional("MARK=", prefixed_hexadecimal)
            .map(Option::unwrap_or_default)
            .parse(rest)?;
        let (rest, extra) = extra(rest)?;
        let packet = Self {
            in_interface,
            out_interface,
            physical_in,
            physical_out,
            link,
            network,
            inner,
            owner,
            mark,
            extra,
        };
        Ok((rest, packet))
    }

    /// Appends the kernel's line from `IN=` on: byte for byte what the LOG target prints, with the
    /// space at its end.
    pub fn render(&self, out: &mut Vec<u8>) {
        const QUOTE_LOST: Network<'static> = Network::Truncated;
        for (key, interface) in [
            (&b"IN="[..], self.in_interface),
            (b"OUT=", self.out_interface),
        ] {
            render_interface(key, interface, out);
        }
        for (key, interface) in [
            (&b"PHYSIN="[..], self.physical_in),
            (b"PHYSOUT=", self.physical_out),
        ] {
            if !interface.is_empty() {
                render_interface(key, interface, out);
            }
        }
        if let Some(link) = &self.link {
            link.render(out);
        }
        self.network
            .render(Some(self.inner.as_ref().unwrap_or(&QUOTE_LOST)), out);
        let more = self.owner.is_some() || self.mark != 0 || !self.extra.is_empty();
        if more && !out.ends_with(b" ") {
            out.push(b' ');
        }
        if let Some(Owner { uid, gid }) = self.owner {
            put!(out, "UID={uid} GID={gid} ");
        }
        if self.mark != 0 {
            put!(out, "MARK=0x{:x} ", self.mark);
        }
        if !self.extra.is_empty() {
            out.extend_from_slice(self.extra);
            out.push(b' ');
        }
    }
}

/// `IN=… OUT=… `
pub(crate) fn interfaces(input: &[u8]) -> Parsed<'_, (&[u8], &[u8])> {
    pair(field("IN=", interface), field("OUT=", interface)).parse(input)
}

/// Whether what follows the interfaces looks like the rest of a packet.
pub(crate) fn begins(input: &[u8]) -> bool {
    const FIRST: [&[u8]; 7] = [
        b"PHYSIN=",
        b"PHYSOUT=",
        b"MAC=",
        b"MACSRC=",
        b"SRC=",
        b"ARP ",
        b"TRUNCATED",
    ];
    FIRST.iter().any(|first| input.starts_with(first))
}

/// The most bytes an interface name has: `IFNAMSIZ` of linux/if.h without its NUL.
const INTERFACE_NAME_MAX: usize = 15;

fn interface(input: &[u8]) -> Parsed<'_, &[u8]> {
    let part_of_name = |byte: &&u8| **byte > b' ' && **byte != b'/' && **byte != 0x7f;
    let length = input
        .iter()
        .take(INTERFACE_NAME_MAX + 1)
        .take_while(part_of_name)
        .count();
    if length > INTERFACE_NAME_MAX {
        return mismatch(input, "an interface name of at most 15 bytes");
    }
    let (name, rest) = input.split_at(length);
    Ok((rest, name))
}

fn render_interface(key: &[u8], name: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    out.extend_from_slice(name);
    out.push(b' ');
}

/// `OPT (XXXX) `
fn render_options(octets: Octets<'_>, out: &mut Vec<u8>) {
    put!(out, "OPT (");
    octets.iter().for_each(|octet| put!(out, "{octet:02X}"));
    put!(out, ") ");
}

/// Whatever a newer kernel may print at the end of a line. A second packet is not that: two lines
/// that ran together, or one that was forged, must not count as the first.
fn extra(input: &[u8]) -> Parsed<'_, &[u8]> {
    const NEVER_TWICE: [&[u8]; 5] = [b"IN=", b"OUT=", b"SRC=", b"DST=", b"PROTO="];
    let words = input.strip_suffix(b" ").unwrap_or(input);
    let mut at = input;
    for word in words.split(|byte| *byte == b' ') {
        // Options begin so, which were read if they were whole.
        let foreign = word == b"kernel:"
            || word == b"OPT"
            || carries_marker(word)
            || NEVER_TWICE
                .iter()
                .any(|key| memchr::memmem::find(word, key).is_some());
        if foreign {
            return mismatch(at, "the end of the line");
        }
        if word.iter().any(u8::is_ascii_control) || (word.is_empty() && !words.is_empty()) {
            return mismatch(at, "a word");
        }
        at = at.get(word.len() + 1..).unwrap_or_default();
    }
    Ok((b"", words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Packet<'_>, &'static str> {
        match Packet::parse(text.as_bytes(), &mut ()) {
            Ok(([], packet)) => Ok(packet),
            Ok(_) => Err("the end of the line"),
            Err(nom::Err::Error(mismatch) | nom::Err::Failure(mismatch)) => Err(mismatch.expected),
            Err(nom::Err::Incomplete(_)) => Err("more"),
        }
    }

    #[test]
    fn interfaces_have_any_name_the_kernel_allows() {
        const END: &str =
            "SRC=192.0.2.1 DST=192.0.2.2 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 ";
        for name in [
            "",
            "eth0",
            "eth0.100",
            "veth1@if2",
            "a:b-c=d_e+f~",
            "0123456789abcde",
            "é",
        ] {
            let line = format!("IN={name} OUT=lo PHYSIN={name}x PHYSOUT=y {END}")
                .replace("0123456789abcdex", "x");
            let packet = parse(&line).unwrap();
            assert_eq!(
                (packet.in_interface, packet.out_interface),
                (name.as_bytes(), &b"lo"[..])
            );
            assert_eq!(packet.physical_out, b"y");
        }
        for name in ["0123456789abcdef", "a/b", "a\x7f"] {
            assert!(parse(&format!("IN={name} OUT= {END}")).is_err(), "{name}");
        }
    }

    #[test]
    fn the_end_of_a_line_is_known_words_and_then_any_that_are_no_packet() {
        const START: &str = "IN= OUT=eth0 SRC=192.0.2.1 DST=192.0.2.2 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 ";
        let packet = |end: &str| parse(&[START, end].concat().leak()[..]);
        let known = packet("UID=1 GID=2 MARK=0x2a ").unwrap();
        assert_eq!(
            (known.owner, known.mark, known.extra),
            (Some(Owner { uid: 1, gid: 2 }), 42, &b""[..])
        );
        assert_eq!(packet("MARK=0x1 X=1 y").unwrap().extra, b"X=1 y");
        for end in [
            "UID=1 ",
            "UID=1 GID=x ",
            "MARK=1 ",
            "X  Y ",
            "SRC=192.0.2.3 ",
            "kernel: ",
            "x IPTABLES-BLOCKED: ",
            "OPT (",
            "x OPT ",
        ] {
            assert!(packet(end).is_err(), "{end}");
        }
    }
}
