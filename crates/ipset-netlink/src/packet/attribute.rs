//! What a message is made of.

use netlink_packet_core::{
    DecodeError, DefaultNla, Nla, NlaBuffer, Parseable, ParseableParametrized,
};

use super::table::attributes;
use super::{Command, EncodedEntries, EntryAttribute, HeaderAttribute, codec};

// Numbers of linux/netfilter/ipset/ip_set.h, "Attributes at command level".
attributes! {
    /// What a message is made of.
    ///
    /// Two numbers of the protocol mean different things in different commands; which of them is
    /// read goes by the [`Command`].
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum IpSetAttribute [] [] [] [] {
        /// The protocol version of the message, or the newest the kernel speaks.
        Protocol(u8) = byte IPSET_ATTR_PROTOCOL 1,
        /// The set: bytes, of which the kernel knows no encoding, without the NUL that ends them.
        SetName(Vec<u8>) = text IPSET_ATTR_SETNAME 2,
        /// The second set in [`Command::Rename`] and [`Command::Swap`].
        SetName2(Vec<u8>) = text IPSET_ATTR_SETNAME2 3 for Rename | Swap,
        /// The type of a set.
        TypeName(String) = utf_8 IPSET_ATTR_TYPENAME 3,
        /// The revision of a type, or the newest the kernel knows.
        Revision(u8) = byte IPSET_ATTR_REVISION 4,
        /// The address family of a set, `NFPROTO_*`.
        Family(u8) = byte IPSET_ATTR_FAMILY 5,
        /// What to list, bits `IPSET_FLAG_LIST_*`.
        Flags(u32) = word IPSET_ATTR_FLAGS 6,
        /// One entry, in [`Command::Add`], [`Command::Delete`] and [`Command::Test`].
        Entry(Vec<EntryAttribute>) = nest IPSET_ATTR_DATA IPSET_ATTR_DATA for Add | Delete | Test,
        /// What a set is created with, or what its header says.
        Header(Vec<HeaderAttribute>) = nest IPSET_ATTR_DATA IPSET_ATTR_DATA,
        /// Many entries.
        Entries(EncodedEntries) = entries IPSET_ATTR_ADT 8,
        /// The number of the entry that an error is about.
        LineNumber(u32) = word IPSET_ATTR_LINENO 9,
        /// The oldest revision of a type the kernel knows, in [`Command::Type`].
        RevisionMin(u8) = byte IPSET_ATTR_REVISION_MIN 10 for Type,
        /// The oldest protocol version the kernel speaks.
        ProtocolMin(u8) = byte IPSET_ATTR_PROTOCOL_MIN 10,
        /// The index of a set.
        Index(u16) = short IPSET_ATTR_INDEX 11,
    }
}

impl IpSetAttribute {
    /// The name of the set, if that is what this is.
    pub(crate) fn set_name(&self) -> Option<&[u8]> {
        match self {
            Self::SetName(name) => Some(name),
            _ => None,
        }
    }
}

impl<'a> ParseableParametrized<NlaBuffer<&'a [u8]>, Command> for IpSetAttribute {
    fn parse_with_param(nla: &NlaBuffer<&'a [u8]>, command: Command) -> Result<Self, DecodeError> {
        Self::read(nla, command)
    }
}

// linux/netfilter/ipset/ip_set.h
pub(super) const IPSET_ATTR_DATA: u16 = 7;
