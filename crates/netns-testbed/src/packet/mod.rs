//! IP packets to send, and to look at when they arrive.

mod build;
mod fragment;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use etherparse::{LaxIpSlice, LaxSlicedPacket, TcpSlice, TransportSlice, ip_number};

/// One IP packet, from its IP header on.
///
/// Built by [`tcp_syn`](Self::tcp_syn) and its like with right lengths and checksums, or from any
/// bytes with [`new`](Self::new). What it says about itself is of the outer packet, never of one
/// that an ICMP error quotes.
#[derive(Clone, Eq, PartialEq)]
pub struct Packet {
    bytes: Vec<u8>,
}

impl Packet {
    /// Any bytes, right or wrong.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
        }
    }

    /// All its bytes, without link header.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The source address; `None` if it is not IP.
    pub fn source(&self) -> Option<IpAddr> {
        self.ip().map(|ip| ip.source_addr())
    }

    /// The destination address; `None` if it is not IP.
    pub fn destination(&self) -> Option<IpAddr> {
        self.ip().map(|ip| ip.destination_addr())
    }

    /// The transport protocol's number, behind IPv6 extension headers.
    pub fn protocol(&self) -> Option<u8> {
        self.ip().map(|ip| ip.payload_ip_number().0)
    }

    /// Whether it is a part of a larger packet.
    pub fn is_fragment(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_fragmenting_payload())
    }

    /// Source and destination of a TCP or UDP packet.
    pub fn endpoints(&self) -> Option<(SocketAddr, SocketAddr)> {
        let (source, destination) = match self.transport()? {
            TransportSlice::Tcp(tcp) => (tcp.source_port(), tcp.destination_port()),
            TransportSlice::Udp(udp) => (udp.source_port(), udp.destination_port()),
            _ => return None,
        };
        Some((
            SocketAddr::new(self.source()?, source),
            SocketAddr::new(self.destination()?, destination),
        ))
    }

    /// Type and code of an ICMP or ICMPv6 packet.
    pub fn icmp(&self) -> Option<(u8, u8)> {
        match self.transport()? {
            TransportSlice::Icmpv4(icmp) => Some((icmp.type_u8(), icmp.code_u8())),
            TransportSlice::Icmpv6(icmp) => Some((icmp.type_u8(), icmp.code_u8())),
            _ => None,
        }
    }

    /// Identifier and sequence number, if it is an ICMP or ICMPv6 echo request or reply.
    pub fn echo(&self) -> Option<(u16, u16)> {
        let rest = match (self.icmp()?, self.transport()?) {
            ((0 | 8, 0), TransportSlice::Icmpv4(icmp)) => icmp.bytes5to8(),
            ((128 | 129, 0), TransportSlice::Icmpv6(icmp)) => icmp.bytes5to8(),
            _ => return None,
        };
        let [i1, i2, s1, s2] = rest;
        Some((u16::from_be_bytes([i1, i2]), u16::from_be_bytes([s1, s2])))
    }

    /// The packet that an ICMP or ICMPv6 error quotes, as far as it does.
    pub fn quoted(&self) -> Option<Self> {
        let payload = match (self.icmp()?, self.transport()?) {
            ((3 | 4 | 5 | 11 | 12, _), TransportSlice::Icmpv4(icmp)) => icmp.payload(),
            ((1..=4, _), TransportSlice::Icmpv6(icmp)) => icmp.payload(),
            _ => return None,
        };
        Some(Self::new(payload))
    }

    /// Whether it is a TCP segment with SYN and ACK: the answer of an open port.
    pub fn is_syn_ack(&self) -> bool {
        self.tcp_segment().is_some_and(|tcp| tcp.syn() && tcp.ack())
    }

    /// Whether it is a TCP reset: the answer of a closed port.
    pub fn is_reset(&self) -> bool {
        self.tcp_segment().is_some_and(|tcp| tcp.rst())
    }

    fn tcp_segment(&self) -> Option<TcpSlice<'_>> {
        match self.transport()? {
            TransportSlice::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    fn ip(&self) -> Option<LaxIpSlice<'_>> {
        LaxIpSlice::from_slice(&self.bytes).ok().map(|(ip, _)| ip)
    }

    fn transport(&self) -> Option<TransportSlice<'_>> {
        LaxSlicedPacket::from_ip(&self.bytes).ok()?.transport
    }
}

/// `198.51.100.1:40000 > 203.0.113.1:22 tcp SYN`, much as tcpdump has it.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(source), Some(destination), Some(protocol)) =
            (self.source(), self.destination(), self.protocol())
        else {
            return write!(f, "{} bytes that are no IP packet", self.bytes.len());
        };
        match self.endpoints() {
            Some((source, destination)) => write!(f, "{source} > {destination} ")?,
            None => write!(f, "{source} > {destination} ")?,
        }
        match (self.icmp(), self.tcp_segment()) {
            (Some((kind, code)), _) => {
                f.write_str(if protocol == ip_number::ICMP.0 {
                    "icmp"
                } else {
                    "icmpv6"
                })?;
                write!(f, " type {kind} code {code}")?;
                if let Some(quoted) = self.quoted() {
                    write!(f, " [{quoted}]")?;
                }
            }
            (None, Some(tcp)) => {
                f.write_str("tcp")?;
                for (set, name) in [
                    (tcp.syn(), "SYN"),
                    (tcp.fin(), "FIN"),
                    (tcp.rst(), "RST"),
                    (tcp.ack(), "ACK"),
                ] {
                    if set {
                        write!(f, " {name}")?;
                    }
                }
            }
            (None, None) if protocol == ip_number::UDP.0 => f.write_str("udp")?,
            (None, None) => write!(f, "protocol {protocol}")?,
        }
        f.write_str(if self.is_fragment() {
            " (fragment)"
        } else {
            ""
        })
    }
}

/// As [`Display`](fmt::Display), for assertions.
impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
