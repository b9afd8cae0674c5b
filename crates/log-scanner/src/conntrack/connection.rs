//! One tracked connection.

use std::net::IpAddr;

use netlink_packet_core::Nla as _;
use netlink_packet_netfilter::conntrack::{ConntrackAttribute, IPTuple, Tuple};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterProtoFamily};

use super::{Error, attributes};

/// A connection, or what the kernel takes for one: datagrams and pings that belong together are tracked, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    source: IpAddr,
    /// What tells it from all others: addresses and ports of its first packet, its zone, its number.
    identity: Vec<ConntrackAttribute>,
}

impl Connection {
    /// The connection that a message tells of, if it does.
    pub(super) fn decode(message: NetfilterMessage) -> Result<Option<Self>, Error> {
        let Some(attributes) = attributes(message) else {
            return Ok(None);
        };
        let mut source = None;
        let mut identity = Vec::with_capacity(3);
        for attribute in attributes {
            match &attribute {
                ConntrackAttribute::CtaTupleOrig(tuple) => source = source_of(tuple),
                ConntrackAttribute::Other(other) if matches!(other.kind(), CTA_ZONE | CTA_ID) => {}
                _ => continue,
            }
            identity.push(attribute);
        }
        match source {
            Some(source) => Ok(Some(Self { source, identity })),
            None => Err(Error::decode("a connection has no source")),
        }
    }

    /// Who sent its first packet.
    pub(crate) fn source(&self) -> IpAddr {
        self.source
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

fn source_of(tuple: &[Tuple]) -> Option<IpAddr> {
    tuple
        .iter()
        .filter_map(|part| match part {
            Tuple::Ip(addresses) => Some(addresses),
            _ => None,
        })
        .flatten()
        .find_map(|address| match address {
            IPTuple::SourceAddress(address) => Some(*address),
            _ => None,
        })
}

// linux/netfilter/nfnetlink_conntrack.h, enum ctattr_type
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
