use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::{DecodeError, DefaultNla, NLA_F_NESTED, Nla, NlaBuffer, Parseable};

use super::address::{Address, IPSET_ATTR_IPADDR_IPV4};
use super::number::{
    NET, emit_text, parse_bytes, parse_text, parse_u8, parse_u16, parse_u32, parse_u64, text_len,
};

/// What an entry is made of.
///
/// Text is bytes, of which the kernel knows no encoding, without the NUL that ends it: a `Vec`, or
/// a slice where the attribute only passes by on its way into a message or out of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryAttribute<T = Vec<u8>> {
    /// The address, or the first of a range.
    Ip(IpAddr),
    /// The last address of a range.
    IpTo(IpAddr),
    /// The prefix length.
    Cidr(u8),
    /// The port, or the first of a range; ICMP type and code.
    Port(u16),
    /// The last port of a range.
    PortTo(u16),
    /// Seconds to stay, or left; 0 is for ever.
    Timeout(u32),
    /// The number of the protocol the port belongs to.
    Proto(u8),
    /// Bits `IPSET_FLAG_*` of an entry, such as `NOMATCH`.
    CadtFlags(u32),
    /// The packet mark.
    Mark(u32),
    /// The MAC address.
    Ether([u8; 6]),
    /// The set that is an entry of a `list:set`.
    Name(T),
    /// The entry of a `list:set` that another is put before or after.
    NameRef(T),
    /// The second address, or the first of a second range.
    Ip2(IpAddr),
    /// The prefix length of the second address.
    Cidr2(u8),
    /// The last address of a second range.
    Ip2To(IpAddr),
    /// The network interface.
    Iface(T),
    /// Bytes that matched.
    Bytes(u64),
    /// Packets that matched.
    Packets(u64),
    /// The comment.
    Comment(T),
    /// The mark that packets get, in the high half, and its mask.
    SkbMark(u64),
    /// The traffic class that packets get.
    SkbPrio(u32),
    /// The hardware queue that packets get.
    SkbQueue(u16),
    /// The number by which an error names the entry.
    LineNumber(u32),
    /// One this crate does not know.
    Other(DefaultNla),
}

impl<T: AsRef<[u8]>> Nla for EntryAttribute<T> {
    #[inline]
    fn value_len(&self) -> usize {
        match self {
            Self::Ip(address) | Self::IpTo(address) | Self::Ip2(address) | Self::Ip2To(address) => {
                Address(*address).nest_len()
            }
            Self::Cidr(_) | Self::Cidr2(_) | Self::Proto(_) => 1,
            Self::Port(_) | Self::PortTo(_) | Self::SkbQueue(_) => 2,
            Self::Timeout(_)
            | Self::CadtFlags(_)
            | Self::Mark(_)
            | Self::SkbPrio(_)
            | Self::LineNumber(_) => 4,
            Self::Ether(address) => address.len(),
            Self::Bytes(_) | Self::Packets(_) | Self::SkbMark(_) => 8,
            Self::Comment(text) | Self::Name(text) | Self::NameRef(text) | Self::Iface(text) => {
                text_len(text.as_ref())
            }
            Self::Other(nla) => nla.value_len(),
        }
    }

    #[inline]
    fn kind(&self) -> u16 {
        match self {
            Self::Ip(_) => NLA_F_NESTED | IPSET_ATTR_IP,
            Self::IpTo(_) => NLA_F_NESTED | IPSET_ATTR_IP_TO,
            Self::Cidr(_) => IPSET_ATTR_CIDR,
            Self::Port(_) => NET | IPSET_ATTR_PORT,
            Self::PortTo(_) => NET | IPSET_ATTR_PORT_TO,
            Self::Timeout(_) => NET | IPSET_ATTR_TIMEOUT,
            Self::Proto(_) => IPSET_ATTR_PROTO,
            Self::Mark(_) => NET | IPSET_ATTR_MARK,
            Self::Ether(_) => IPSET_ATTR_ETHER,
            Self::Name(_) => IPSET_ATTR_NAME,
            Self::NameRef(_) => IPSET_ATTR_NAMEREF,
            Self::Ip2(_) => NLA_F_NESTED | IPSET_ATTR_IP2,
            Self::Cidr2(_) => IPSET_ATTR_CIDR2,
            Self::Ip2To(_) => NLA_F_NESTED | IPSET_ATTR_IP2_TO,
            Self::Iface(_) => IPSET_ATTR_IFACE,
            Self::SkbMark(_) => NET | IPSET_ATTR_SKBMARK,
            Self::SkbPrio(_) => NET | IPSET_ATTR_SKBPRIO,
            Self::SkbQueue(_) => NET | IPSET_ATTR_SKBQUEUE,
            Self::CadtFlags(_) => NET | IPSET_ATTR_CADT_FLAGS,
            Self::Bytes(_) => NET | IPSET_ATTR_BYTES,
            Self::Packets(_) => NET | IPSET_ATTR_PACKETS,
            Self::Comment(_) => IPSET_ATTR_COMMENT,
            Self::LineNumber(_) => NET | IPSET_ATTR_LINENO,
            Self::Other(nla) => nla.kind(),
        }
    }

    #[expect(clippy::inline_always, reason = "as append_attribute")]
    #[inline(always)]
    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Self::Ip(address) | Self::IpTo(address) | Self::Ip2(address) | Self::Ip2To(address) => {
                Address(*address).emit_nest(buffer);
            }
            Self::Cidr(value) | Self::Cidr2(value) | Self::Proto(value) => {
                buffer.copy_from_slice(&[*value]);
            }
            Self::Port(value) | Self::PortTo(value) | Self::SkbQueue(value) => {
                buffer.copy_from_slice(&value.to_be_bytes());
            }
            Self::Timeout(value)
            | Self::CadtFlags(value)
            | Self::Mark(value)
            | Self::SkbPrio(value)
            | Self::LineNumber(value) => buffer.copy_from_slice(&value.to_be_bytes()),
            Self::Ether(address) => buffer.copy_from_slice(address),
            Self::Bytes(value) | Self::Packets(value) | Self::SkbMark(value) => {
                buffer.copy_from_slice(&value.to_be_bytes());
            }
            Self::Comment(text) | Self::Name(text) | Self::NameRef(text) | Self::Iface(text) => {
                emit_text(text.as_ref(), buffer);
            }
            Self::Other(nla) => nla.emit_value(buffer),
        }
    }
}

impl<'a, T: From<&'a [u8]>> Parseable<NlaBuffer<&'a [u8]>> for EntryAttribute<T> {
    #[inline]
    fn parse(nla: &NlaBuffer<&'a [u8]>) -> Result<Self, DecodeError> {
        let text = |make: fn(T) -> Self| match parse_text(nla) {
            Some(text) => Ok(make(text.into())),
            None => DefaultNla::parse(nla).map(Self::Other),
        };
        Ok(match nla.kind() {
            IPSET_ATTR_IP => Self::Ip(Address::parse(nla)?),
            IPSET_ATTR_IP_TO => Self::IpTo(Address::parse(nla)?),
            IPSET_ATTR_CIDR => Self::Cidr(parse_u8(nla)?),
            IPSET_ATTR_PORT => Self::Port(parse_u16(nla)?),
            IPSET_ATTR_PORT_TO => Self::PortTo(parse_u16(nla)?),
            IPSET_ATTR_TIMEOUT => Self::Timeout(parse_u32(nla)?),
            IPSET_ATTR_PROTO => Self::Proto(parse_u8(nla)?),
            IPSET_ATTR_CADT_FLAGS => Self::CadtFlags(parse_u32(nla)?),
            IPSET_ATTR_MARK => Self::Mark(parse_u32(nla)?),
            IPSET_ATTR_ETHER => Self::Ether(parse_bytes(nla)?),
            IPSET_ATTR_NAME => text(Self::Name)?,
            IPSET_ATTR_NAMEREF => text(Self::NameRef)?,
            IPSET_ATTR_IP2 => Self::Ip2(Address::parse(nla)?),
            IPSET_ATTR_CIDR2 => Self::Cidr2(parse_u8(nla)?),
            IPSET_ATTR_IP2_TO => Self::Ip2To(Address::parse(nla)?),
            IPSET_ATTR_IFACE => text(Self::Iface)?,
            IPSET_ATTR_BYTES => Self::Bytes(parse_u64(nla)?),
            IPSET_ATTR_PACKETS => Self::Packets(parse_u64(nla)?),
            IPSET_ATTR_COMMENT => text(Self::Comment)?,
            IPSET_ATTR_SKBMARK => Self::SkbMark(parse_u64(nla)?),
            IPSET_ATTR_SKBPRIO => Self::SkbPrio(parse_u32(nla)?),
            IPSET_ATTR_SKBQUEUE => Self::SkbQueue(parse_u16(nla)?),
            IPSET_ATTR_LINENO => Self::LineNumber(parse_u32(nla)?),
            _ => Self::Other(DefaultNla::parse(nla)?),
        })
    }
}

/// The address of an entry that is an IPv4 address and nothing else.
#[inline]
pub(crate) fn lone_ipv4(entry: &[u8]) -> Option<Ipv4Addr> {
    let (headers, address) = entry.split_first_chunk()?;
    let address = <[u8; 4]>::try_from(address).ok()?;
    (*headers == IPV4_HEADERS).then(|| address.into())
}

/// What comes before the bytes of the address in a listing, where the kernel leaves out `NET`: the
/// header of the nest and that of the attribute in it.
const IPV4_HEADERS: [u8; 8] = {
    let [a, b] = 12_u16.to_ne_bytes();
    let [c, d] = (NLA_F_NESTED | IPSET_ATTR_IP).to_ne_bytes();
    let [e, f] = 8_u16.to_ne_bytes();
    let [g, h] = IPSET_ATTR_IPADDR_IPV4.to_ne_bytes();
    [a, b, c, d, e, f, g, h]
};

// linux/netfilter/ipset/ip_set.h, "CADT specific attributes" and "ADT specific attributes"
const IPSET_ATTR_IP: u16 = 1;
const IPSET_ATTR_IP_TO: u16 = 2;
const IPSET_ATTR_CIDR: u16 = 3;
const IPSET_ATTR_PORT: u16 = 4;
const IPSET_ATTR_PORT_TO: u16 = 5;
const IPSET_ATTR_TIMEOUT: u16 = 6;
const IPSET_ATTR_PROTO: u16 = 7;
const IPSET_ATTR_CADT_FLAGS: u16 = 8;
const IPSET_ATTR_LINENO: u16 = 9;
const IPSET_ATTR_MARK: u16 = 10;
const IPSET_ATTR_ETHER: u16 = 17;
pub(crate) const IPSET_ATTR_NAME: u16 = 18;
const IPSET_ATTR_NAMEREF: u16 = 19;
const IPSET_ATTR_IP2: u16 = 20;
const IPSET_ATTR_CIDR2: u16 = 21;
const IPSET_ATTR_IP2_TO: u16 = 22;
pub(crate) const IPSET_ATTR_IFACE: u16 = 23;
const IPSET_ATTR_BYTES: u16 = 24;
const IPSET_ATTR_PACKETS: u16 = 25;
pub(crate) const IPSET_ATTR_COMMENT: u16 = 26;
const IPSET_ATTR_SKBMARK: u16 = 27;
const IPSET_ATTR_SKBPRIO: u16 = 28;
const IPSET_ATTR_SKBQUEUE: u16 = 29;

// enum ipset_cadt_flags
pub(crate) const IPSET_FLAG_BEFORE: u32 = 1 << 0;
pub(crate) const IPSET_FLAG_PHYSDEV: u32 = 1 << 1;
pub(crate) const IPSET_FLAG_NOMATCH: u32 = 1 << 2;
pub(crate) const IPSET_FLAG_IFACE_WILDCARD: u32 = 1 << 7;
