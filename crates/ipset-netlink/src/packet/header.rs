//! The attributes of a set.

use std::net::IpAddr;

use netlink_packet_core::{DecodeError, DefaultNla, Nla, NlaBuffer, Parseable};

use super::table::attributes;
use super::{Command, codec};

// Numbers of linux/netfilter/ipset/ip_set.h, "CADT specific attributes".
attributes! {
    /// What a set is created with, and what the header of a listed set says.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum HeaderAttribute [] [] [] [] {
        /// The first address of a bitmap.
        Ip(IpAddr) = address IPSET_ATTR_IP 1,
        /// The last address of a bitmap.
        IpTo(IpAddr) = address IPSET_ATTR_IP_TO 2,
        /// The prefix length of the range of a bitmap, in place of its last address.
        Cidr(u8) = byte IPSET_ATTR_CIDR 3,
        /// The first port of a bitmap.
        Port(u16) = short IPSET_ATTR_PORT 4,
        /// The last port of a bitmap.
        PortTo(u16) = short IPSET_ATTR_PORT_TO 5,
        /// Which bits of a packet mark count.
        MarkMask(u32) = word IPSET_ATTR_MARKMASK 11,
        /// The most entries of a list.
        Size(u32) = word IPSET_ATTR_SIZE 23,
        /// The default timeout in seconds; 0 is for ever. Its presence gives the set timeouts.
        Timeout(u32) = word IPSET_ATTR_TIMEOUT 6,
        /// Extensions of the set, bits `IPSET_FLAG_WITH_*`.
        CadtFlags(u32) = word IPSET_ATTR_CADT_FLAGS 8,
        /// The seed of the hash function.
        InitialValue(u32) = word IPSET_ATTR_INITVAL 17,
        /// Buckets of the hash.
        HashSize(u32) = word IPSET_ATTR_HASHSIZE 18,
        /// The most elements.
        MaxElements(u32) = word IPSET_ATTR_MAXELEM 19,
        /// How many leading bits of an address count.
        Netmask(u8) = byte IPSET_ATTR_NETMASK 20,
        /// Which bits of an address count.
        Bitmask(IpAddr) = address IPSET_ATTR_BITMASK 12,
        /// The most elements of one bucket.
        BucketSize(u8) = byte IPSET_ATTR_BUCKETSIZE 21,
        /// Elements in the set now.
        Elements(u32) = word IPSET_ATTR_ELEMENTS 24,
        /// Rules and sets that refer to the set.
        References(u32) = word IPSET_ATTR_REFERENCES 25,
        /// Bytes the set takes.
        MemorySize(u32) = word IPSET_ATTR_MEMSIZE 26,
    }
}

impl<'a> Parseable<NlaBuffer<&'a [u8]>> for HeaderAttribute {
    fn parse(nla: &NlaBuffer<&'a [u8]>) -> Result<Self, DecodeError> {
        Self::read(nla, Command::Create)
    }
}

// enum ipset_cadt_flags
pub(crate) const IPSET_FLAG_WITH_COUNTERS: u32 = 1 << 3;
pub(crate) const IPSET_FLAG_WITH_COMMENT: u32 = 1 << 4;
pub(crate) const IPSET_FLAG_WITH_FORCEADD: u32 = 1 << 5;
pub(crate) const IPSET_FLAG_WITH_SKBINFO: u32 = 1 << 6;
