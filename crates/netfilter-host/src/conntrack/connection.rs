//! One tracked connection.

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use netlink_packet_core::{DefaultNla, NLA_TYPE_MASK, Nla as _, NlasIterator};
use netlink_packet_netfilter::conntrack::{
    ConntrackAttribute, ConntrackMessage, IPTuple, ProtoInfo, ProtoInfoTCP, ProtoTuple, Protocol,
    Status, Tuple,
};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily};
use netlink_session::DecodeError;

use super::flow::{TCP_CONNTRACK_ESTABLISHED, family};

/// A connection, or what the kernel takes for one: datagrams and pings that belong together are
/// tracked, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    source: IpAddr,
    /// Of a TCP connection, where its answers come from and go to.
    answers: Option<(SocketAddr, SocketAddr)>,
    /// Whether it is a TCP connection that both ends have opened and neither has closed.
    is_established: bool,
    /// Whether it is one of TCP that was answered, and whose opener has shown that he got that.
    is_by_handshake: bool,
    /// When it began, where the kernel keeps that (`net.netfilter.nf_conntrack_timestamp`).
    began: Option<Timestamp>,
    /// What tells it from all others: addresses and ports of its first packet, its zone, its
    /// number.
    identity: Vec<ConntrackAttribute>,
}

impl Connection {
    /// The connection that a message tells of, if it does.
    pub(super) fn decode(message: NetfilterMessage) -> Result<Option<Self>, DecodeError> {
        let NetfilterMessageInner::Conntrack(ConntrackMessage::New(mut attributes)) = message.inner
        else {
            return Ok(None);
        };
        let (mut first, mut answers) = (Ends::default(), Ends::default());
        let (mut is_open, mut is_answered, mut began) = (false, false, None);
        for attribute in &attributes {
            match attribute {
                ConntrackAttribute::CtaTupleOrig(tuple) => first = Ends::of(tuple),
                ConntrackAttribute::CtaTupleReply(tuple) => answers = Ends::of(tuple),
                ConntrackAttribute::CtaStatus(status) => {
                    is_answered = status.contains(Status::SeenReply | Status::Assured);
                }
                ConntrackAttribute::CtaProtoInfo(info) => {
                    is_open = info.iter().any(is_open_tcp);
                }
                ConntrackAttribute::Other(other)
                    if other.kind() & NLA_TYPE_MASK == CTA_TIMESTAMP =>
                {
                    began = beginning(other);
                }
                _ => {}
            }
        }
        let source = first.source;
        let source = source.ok_or_else(|| DecodeError::new("a connection has no source"))?;
        attributes.retain(|attribute| match attribute {
            ConntrackAttribute::CtaTupleOrig(_) => true,
            ConntrackAttribute::Other(other) => matches!(other.kind(), CTA_ZONE | CTA_ID),
            _ => false,
        });
        // Whoever keeps many of them keeps nothing else.
        attributes.shrink_to_fit();
        Ok(Some(Self {
            source,
            answers: answers.tcp(),
            is_established: is_open && is_answered,
            is_by_handshake: is_answered && answers.is_tcp,
            began,
            identity: attributes,
        }))
    }

    /// Who sent its first packet.
    pub fn source(&self) -> IpAddr {
        self.source
    }

    /// Whether it is a TCP connection, also one that has been closed by now, whose handshake was
    /// completed: its opener gets what is sent to the address that he gives.
    ///
    /// The kernel asks that the last packet of a handshake acknowledges a number within some 66,000
    /// of the right one, so that one in 65,000 that are sent without having seen it gets through.
    pub fn is_by_handshake(&self) -> bool {
        self.is_by_handshake
    }

    /// When it began, where the kernel keeps that.
    pub fn began(&self) -> Option<Timestamp> {
        self.began
    }

    /// The two ends of a TCP connection as this host has them, if it is one of them: its own first.
    /// Address translation is in them.
    pub fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.answers
    }

    /// The two ends, if it is a TCP connection that is established and was opened from an address
    /// that is `own`; that first.
    pub fn opened_from(&self, own: impl Fn(IpAddr) -> bool) -> Option<(SocketAddr, SocketAddr)> {
        self.begun_from(own).filter(|_| self.is_established)
    }

    /// As [`opened_from`](Self::opened_from), whether it is established, still being opened or over.
    pub fn begun_from(&self, own: impl Fn(IpAddr) -> bool) -> Option<(SocketAddr, SocketAddr)> {
        // Its answers go to where it was opened.
        let (remote, local) = self.answers?;
        own(self.source).then_some((local, remote))
    }

    /// Whether both are the same connection, whatever has become of it meanwhile.
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    pub(super) fn family(&self) -> NetfilterProtoFamily {
        family(self.source)
    }

    pub(super) fn identity(&self) -> Vec<ConntrackAttribute> {
        self.identity.clone()
    }
}

fn beginning(timestamp: &DefaultNla) -> Option<Timestamp> {
    let mut nested = vec![0; timestamp.value_len()];
    timestamp.emit_value(&mut nested);
    let mut times = NlasIterator::new(&nested).filter_map(Result::ok);
    let start = times.find(|time| time.kind() == CTA_TIMESTAMP_START)?;
    let nanoseconds = u64::from_be_bytes(start.value().try_into().ok()?);
    Timestamp::from_nanosecond(nanoseconds.into()).ok()
}

fn is_open_tcp(info: &ProtoInfo) -> bool {
    let ProtoInfo::TCP(fields) = info else {
        return false;
    };
    let mut fields = fields.iter();
    fields.any(|field| matches!(field, ProtoInfoTCP::State(TCP_CONNTRACK_ESTABLISHED)))
}

/// What a tuple says of the two ends of packets in one direction.
#[derive(Default)]
struct Ends {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    is_tcp: bool,
    source_port: Option<u16>,
    destination_port: Option<u16>,
}

impl Ends {
    fn of(tuple: &[Tuple]) -> Self {
        let mut ends = Self::default();
        for part in tuple {
            match part {
                Tuple::Ip(addresses) => addresses.iter().for_each(|address| match address {
                    IPTuple::SourceAddress(address) => ends.source = Some(*address),
                    IPTuple::DestinationAddress(address) => ends.destination = Some(*address),
                    _ => {}
                }),
                Tuple::Proto(fields) => fields.iter().for_each(|field| match field {
                    ProtoTuple::Protocol(protocol) => ends.is_tcp = *protocol == Protocol::Tcp,
                    ProtoTuple::SourcePort(port) => ends.source_port = Some(*port),
                    ProtoTuple::DestinationPort(port) => ends.destination_port = Some(*port),
                    _ => {}
                }),
                _ => {}
            }
        }
        ends
    }

    /// Source and destination with their ports, if it is TCP.
    fn tcp(&self) -> Option<(SocketAddr, SocketAddr)> {
        let source = SocketAddr::new(self.source?, self.source_port?);
        let destination = SocketAddr::new(self.destination?, self.destination_port?);
        self.is_tcp.then_some((source, destination))
    }
}

// linux/netfilter/nfnetlink_conntrack.h, enum ctattr_type
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
const CTA_TIMESTAMP: u16 = 20;
// the same, enum ctattr_tstamp
const CTA_TIMESTAMP_START: u16 = 1;
