//! One tracked connection.

use std::net::{IpAddr, SocketAddr};

use netlink_packet_core::Nla as _;
use netlink_packet_netfilter::conntrack::{
    ConntrackAttribute, IPTuple, ProtoTuple, Protocol, Tuple,
};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterProtoFamily};

use super::{Error, attributes};

/// A connection, or what the kernel takes for one: datagrams and pings that belong together are tracked, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    source: IpAddr,
    /// Of a TCP connection, where its answers come from and go to.
    answers: Option<(SocketAddr, SocketAddr)>,
    /// What tells it from all others: addresses and ports of its first packet, its zone, its number.
    identity: Vec<ConntrackAttribute>,
}

impl Connection {
    /// The connection that a message tells of, if it does.
    pub(super) fn decode(message: NetfilterMessage) -> Result<Option<Self>, Error> {
        let Some(attributes) = attributes(message) else {
            return Ok(None);
        };
        let (mut source, mut answers) = (None, None);
        let mut identity = Vec::with_capacity(3);
        for attribute in attributes {
            match &attribute {
                ConntrackAttribute::CtaTupleOrig(tuple) => source = addresses(tuple).0,
                ConntrackAttribute::CtaTupleReply(tuple) => {
                    answers = tcp(tuple);
                    continue;
                }
                ConntrackAttribute::Other(other) if matches!(other.kind(), CTA_ZONE | CTA_ID) => {}
                _ => continue,
            }
            identity.push(attribute);
        }
        match source {
            Some(source) => Ok(Some(Self {
                source,
                answers,
                identity,
            })),
            None => Err(Error::decode("a connection has no source")),
        }
    }

    /// Who sent its first packet.
    pub(crate) fn source(&self) -> IpAddr {
        self.source
    }

    /// The two ends of a TCP connection as this host has them, if it is one of them: its own first. Address translation is
    /// in them.
    pub(crate) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.answers
    }

    pub(super) fn family(&self) -> NetfilterProtoFamily {
        match self.source {
            IpAddr::V4(_) => NetfilterProtoFamily::IPv4,
            IpAddr::V6(_) => NetfilterProtoFamily::IPv6,
        }
    }

    pub(super) fn identity(&self) -> Vec<ConntrackAttribute> {
        self.identity.clone()
    }
}

/// Source and destination.
fn addresses(tuple: &[Tuple]) -> (Option<IpAddr>, Option<IpAddr>) {
    let (mut source, mut destination) = (None, None);
    for part in tuple {
        let Tuple::Ip(addresses) = part else { continue };
        for address in addresses {
            match address {
                IPTuple::SourceAddress(address) => source = Some(*address),
                IPTuple::DestinationAddress(address) => destination = Some(*address),
                _ => {}
            }
        }
    }
    (source, destination)
}

/// Source and destination with their ports, if it is TCP.
fn tcp(tuple: &[Tuple]) -> Option<(SocketAddr, SocketAddr)> {
    let (source, destination) = addresses(tuple);
    let (mut is_tcp, mut from, mut to) = (false, None, None);
    for part in tuple {
        let Tuple::Proto(protocol) = part else {
            continue;
        };
        for field in protocol {
            match field {
                ProtoTuple::Protocol(protocol) => is_tcp = *protocol == Protocol::Tcp,
                ProtoTuple::SourcePort(port) => from = Some(*port),
                ProtoTuple::DestinationPort(port) => to = Some(*port),
                _ => {}
            }
        }
    }
    let ends = (
        SocketAddr::new(source?, from?),
        SocketAddr::new(destination?, to?),
    );
    is_tcp.then_some(ends)
}

// linux/netfilter/nfnetlink_conntrack.h, enum ctattr_type
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
