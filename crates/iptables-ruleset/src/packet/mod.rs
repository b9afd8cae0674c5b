//! A packet to ask rules about, and what only its host can tell of it.

mod answer;
mod facts;

use std::net::IpAddr;

pub use answer::{Answer, Holds};
pub use facts::{Budget, Facts};

use crate::{Family, UnixTime};

/// A packet as rules see it, as far as it is known: what is not given may be anything.
///
/// Unless told otherwise it is for this host, begins something that connection tracking knows
/// nothing of ([`Tracking::New`]), and did not come in over loopback.
///
/// ```
/// use iptables_ruleset::explain::Packet;
///
/// let knock = Packet::new("198.51.100.7".parse()?).tcp(22).over("eth0");
/// assert_eq!(knock.to_string(), "a new tcp packet from 198.51.100.7 to port 22, in by eth0");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    source: IpAddr,
    destination: Option<IpAddr>,
    in_interface: Option<String>,
    out_interface: Option<String>,
    way: Way,
    protocol: Option<u8>,
    source_port: Option<u16>,
    destination_port: Option<u16>,
    icmp: Option<(u8, u8)>,
    tcp_flags: u8,
    tracking: Tracking,
    /// Whether it has come to connection tracking.
    seen: bool,
    time: Option<UnixTime>,
}

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To this host.
    Here,
    /// Through it, to another.
    Through,
    /// From it.
    Out,
}

/// What connection tracking says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tracking {
    /// It begins a connection.
    New,
    /// It belongs to one that is known.
    Established,
    /// It belongs to none and cannot begin one, or has not come to connection tracking yet.
    Invalid,
    /// It is kept away from connection tracking.
    Untracked,
}

impl Packet {
    /// A packet from this address. Its family is that of the address.
    pub fn new(source: IpAddr) -> Self {
        Self {
            source,
            destination: None,
            in_interface: None,
            out_interface: None,
            way: Way::Here,
            protocol: None,
            source_port: None,
            destination_port: None,
            icmp: None,
            tcp_flags: TCP_SYN,
            tracking: Tracking::New,
            seen: true,
            time: None,
        }
    }

    /// To this address.
    pub fn to(self, destination: IpAddr) -> Self {
        Self {
            destination: Some(destination),
            ..self
        }
    }

    /// In by this interface.
    pub fn over(self, interface: &str) -> Self {
        Self {
            in_interface: Some(interface.to_owned()),
            ..self
        }
    }

    /// For another host, to which this one passes it on.
    pub fn passed_on(self) -> Self {
        Self {
            way: Way::Through,
            ..self
        }
    }

    /// From this host to another, or to itself.
    pub fn sent(self) -> Self {
        Self {
            way: Way::Out,
            ..self
        }
    }

    /// Out by this interface.
    pub fn leaving_by(self, interface: &str) -> Self {
        Self {
            out_interface: Some(interface.to_owned()),
            ..self
        }
    }

    /// Of the transport protocol with this number: 6 is TCP, with SYN alone of the flags.
    pub fn protocol(self, number: u8) -> Self {
        Self {
            protocol: Some(number),
            ..self
        }
    }

    /// To this port.
    pub fn port(self, port: u16) -> Self {
        Self {
            destination_port: Some(port),
            ..self
        }
    }

    /// From this port.
    pub fn from_port(self, port: u16) -> Self {
        Self {
            source_port: Some(port),
            ..self
        }
    }

    /// The first packet of a TCP connection to this port.
    pub fn tcp(self, port: u16) -> Self {
        self.protocol(IPPROTO_TCP).port(port)
    }

    /// A datagram of UDP to this port.
    pub fn udp(self, port: u16) -> Self {
        self.protocol(IPPROTO_UDP).port(port)
    }

    /// ICMP, or `ICMPv6` from an IPv6 address, with this type and code.
    pub fn icmp(self, kind: u8, code: u8) -> Self {
        let protocol = self.family().icmp();
        Self {
            icmp: Some((kind, code)),
            ..self.protocol(protocol)
        }
    }

    /// With these flags of TCP, as in its header: FIN is 1, SYN 2.
    pub fn tcp_flags(self, flags: u8) -> Self {
        Self {
            tcp_flags: flags,
            ..self
        }
    }

    /// In the eyes of connection tracking.
    pub fn tracking(self, tracking: Tracking) -> Self {
        Self { tracking, ..self }
    }

    /// Coming in that second, by the clock of the kernel.
    pub fn at(self, time: UnixTime) -> Self {
        Self {
            time: Some(time),
            ..self
        }
    }

    /// Before it comes to connection tracking.
    pub(crate) fn unseen(self) -> Self {
        Self {
            seen: false,
            ..self
        }
    }

    /// Where it comes from.
    pub fn source(&self) -> IpAddr {
        self.source
    }

    /// Where it goes.
    pub fn destination(&self) -> Option<IpAddr> {
        self.destination
    }

    /// The interface that it comes in by.
    pub fn in_interface(&self) -> Option<&str> {
        self.in_interface.as_deref()
    }

    /// The family of its addresses.
    pub fn family(&self) -> Family {
        Family::of(self.source)
    }

    /// The number of its transport protocol.
    pub fn protocol_number(&self) -> Option<u8> {
        self.protocol
    }

    /// The port that it comes from.
    pub fn source_port(&self) -> Option<u16> {
        self.source_port
    }

    /// The port that it goes to.
    pub fn destination_port(&self) -> Option<u16> {
        self.destination_port
    }

    /// Type and code of ICMP.
    pub fn icmp_type(&self) -> Option<(u8, u8)> {
        self.icmp
    }

    /// The flags of TCP; SYN also where the protocol is not known.
    pub fn flags(&self) -> u8 {
        self.tcp_flags
    }

    /// When it comes.
    pub fn time(&self) -> Option<UnixTime> {
        self.time
    }

    /// Whether it is for another host.
    pub fn is_passed_on(&self) -> bool {
        self.way == Way::Through
    }

    /// Whether this host sends it.
    pub fn is_sent(&self) -> bool {
        self.way == Way::Out
    }

    /// The interface that it leaves by.
    pub fn out_interface(&self) -> Option<&str> {
        self.out_interface.as_deref()
    }

    /// What connection tracking says of it.
    pub fn state(&self) -> Tracking {
        match self.tracking {
            Tracking::Untracked => Tracking::Untracked,
            // It knows nothing of it.
            _ if !self.seen => Tracking::Invalid,
            known => known,
        }
    }

    /// What connection tracking says of it, or will say once it comes there.
    pub(crate) fn begun(&self) -> Tracking {
        self.tracking
    }

    /// The name of its protocol, or the number where it has none here.
    fn protocol_name(&self) -> Option<String> {
        let number = self.protocol?;
        let names = [
            (1, "icmp"),
            (IPPROTO_TCP, "tcp"),
            (IPPROTO_UDP, "udp"),
            (58, "ipv6-icmp"),
        ];
        let name = names.iter().find(|(known, _)| *known == number);
        Some(name.map_or_else(
            || format!("protocol-{number}"),
            |(_, name)| (*name).to_owned(),
        ))
    }
}

impl std::fmt::Display for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.tracking {
            Tracking::New => "a new",
            Tracking::Established => "a later",
            Tracking::Invalid => "an invalid",
            Tracking::Untracked => "an untracked",
        })?;
        if let Some(name) = self.protocol_name() {
            write!(f, " {name}")?;
        }
        write!(f, " packet from {}", self.source)?;
        if let Some(port) = self.source_port {
            write!(f, " port {port}")?;
        }
        match (self.destination, self.destination_port) {
            (Some(address), Some(port)) => write!(f, " to {address} port {port}")?,
            (Some(address), None) => write!(f, " to {address}")?,
            (None, Some(port)) => write!(f, " to port {port}")?,
            (None, None) => {}
        }
        if let Some((kind, code)) = self.icmp {
            write!(f, ", type {kind} code {code}")?;
        }
        if let Some(name) = &self.in_interface {
            write!(f, ", in by {name}")?;
        }
        match &self.out_interface {
            Some(name) => write!(f, ", out by {name}"),
            None => Ok(()),
        }
    }
}

impl Family {
    /// The number of the family's ICMP.
    fn icmp(self) -> u8 {
        match self {
            Self::Ipv4 => 1,
            Self::Ipv6 => 58,
        }
    }
}

/// linux/in.h.
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
/// linux/tcp.h.
const TCP_SYN: u8 = 0x02;
