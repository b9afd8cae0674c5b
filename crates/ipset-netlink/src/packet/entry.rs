//! The attributes of an entry.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::{DecodeError, DefaultNla, NLA_F_NESTED, Nla, NlaBuffer, Parseable};

use super::address::IPSET_ATTR_IPADDR_IPV4;
use super::table::attributes;
use super::{Command, codec};

// Numbers of linux/netfilter/ipset/ip_set.h, "CADT specific attributes" and "ADT specific
// attributes".
attributes! {
    /// What an entry is made of.
    ///
    /// Text is bytes, of which the kernel knows no encoding, without the NUL that ends it: a `Vec`,
    /// or a slice where the attribute only passes by on its way into a message or out of one.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum EntryAttribute [T = Vec<u8>] [T: AsRef<[u8]>] [T: From<&'a [u8]>] [T] {
        /// The address, or the first of a range.
        Ip(IpAddr) = address IPSET_ATTR_IP IPSET_ATTR_IP,
        /// The last address of a range.
        IpTo(IpAddr) = address IPSET_ATTR_IP_TO 2,
        /// The prefix length.
        Cidr(u8) = byte IPSET_ATTR_CIDR 3,
        /// The port, or the first of a range; ICMP type and code.
        Port(u16) = short IPSET_ATTR_PORT 4,
        /// The last port of a range.
        PortTo(u16) = short IPSET_ATTR_PORT_TO 5,
        /// Seconds to stay, or left; 0 is for ever.
        Timeout(u32) = word IPSET_ATTR_TIMEOUT 6,
        /// The number of the protocol the port belongs to.
        Proto(u8) = byte IPSET_ATTR_PROTO 7,
        /// Bits `IPSET_FLAG_*` of an entry, such as `NOMATCH`.
        CadtFlags(u32) = word IPSET_ATTR_CADT_FLAGS 8,
        /// The packet mark.
        Mark(u32) = word IPSET_ATTR_MARK 10,
        /// The MAC address.
        Ether([u8; 6]) = mac IPSET_ATTR_ETHER 17,
        /// The set that is an entry of a `list:set`.
        Name(T) = text IPSET_ATTR_NAME IPSET_ATTR_NAME,
        /// The entry of a `list:set` that another is put before or after.
        NameRef(T) = text IPSET_ATTR_NAMEREF 19,
        /// The second address, or the first of a second range.
        Ip2(IpAddr) = address IPSET_ATTR_IP2 20,
        /// The prefix length of the second address.
        Cidr2(u8) = byte IPSET_ATTR_CIDR2 21,
        /// The last address of a second range.
        Ip2To(IpAddr) = address IPSET_ATTR_IP2_TO 22,
        /// The network interface.
        Iface(T) = text IPSET_ATTR_IFACE IPSET_ATTR_IFACE,
        /// Bytes that matched.
        Bytes(u64) = long IPSET_ATTR_BYTES 24,
        /// Packets that matched.
        Packets(u64) = long IPSET_ATTR_PACKETS 25,
        /// The comment.
        Comment(T) = text IPSET_ATTR_COMMENT IPSET_ATTR_COMMENT,
        /// The mark that packets get, in the high half, and its mask.
        SkbMark(u64) = long IPSET_ATTR_SKBMARK 27,
        /// The traffic class that packets get.
        SkbPrio(u32) = word IPSET_ATTR_SKBPRIO 28,
        /// The hardware queue that packets get.
        SkbQueue(u16) = short IPSET_ATTR_SKBQUEUE 29,
        /// The number by which an error names the entry.
        LineNumber(u32) = word IPSET_ATTR_LINENO 9,
    }
}

impl<'a, T: From<&'a [u8]>> Parseable<NlaBuffer<&'a [u8]>> for EntryAttribute<T> {
    #[inline]
    fn parse(nla: &NlaBuffer<&'a [u8]>) -> Result<Self, DecodeError> {
        Self::read(nla, Command::Add)
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

// linux/netfilter/ipset/ip_set.h
const IPSET_ATTR_IP: u16 = 1;
pub(crate) const IPSET_ATTR_NAME: u16 = 18;
pub(crate) const IPSET_ATTR_IFACE: u16 = 23;
pub(crate) const IPSET_ATTR_COMMENT: u16 = 26;

// enum ipset_cadt_flags
pub(crate) const IPSET_FLAG_BEFORE: u32 = 1 << 0;
pub(crate) const IPSET_FLAG_PHYSDEV: u32 = 1 << 1;
pub(crate) const IPSET_FLAG_NOMATCH: u32 = 1 << 2;
pub(crate) const IPSET_FLAG_IFACE_WILDCARD: u32 = 1 << 7;
