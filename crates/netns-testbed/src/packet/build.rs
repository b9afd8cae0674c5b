//! Packets with right lengths and checksums.

use std::net::{IpAddr, SocketAddr};

use etherparse::err::packet::BuildWriteError;
use etherparse::{
    IpHeaders, IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, PacketBuilder, TcpHeader, ip_number,
};

use crate::packet::Packet;

/// Hops that a packet may take: as Linux has it.
const HOPS: u8 = 64;
/// Where an IPv6 header has the hop limit.
const HOP_LIMIT: usize = 7;
/// How long an IPv6 header is.
const IPV6_HEADER: usize = 40;
/// Of what an ICMP error quotes: the least that every host sends.
const QUOTED: usize = 64;

impl Packet {
    /// The first packet of a TCP connection.
    ///
    /// # Panics
    ///
    /// As [`tcp`](Self::tcp).
    pub fn tcp_syn(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::tcp(source, destination, |tcp| tcp.syn = true, &[])
    }

    /// A TCP segment, with a header changed as `header` does it; the checksum follows.
    ///
    /// # Panics
    ///
    /// When the two addresses are of different families, or it gets too long.
    pub fn tcp(
        source: SocketAddr,
        destination: SocketAddr,
        header: impl FnOnce(&mut TcpHeader),
        payload: &[u8],
    ) -> Self {
        let mut tcp = TcpHeader::new(source.port(), destination.port(), 1000, 64240);
        header(&mut tcp);
        let ip = ip_headers(source.ip(), destination.ip(), ip_number::TCP);
        built(|bytes| PacketBuilder::ip(ip).tcp_header(tcp).write(bytes, payload))
    }

    /// A UDP datagram.
    ///
    /// # Panics
    ///
    /// As [`tcp`](Self::tcp).
    pub fn udp(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Self {
        let ip = ip_headers(source.ip(), destination.ip(), ip_number::UDP);
        built(|bytes| {
            PacketBuilder::ip(ip)
                .udp(source.port(), destination.port())
                .write(bytes, payload)
        })
    }

    /// An ICMP or ICMPv6 echo request.
    ///
    /// # Panics
    ///
    /// As [`tcp`](Self::tcp).
    pub fn echo_request(source: IpAddr, destination: IpAddr, id: u16, sequence: u16) -> Self {
        let ip = ip_headers(source, destination, icmp(destination));
        built(|bytes| match destination {
            IpAddr::V4(_) => PacketBuilder::ip(ip)
                .icmpv4_echo_request(id, sequence)
                .write(bytes, b"rampart"),
            IpAddr::V6(_) => PacketBuilder::ip(ip)
                .icmpv6_echo_request(id, sequence)
                .write(bytes, b"rampart"),
        })
    }

    /// The answer of `router` that the port `packet` went to is closed; it goes to the source of
    /// `packet`.
    ///
    /// # Panics
    ///
    /// When `packet` is no IP packet, or of another family than `router`.
    pub fn port_unreachable(router: IpAddr, packet: &Self) -> Self {
        #[expect(clippy::expect_used, reason = "a test says which packet it means")]
        let destination = packet
            .source()
            .expect("an ICMP error is about an IP packet");
        let quoted: Vec<u8> = packet.bytes().iter().copied().take(QUOTED).collect();
        let kind = if router.is_ipv4() { (3, 3) } else { (1, 4) };
        Self::icmp_of_type(router, destination, kind, [0; 4], &quoted)
    }

    /// An ICMP or ICMPv6 packet with any type and code; `rest` follows the checksum.
    ///
    /// # Panics
    ///
    /// As [`tcp`](Self::tcp).
    pub fn icmp_of_type(
        source: IpAddr,
        destination: IpAddr,
        (kind, code): (u8, u8),
        rest: [u8; 4],
        payload: &[u8],
    ) -> Self {
        let ip = PacketBuilder::ip(ip_headers(source, destination, icmp(destination)));
        built(|bytes| match destination {
            IpAddr::V4(_) => ip.icmpv4_raw(kind, code, rest).write(bytes, payload),
            IpAddr::V6(_) => ip.icmpv6_raw(kind, code, rest).write(bytes, payload),
        })
    }

    /// The same IPv6 packet as if no router had handled it, as neighbour discovery demands.
    ///
    /// # Panics
    ///
    /// When it is no IPv6 packet.
    pub fn from_neighbour(&self) -> Self {
        let mut bytes = self.bytes().to_vec();
        let is_v6 = bytes.first().is_some_and(|first| first >> 4 == 6);
        match bytes.get_mut(HOP_LIMIT) {
            Some(hop_limit) if is_v6 => *hop_limit = u8::MAX,
            #[expect(clippy::panic, reason = "a test says which packet it means")]
            _ => panic!("{self} is no IPv6 packet"),
        }
        Self::new(bytes)
    }

    /// The same IPv6 packet as no router passes it on and each looks at it: hop limit 1, and the
    /// router alert of RFC 2711 before the transport header. Multicast listener messages must be
    /// like that.
    ///
    /// # Panics
    ///
    /// When it is no IPv6 packet.
    #[must_use]
    pub fn with_router_alert(&self) -> Self {
        let mut bytes = self.bytes().to_vec();
        let Some(
            [
                0x60..=0x6f,
                _,
                _,
                _,
                length_high,
                length_low,
                next,
                hop_limit,
                ..,
            ],
        ) = bytes.get_mut(..IPV6_HEADER)
        else {
            #[expect(clippy::panic, reason = "a test says which packet it means")]
            {
                panic!("{self} is no IPv6 packet")
            }
        };
        let length = u16::from_be_bytes([*length_high, *length_low]) + 8;
        [*length_high, *length_low] = length.to_be_bytes();
        *hop_limit = 1;
        // One unit of eight bytes: the option, and padding.
        let alert = [*next, 0, 5, 2, 0, 0, 1, 0];
        *next = 0;
        bytes.splice(IPV6_HEADER..IPV6_HEADER, alert);
        Self::new(bytes)
    }

    /// A packet of the transport protocol with this number, whatever that is.
    ///
    /// # Panics
    ///
    /// As [`tcp`](Self::tcp).
    pub fn of_protocol(source: IpAddr, destination: IpAddr, protocol: u8, payload: &[u8]) -> Self {
        let protocol = IpNumber(protocol);
        let ip = ip_headers(source, destination, protocol);
        built(|bytes| PacketBuilder::ip(ip).write(bytes, protocol, payload))
    }
}

fn icmp(address: IpAddr) -> IpNumber {
    if address.is_ipv4() {
        ip_number::ICMP
    } else {
        ip_number::IPV6_ICMP
    }
}

fn ip_headers(source: IpAddr, destination: IpAddr, protocol: IpNumber) -> IpHeaders {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let header = Ipv4Header {
                protocol,
                time_to_live: HOPS,
                source: source.octets(),
                destination: destination.octets(),
                dont_fragment: false,
                ..Ipv4Header::default()
            };
            IpHeaders::Ipv4(header, etherparse::Ipv4Extensions::default())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let header = Ipv6Header {
                flow_label: Ipv6FlowLabel::ZERO,
                next_header: protocol,
                hop_limit: HOPS,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv6Header::default()
            };
            IpHeaders::Ipv6(header, etherparse::Ipv6Extensions::default())
        }
        #[expect(clippy::panic, reason = "a test says which addresses it means")]
        (source, destination) => panic!("no packet goes from {source} to {destination}"),
    }
}

fn built(write: impl FnOnce(&mut Vec<u8>) -> Result<(), BuildWriteError>) -> Packet {
    let mut bytes = Vec::new();
    let written = write(&mut bytes);
    assert!(written.is_ok(), "no such packet: {written:?}");
    Packet::new(bytes)
}
