//! A session that is to be entered.

use std::net::{IpAddr, SocketAddr};

use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::conntrack::{
    ConntrackAttribute, IPTuple, ProtoInfo, ProtoInfoTCP, ProtoTuple, Protocol as TupleProtocol,
    Status, TCPFlags, Tuple,
};

use crate::Protocol;

/// A session that goes on in both directions, such as one over ssh from 192.0.2.7, port 40000, to
/// port 22 of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The transport.
    pub protocol: Protocol,
    /// Who opened it.
    pub from: SocketAddr,
    /// To whom it was opened; of the same family.
    pub to: SocketAddr,
}

impl Flow {
    pub(super) fn family(&self) -> NetfilterProtoFamily {
        family(self.from.ip())
    }

    /// As the kernel itself takes up a session in its middle.
    pub(super) fn attributes(&self) -> Vec<ConntrackAttribute> {
        let Self { protocol, from, to } = *self;
        let timeout = match protocol {
            Protocol::Tcp => TCP_TIMEOUT,
            Protocol::Udp => UDP_TIMEOUT,
        };
        let seen = Status::SeenReply | Status::Assured | Status::Confirmed;
        let mut attributes = vec![
            ConntrackAttribute::CtaTupleOrig(tuple(protocol, from, to)),
            ConntrackAttribute::CtaTupleReply(tuple(protocol, to, from)),
            ConntrackAttribute::CtaStatus(seen),
            ConntrackAttribute::CtaTimeout(timeout),
        ];
        if protocol == Protocol::Tcp {
            let info = ProtoInfo::TCP(established());
            attributes.push(ConntrackAttribute::CtaProtoInfo(vec![info]));
        }
        attributes
    }
}

pub(super) fn family(address: IpAddr) -> NetfilterProtoFamily {
    match address {
        IpAddr::V4(_) => NetfilterProtoFamily::IPv4,
        IpAddr::V6(_) => NetfilterProtoFamily::IPv6,
    }
}

fn tuple(protocol: Protocol, from: SocketAddr, to: SocketAddr) -> Vec<Tuple> {
    let protocol = match protocol {
        Protocol::Tcp => TupleProtocol::Tcp,
        Protocol::Udp => TupleProtocol::Udp,
    };
    vec![
        Tuple::Ip(vec![
            IPTuple::SourceAddress(from.ip()),
            IPTuple::DestinationAddress(to.ip()),
        ]),
        Tuple::Proto(vec![
            ProtoTuple::Protocol(protocol),
            ProtoTuple::SourcePort(from.port()),
            ProtoTuple::DestinationPort(to.port()),
        ]),
    ]
}

/// The windows and their scale are not known.
fn established() -> Vec<ProtoInfoTCP> {
    let mut info = vec![ProtoInfoTCP::State(TCP_CONNTRACK_ESTABLISHED)];
    if let Ok(flags) = TCPFlags::parse(&[LIBERAL, LIBERAL]) {
        info.push(ProtoInfoTCP::OriginalFlags(flags.clone()));
        info.push(ProtoInfoTCP::ReplyFlags(flags));
    }
    info
}

// linux/netfilter/nf_conntrack_tcp.h: enum tcp_conntrack; IP_CT_TCP_FLAG_SACK_PERM and _BE_LIBERAL
pub(super) const TCP_CONNTRACK_ESTABLISHED: u8 = 3;
const LIBERAL: u8 = 0x02 | 0x08;
// The kernel's defaults in seconds, net/netfilter/nf_conntrack_proto_tcp.c and _udp.c; the first
// packet sets them anew.
const TCP_TIMEOUT: u32 = 5 * 24 * 60 * 60;
const UDP_TIMEOUT: u32 = 120;
