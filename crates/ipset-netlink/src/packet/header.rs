use std::net::IpAddr;

use netlink_packet_core::{DecodeError, DefaultNla, NLA_F_NESTED, Nla, NlaBuffer, Parseable};

use super::address::Address;
use super::number::{NET, parse_u8, parse_u16, parse_u32};

/// What a set is created with, and what the header of a listed set says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderAttribute {
    /// The first address of a bitmap.
    Ip(IpAddr),
    /// The last address of a bitmap.
    IpTo(IpAddr),
    /// The prefix length of the range of a bitmap, in place of its last address.
    Cidr(u8),
    /// The first port of a bitmap.
    Port(u16),
    /// The last port of a bitmap.
    PortTo(u16),
    /// Which bits of a packet mark count.
    MarkMask(u32),
    /// The most entries of a list.
    Size(u32),
    /// The default timeout in seconds; 0 is for ever. Its presence gives the set timeouts.
    Timeout(u32),
    /// Extensions of the set, bits `IPSET_FLAG_WITH_*`.
    CadtFlags(u32),
    /// The seed of the hash function.
    InitialValue(u32),
    /// Buckets of the hash.
    HashSize(u32),
    /// The most elements.
    MaxElements(u32),
    /// How many leading bits of an address count.
    Netmask(u8),
    /// Which bits of an address count.
    Bitmask(IpAddr),
    /// The most elements of one bucket.
    BucketSize(u8),
    /// Elements in the set now.
    Elements(u32),
    /// Rules and sets that refer to the set.
    References(u32),
    /// Bytes the set takes.
    MemorySize(u32),
    /// One this crate does not know.
    Other(DefaultNla),
}

impl Nla for HeaderAttribute {
    fn value_len(&self) -> usize {
        match self {
            Self::Netmask(_) | Self::BucketSize(_) | Self::Cidr(_) => 1,
            Self::Port(_) | Self::PortTo(_) => 2,
            Self::Ip(address) | Self::IpTo(address) | Self::Bitmask(address) => {
                Address(*address).nest_len()
            }
            Self::Timeout(_)
            | Self::MarkMask(_)
            | Self::Size(_)
            | Self::CadtFlags(_)
            | Self::InitialValue(_)
            | Self::HashSize(_)
            | Self::MaxElements(_)
            | Self::Elements(_)
            | Self::References(_)
            | Self::MemorySize(_) => 4,
            Self::Other(nla) => nla.value_len(),
        }
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Ip(_) => NLA_F_NESTED | IPSET_ATTR_IP,
            Self::IpTo(_) => NLA_F_NESTED | IPSET_ATTR_IP_TO,
            Self::Cidr(_) => IPSET_ATTR_CIDR,
            Self::Port(_) => NET | IPSET_ATTR_PORT,
            Self::PortTo(_) => NET | IPSET_ATTR_PORT_TO,
            Self::MarkMask(_) => NET | IPSET_ATTR_MARKMASK,
            Self::Size(_) => NET | IPSET_ATTR_SIZE,
            Self::Timeout(_) => NET | IPSET_ATTR_TIMEOUT,
            Self::CadtFlags(_) => NET | IPSET_ATTR_CADT_FLAGS,
            Self::InitialValue(_) => NET | IPSET_ATTR_INITVAL,
            Self::HashSize(_) => NET | IPSET_ATTR_HASHSIZE,
            Self::MaxElements(_) => NET | IPSET_ATTR_MAXELEM,
            Self::Netmask(_) => IPSET_ATTR_NETMASK,
            Self::Bitmask(_) => NLA_F_NESTED | IPSET_ATTR_BITMASK,
            Self::BucketSize(_) => IPSET_ATTR_BUCKETSIZE,
            Self::Elements(_) => NET | IPSET_ATTR_ELEMENTS,
            Self::References(_) => NET | IPSET_ATTR_REFERENCES,
            Self::MemorySize(_) => NET | IPSET_ATTR_MEMSIZE,
            Self::Other(nla) => nla.kind(),
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Self::Netmask(value) | Self::BucketSize(value) | Self::Cidr(value) => {
                buffer.copy_from_slice(&[*value]);
            }
            Self::Port(value) | Self::PortTo(value) => {
                buffer.copy_from_slice(&value.to_be_bytes());
            }
            Self::Ip(address) | Self::IpTo(address) | Self::Bitmask(address) => {
                Address(*address).emit_nest(buffer);
            }
            Self::Timeout(value)
            | Self::MarkMask(value)
            | Self::Size(value)
            | Self::CadtFlags(value)
            | Self::InitialValue(value)
            | Self::HashSize(value)
            | Self::MaxElements(value)
            | Self::Elements(value)
            | Self::References(value)
            | Self::MemorySize(value) => buffer.copy_from_slice(&value.to_be_bytes()),
            Self::Other(nla) => nla.emit_value(buffer),
        }
    }
}

impl<'a> Parseable<NlaBuffer<&'a [u8]>> for HeaderAttribute {
    fn parse(nla: &NlaBuffer<&'a [u8]>) -> Result<Self, DecodeError> {
        Ok(match nla.kind() {
            IPSET_ATTR_IP => Self::Ip(Address::parse(nla)?),
            IPSET_ATTR_IP_TO => Self::IpTo(Address::parse(nla)?),
            IPSET_ATTR_CIDR => Self::Cidr(parse_u8(nla)?),
            IPSET_ATTR_PORT => Self::Port(parse_u16(nla)?),
            IPSET_ATTR_PORT_TO => Self::PortTo(parse_u16(nla)?),
            IPSET_ATTR_MARKMASK => Self::MarkMask(parse_u32(nla)?),
            IPSET_ATTR_SIZE => Self::Size(parse_u32(nla)?),
            IPSET_ATTR_TIMEOUT => Self::Timeout(parse_u32(nla)?),
            IPSET_ATTR_CADT_FLAGS => Self::CadtFlags(parse_u32(nla)?),
            IPSET_ATTR_INITVAL => Self::InitialValue(parse_u32(nla)?),
            IPSET_ATTR_HASHSIZE => Self::HashSize(parse_u32(nla)?),
            IPSET_ATTR_MAXELEM => Self::MaxElements(parse_u32(nla)?),
            IPSET_ATTR_NETMASK => Self::Netmask(parse_u8(nla)?),
            IPSET_ATTR_BITMASK => Self::Bitmask(Address::parse(nla)?),
            IPSET_ATTR_BUCKETSIZE => Self::BucketSize(parse_u8(nla)?),
            IPSET_ATTR_ELEMENTS => Self::Elements(parse_u32(nla)?),
            IPSET_ATTR_REFERENCES => Self::References(parse_u32(nla)?),
            IPSET_ATTR_MEMSIZE => Self::MemorySize(parse_u32(nla)?),
            _ => Self::Other(DefaultNla::parse(nla)?),
        })
    }
}

// linux/netfilter/ipset/ip_set.h, "CADT specific attributes"
const IPSET_ATTR_IP: u16 = 1;
const IPSET_ATTR_IP_TO: u16 = 2;
const IPSET_ATTR_CIDR: u16 = 3;
const IPSET_ATTR_PORT: u16 = 4;
const IPSET_ATTR_PORT_TO: u16 = 5;
const IPSET_ATTR_TIMEOUT: u16 = 6;
const IPSET_ATTR_CADT_FLAGS: u16 = 8;
const IPSET_ATTR_MARKMASK: u16 = 11;
const IPSET_ATTR_BITMASK: u16 = 12;
const IPSET_ATTR_INITVAL: u16 = 17;
const IPSET_ATTR_HASHSIZE: u16 = 18;
const IPSET_ATTR_MAXELEM: u16 = 19;
const IPSET_ATTR_NETMASK: u16 = 20;
const IPSET_ATTR_BUCKETSIZE: u16 = 21;
const IPSET_ATTR_SIZE: u16 = 23;
const IPSET_ATTR_ELEMENTS: u16 = 24;
const IPSET_ATTR_REFERENCES: u16 = 25;
const IPSET_ATTR_MEMSIZE: u16 = 26;

// enum ipset_cadt_flags
pub(crate) const IPSET_FLAG_WITH_COUNTERS: u32 = 1 << 3;
pub(crate) const IPSET_FLAG_WITH_COMMENT: u32 = 1 << 4;
pub(crate) const IPSET_FLAG_WITH_FORCEADD: u32 = 1 << 5;
pub(crate) const IPSET_FLAG_WITH_SKBINFO: u32 = 1 << 6;
