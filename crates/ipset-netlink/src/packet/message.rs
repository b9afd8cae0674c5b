//! A message: header, command and attributes.

use netlink_packet_core::{
    DecodeError, Emitable, ErrorContext, NetlinkDeserializable, NetlinkHeader, NetlinkPayload,
    NetlinkSerializable, NlasIterator, ParseableParametrized,
};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterProtoFamily};

use super::{Command, IpSetAttribute};

/// A message of the ipset subsystem, in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IpSetMessage {
    /// The header that all netfilter subsystems share. The kernel ignores its family here; `ipset`
    /// always says IPv4 and so does [`IpSetMessage::new`].
    pub header: NetfilterHeader,
    /// What is asked, or was asked if this is an answer.
    pub command: Command,
    /// The rest.
    pub attributes: Vec<IpSetAttribute>,
}

impl IpSetMessage {
    /// A request with the attributes in this order.
    pub fn new(command: Command, attributes: Vec<IpSetAttribute>) -> Self {
        Self {
            header: NetfilterHeader::new(NetfilterProtoFamily::IPv4, 0, 0),
            command,
            attributes,
        }
    }
}

impl NetlinkSerializable for IpSetMessage {
    fn message_type(&self) -> u16 {
        u16::from_be_bytes([NFNL_SUBSYS_IPSET, self.command.into()])
    }

    fn buffer_len(&self) -> usize {
        self.header.buffer_len() + self.attributes.as_slice().buffer_len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        let (header, attributes) = buffer.split_at_mut(self.header.buffer_len());
        self.header.emit(header);
        self.attributes.as_slice().emit(attributes);
    }
}

impl NetlinkDeserializable for IpSetMessage {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Self::Error> {
        let [subsystem, command] = header.message_type.to_be_bytes();
        if subsystem != NFNL_SUBSYS_IPSET {
            return Err(format!("a message of subsystem {subsystem} is not of ipset").into());
        }
        let command = Command::from(command);
        let header = NetfilterHeader::parse(payload)?;
        let attributes = NlasIterator::new(payload.get(header.buffer_len()..).unwrap_or_default())
            .map(|nla| IpSetAttribute::parse_with_param(&nla?, command))
            .collect::<Result<_, _>>()
            .with_context(|| format!("in the attributes of {command:?}"))?;
        Ok(Self {
            header,
            command,
            attributes,
        })
    }
}

impl From<IpSetMessage> for NetlinkPayload<IpSetMessage> {
    fn from(message: IpSetMessage) -> Self {
        Self::InnerMessage(message)
    }
}

/// The version spoken here; `linux/netfilter/ipset/ip_set.h`.
pub const IPSET_PROTOCOL: u8 = 7;

// linux/netfilter/nfnetlink.h
const NFNL_SUBSYS_IPSET: u8 = 6;
