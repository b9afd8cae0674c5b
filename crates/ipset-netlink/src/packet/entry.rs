use std::net::IpAddr;

use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, NLA_F_NESTED, Nla, NlaBuffer, Parseable,
};

use super::{
    address::Address,
    number::{NET, emit_text, parse_text, parse_u8, parse_u32, parse_u64, text_len},
};

/// What an entry is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryAttribute {
    /// The address, or the first of a range.
    Ip(IpAddr),
    /// The last address of a range.
    IpTo(IpAddr),
    /// The prefix length.
    Cidr(u8),
    /// Seconds to stay, or left; 0 is for ever.
    Timeout(u32),
    /// Bits `IPSET_FLAG_*` of an entry, such as `NOMATCH`.
    CadtFlags(u32),
    /// Bytes that matched.
    Bytes(u64),
    /// Packets that matched.
    Packets(u64),
    /// The comment.
    Comment(String),
    /// The number by which an error names the entry.
    LineNumber(u32),
    /// One this crate does not know.
    Other(DefaultNla),
}

impl Nla for EntryAttribute {
    fn value_len(&self) -> usize {
        match self {
            Self::Ip(address) | Self::IpTo(address) => Address(*address).nest_len(),
            Self::Cidr(_) => 1,
            Self::Timeout(_) | Self::CadtFlags(_) | Self::LineNumber(_) => 4,
            Self::Bytes(_) | Self::Packets(_) => 8,
            Self::Comment(text) => text_len(text),
            Self::Other(nla) => nla.value_len(),
        }
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Ip(_) => NLA_F_NESTED | IPSET_ATTR_IP,
            Self::IpTo(_) => NLA_F_NESTED | IPSET_ATTR_IP_TO,
            Self::Cidr(_) => IPSET_ATTR_CIDR,
            Self::Timeout(_) => NET | IPSET_ATTR_TIMEOUT,
            Self::CadtFlags(_) => NET | IPSET_ATTR_CADT_FLAGS,
            Self::Bytes(_) => NET | IPSET_ATTR_BYTES,
            Self::Packets(_) => NET | IPSET_ATTR_PACKETS,
            Self::Comment(_) => IPSET_ATTR_COMMENT,
            Self::LineNumber(_) => NET | IPSET_ATTR_LINENO,
            Self::Other(nla) => nla.kind(),
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Self::Ip(address) | Self::IpTo(address) => Address(*address).emit(buffer),
            Self::Cidr(value) => buffer.copy_from_slice(&[*value]),
            Self::Timeout(value) | Self::CadtFlags(value) | Self::LineNumber(value) => {
                buffer.copy_from_slice(&value.to_be_bytes());
            }
            Self::Bytes(value) | Self::Packets(value) => {
                buffer.copy_from_slice(&value.to_be_bytes());
            }
            Self::Comment(text) => emit_text(text, buffer),
            Self::Other(nla) => nla.emit_value(buffer),
        }
    }
}

impl<'a> Parseable<NlaBuffer<&'a [u8]>> for EntryAttribute {
    fn parse(nla: &NlaBuffer<&'a [u8]>) -> Result<Self, DecodeError> {
        Ok(match nla.kind() {
            IPSET_ATTR_IP => Self::Ip(Address::parse(nla)?),
            IPSET_ATTR_IP_TO => Self::IpTo(Address::parse(nla)?),
            IPSET_ATTR_CIDR => Self::Cidr(parse_u8(nla)?),
            IPSET_ATTR_TIMEOUT => Self::Timeout(parse_u32(nla)?),
            IPSET_ATTR_CADT_FLAGS => Self::CadtFlags(parse_u32(nla)?),
            IPSET_ATTR_BYTES => Self::Bytes(parse_u64(nla)?),
            IPSET_ATTR_PACKETS => Self::Packets(parse_u64(nla)?),
            IPSET_ATTR_COMMENT => match parse_text(nla) {
                Some(text) => Self::Comment(text),
                None => Self::Other(DefaultNla::parse(nla)?),
            },
            IPSET_ATTR_LINENO => Self::LineNumber(parse_u32(nla)?),
            _ => Self::Other(DefaultNla::parse(nla)?),
        })
    }
}

// linux/netfilter/ipset/ip_set.h, "CADT specific attributes" and "ADT specific attributes"
const IPSET_ATTR_IP: u16 = 1;
const IPSET_ATTR_IP_TO: u16 = 2;
const IPSET_ATTR_CIDR: u16 = 3;
const IPSET_ATTR_TIMEOUT: u16 = 6;
const IPSET_ATTR_CADT_FLAGS: u16 = 8;
const IPSET_ATTR_LINENO: u16 = 9;
const IPSET_ATTR_BYTES: u16 = 24;
const IPSET_ATTR_PACKETS: u16 = 25;
const IPSET_ATTR_COMMENT: u16 = 26;

// enum ipset_cadt_flags
pub(crate) const IPSET_FLAG_NOMATCH: u32 = 1 << 2;
