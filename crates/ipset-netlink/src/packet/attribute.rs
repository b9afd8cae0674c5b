use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, ErrorContext, NLA_F_NESTED, Nla, NlaBuffer, NlasIterator,
    Parseable, ParseableParametrized,
};

use super::number::{NET, emit_text, parse_text, parse_u8, parse_u16, parse_u32, text_len};
use super::{Command, EncodedEntries, EntryAttribute, HeaderAttribute};

/// What a message is made of.
///
/// Two numbers of the protocol mean different things in different commands; which of them is read
/// goes by the [`Command`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpSetAttribute {
    /// The protocol version of the message, or the newest the kernel speaks.
    Protocol(u8),
    /// The set: bytes, of which the kernel knows no encoding, without the NUL that ends them.
    SetName(Vec<u8>),
    /// The type of a set.
    TypeName(String),
    /// The second set in [`Command::Rename`] and [`Command::Swap`].
    SetName2(Vec<u8>),
    /// The revision of a type, or the newest the kernel knows.
    Revision(u8),
    /// The address family of a set, `NFPROTO_*`.
    Family(u8),
    /// What to list, bits `IPSET_FLAG_LIST_*`.
    Flags(u32),
    /// What a set is created with, or what its header says.
    Header(Vec<HeaderAttribute>),
    /// One entry, in [`Command::Add`], [`Command::Delete`] and [`Command::Test`].
    Entry(Vec<EntryAttribute>),
    /// Many entries.
    Entries(EncodedEntries),
    /// The number of the entry that an error is about.
    LineNumber(u32),
    /// The oldest protocol version the kernel speaks.
    ProtocolMin(u8),
    /// The oldest revision of a type the kernel knows, in [`Command::Type`].
    RevisionMin(u8),
    /// The index of a set.
    Index(u16),
    /// One this crate does not know.
    Other(DefaultNla),
}

impl Nla for IpSetAttribute {
    fn value_len(&self) -> usize {
        match self {
            Self::Protocol(_)
            | Self::Revision(_)
            | Self::Family(_)
            | Self::ProtocolMin(_)
            | Self::RevisionMin(_) => 1,
            Self::Index(_) => 2,
            Self::Flags(_) | Self::LineNumber(_) => 4,
            Self::SetName(text) | Self::SetName2(text) => text_len(text),
            Self::TypeName(text) => text_len(text.as_bytes()),
            Self::Header(attributes) => attributes.as_slice().buffer_len(),
            Self::Entry(attributes) => attributes.as_slice().buffer_len(),
            Self::Entries(entries) => entries.as_bytes().len(),
            Self::Other(nla) => nla.value_len(),
        }
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Protocol(_) => IPSET_ATTR_PROTOCOL,
            Self::SetName(_) => IPSET_ATTR_SETNAME,
            Self::TypeName(_) => IPSET_ATTR_TYPENAME,
            Self::SetName2(_) => IPSET_ATTR_SETNAME2,
            Self::Revision(_) => IPSET_ATTR_REVISION,
            Self::Family(_) => IPSET_ATTR_FAMILY,
            Self::Flags(_) => NET | IPSET_ATTR_FLAGS,
            Self::Header(_) | Self::Entry(_) => NLA_F_NESTED | IPSET_ATTR_DATA,
            Self::Entries(_) => NLA_F_NESTED | IPSET_ATTR_ADT,
            Self::LineNumber(_) => NET | IPSET_ATTR_LINENO,
            Self::ProtocolMin(_) => IPSET_ATTR_PROTOCOL_MIN,
            Self::RevisionMin(_) => IPSET_ATTR_REVISION_MIN,
            Self::Index(_) => NET | IPSET_ATTR_INDEX,
            Self::Other(nla) => nla.kind(),
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Self::Protocol(value)
            | Self::Revision(value)
            | Self::Family(value)
            | Self::ProtocolMin(value)
            | Self::RevisionMin(value) => buffer.copy_from_slice(&[*value]),
            Self::Index(value) => buffer.copy_from_slice(&value.to_be_bytes()),
            Self::Flags(value) | Self::LineNumber(value) => {
                buffer.copy_from_slice(&value.to_be_bytes());
            }
            Self::SetName(text) | Self::SetName2(text) => emit_text(text, buffer),
            Self::TypeName(text) => emit_text(text.as_bytes(), buffer),
            Self::Header(attributes) => attributes.as_slice().emit(buffer),
            Self::Entry(attributes) => attributes.as_slice().emit(buffer),
            Self::Entries(entries) => buffer.copy_from_slice(entries.as_bytes()),
            Self::Other(nla) => nla.emit_value(buffer),
        }
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
        let text = |make: fn(&[u8]) -> Option<Self>| match parse_text(nla).and_then(make) {
            Some(text) => Ok(text),
            None => DefaultNla::parse(nla).map(Self::Other),
        };
        let type_name = |name: &[u8]| String::from_utf8(name.into()).ok().map(Self::TypeName);
        Ok(match nla.kind() {
            IPSET_ATTR_PROTOCOL => Self::Protocol(parse_u8(nla)?),
            IPSET_ATTR_SETNAME => text(|name| Some(Self::SetName(name.into())))?,
            IPSET_ATTR_TYPENAME => match command {
                Command::Rename | Command::Swap => text(|name| Some(Self::SetName2(name.into())))?,
                _ => text(type_name)?,
            },
            IPSET_ATTR_REVISION => Self::Revision(parse_u8(nla)?),
            IPSET_ATTR_FAMILY => Self::Family(parse_u8(nla)?),
            IPSET_ATTR_FLAGS => Self::Flags(parse_u32(nla)?),
            IPSET_ATTR_DATA => match command {
                Command::Add | Command::Delete | Command::Test => {
                    Self::Entry(nested(nla).context("in an entry")?)
                }
                _ => Self::Header(nested(nla).context("in the header of a set")?),
            },
            IPSET_ATTR_ADT => Self::Entries(EncodedEntries::from_bytes(nla.value().to_vec())),
            IPSET_ATTR_LINENO => Self::LineNumber(parse_u32(nla)?),
            IPSET_ATTR_PROTOCOL_MIN => match command {
                Command::Type => Self::RevisionMin(parse_u8(nla)?),
                _ => Self::ProtocolMin(parse_u8(nla)?),
            },
            IPSET_ATTR_INDEX => Self::Index(parse_u16(nla)?),
            _ => Self::Other(DefaultNla::parse(nla)?),
        })
    }
}

fn nested<T>(nest: &NlaBuffer<&[u8]>) -> Result<Vec<T>, DecodeError>
where
    T: for<'a> Parseable<NlaBuffer<&'a [u8]>>,
{
    NlasIterator::new(nest.value())
        .map(|nla| T::parse(&nla?))
        .collect()
}

// linux/netfilter/ipset/ip_set.h, "Attributes at command level"
const IPSET_ATTR_PROTOCOL: u16 = 1;
const IPSET_ATTR_SETNAME: u16 = 2;
const IPSET_ATTR_TYPENAME: u16 = 3;
const IPSET_ATTR_SETNAME2: u16 = IPSET_ATTR_TYPENAME;
const IPSET_ATTR_REVISION: u16 = 4;
const IPSET_ATTR_FAMILY: u16 = 5;
const IPSET_ATTR_FLAGS: u16 = 6;
pub(super) const IPSET_ATTR_DATA: u16 = 7;
const IPSET_ATTR_ADT: u16 = 8;
const IPSET_ATTR_LINENO: u16 = 9;
const IPSET_ATTR_PROTOCOL_MIN: u16 = 10;
const IPSET_ATTR_REVISION_MIN: u16 = IPSET_ATTR_PROTOCOL_MIN;
const IPSET_ATTR_INDEX: u16 = 11;
