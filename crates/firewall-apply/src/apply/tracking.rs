//! Sessions into the kernel's connection tracking, before there are rules that ask it.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ipset_netlink::{NetlinkFamily, NetlinkSocket, Transport as _};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_netfilter::conntrack::{
    ConntrackAttribute, ConntrackMessage, IPTuple, ProtoInfo, ProtoInfoTCP, ProtoTuple,
    Protocol as Transport, Status, TCPFlags, Tuple,
};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};

use super::sessions::{Protocol, Session};

/// Enters each session as one that is established; returns how many could not be, and why the first
/// of them.
///
/// One that is tracked already stays as it is.
pub(super) fn enter(sessions: &[Session]) -> Result<(), (usize, io::Error)> {
    let mut failed = 0;
    let mut first = None;
    let mut socket = match NetlinkSocket::connect(NetlinkFamily::Netfilter) {
        Ok(socket) => socket,
        Err(error) => return Err((sessions.len(), error)),
    };
    for (sequence, session) in (1..).zip(sessions) {
        match enter_one(&mut socket, session, sequence) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                failed += 1;
                first.get_or_insert(error);
            }
        }
    }
    match first {
        None => Ok(()),
        Some(error) => Err((failed, error)),
    }
}

fn enter_one(socket: &mut NetlinkSocket, session: &Session, sequence: u32) -> io::Result<()> {
    socket.send(&request(session, sequence))?;
    let mut datagram = Vec::new();
    loop {
        socket.receive(&mut datagram)?;
        let answer = NetlinkMessage::<NetfilterMessage>::deserialize(&datagram);
        let answer = answer.map_err(|error| io::Error::other(error.to_string()))?;
        if answer.header.sequence_number != sequence {
            continue;
        }
        if let NetlinkPayload::Error(error) = answer.payload {
            return match error.code {
                None => Ok(()),
                Some(code) => Err(io::Error::from_raw_os_error(code.get().saturating_neg())),
            };
        }
    }
}

fn request(session: &Session, sequence: u32) -> Vec<u8> {
    let (from, to) = if session.inward {
        (session.peer, session.local)
    } else {
        (session.local, session.peer)
    };
    let seen = Status::SeenReply | Status::Assured | Status::Confirmed;
    let mut attributes = vec![
        ConntrackAttribute::CtaTupleOrig(tuple(session.protocol, from, to)),
        ConntrackAttribute::CtaTupleReply(tuple(session.protocol, to, from)),
        ConntrackAttribute::CtaStatus(seen),
        ConntrackAttribute::CtaTimeout(match session.protocol {
            Protocol::Tcp => TCP_TIMEOUT,
            Protocol::Udp => UDP_TIMEOUT,
        }),
    ];
    if session.protocol == Protocol::Tcp {
        attributes.push(ConntrackAttribute::CtaProtoInfo(vec![ProtoInfo::TCP(
            established(),
        )]));
    }
    let family = match session.peer.ip() {
        IpAddr::V4(_) => NetfilterProtoFamily::IPv4,
        IpAddr::V6(_) => NetfilterProtoFamily::IPv6,
    };
    let message = NetfilterMessage::new(
        NetfilterHeader::new(family, NFNETLINK_V0, 0),
        ConntrackMessage::New(attributes),
    );
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

fn tuple(protocol: Protocol, from: SocketAddr, to: SocketAddr) -> Vec<Tuple> {
    let transport = match protocol {
        Protocol::Tcp => Transport::Tcp,
        Protocol::Udp => Transport::Udp,
    };
    vec![
        Tuple::Ip(vec![
            IPTuple::SourceAddress(from.ip()),
            IPTuple::DestinationAddress(to.ip()),
        ]),
        Tuple::Proto(vec![
            ProtoTuple::Protocol(transport),
            ProtoTuple::SourcePort(from.port()),
            ProtoTuple::DestinationPort(to.port()),
        ]),
    ]
}

/// As the kernel itself takes up a connection in its middle: the windows and their scale are not
/// known.
fn established() -> Vec<ProtoInfoTCP> {
    let mut flags = TCPFlags::parse(&[LIBERAL, LIBERAL]);
    let mut info = vec![ProtoInfoTCP::State(TCP_CONNTRACK_ESTABLISHED)];
    if let Ok(flags) = &mut flags {
        info.push(ProtoInfoTCP::OriginalFlags(flags.clone()));
        info.push(ProtoInfoTCP::ReplyFlags(flags.clone()));
    }
    info
}

/// linux/netfilter/nfnetlink.h.
const NFNETLINK_V0: u8 = 0;
/// `linux/netfilter/nf_conntrack_tcp.h`: enum `tcp_conntrack`; `IP_CT_TCP_FLAG_SACK_PERM` and
/// `_BE_LIBERAL`.
const TCP_CONNTRACK_ESTABLISHED: u8 = 3;
const LIBERAL: u8 = 0x02 | 0x08;
/// Seconds: the kernel's defaults, `net/netfilter/nf_conntrack_proto_tcp.c` and `_udp.c`. The first
/// packet sets them anew.
const TCP_TIMEOUT: u32 = 5 * 24 * 60 * 60;
const UDP_TIMEOUT: u32 = 120;
