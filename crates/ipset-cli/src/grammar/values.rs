//! What a line says.

use std::net::IpAddr;

use ipset_netlink::{Comment, Family, Interface, MacAddress, SetName, SkbMark, Timeout};

use crate::types::{Field, Fields};

/// What one line says, field by field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    /// What was said at all.
    pub(crate) given: Fields,
    /// Options that were said and mean nothing any more: each is warned of once.
    pub(crate) ignored: Fields,
    /// The family of the set; when creating, `Unspec` until it is known.
    pub(crate) family: Option<Family>,
    /// The family is an assumption that the line may change.
    pub(crate) family_is_assumed: bool,

    /// What the user is to be told at once, whatever comes of the line: each as `Warning: …` unless
    /// `-quiet`.
    pub(crate) remarks: Vec<String>,

    pub(crate) ip: Option<IpAddr>,
    pub(crate) ip_to: Option<IpAddr>,
    pub(crate) cidr: Option<u8>,
    pub(crate) ip2: Option<IpAddr>,
    pub(crate) ip2_to: Option<IpAddr>,
    pub(crate) cidr2: Option<u8>,
    pub(crate) mark: Option<u32>,
    pub(crate) protocol: Option<u8>,
    pub(crate) port: Option<u16>,
    pub(crate) port_to: Option<u16>,
    pub(crate) mac: Option<MacAddress>,
    pub(crate) interface: Option<Interface>,
    pub(crate) name: Option<SetName>,
    pub(crate) neighbour: Option<SetName>,

    pub(crate) timeout: Option<Timeout>,
    pub(crate) packets: Option<u64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) comment: Option<Comment>,
    pub(crate) skb_mark: Option<SkbMark>,
    pub(crate) skb_prio: Option<u32>,
    pub(crate) skb_queue: Option<u16>,

    pub(crate) hash_size: Option<u32>,
    pub(crate) max_elem: Option<u32>,
    pub(crate) bucket_size: Option<u8>,
    pub(crate) init_val: Option<u32>,
    pub(crate) netmask: Option<u8>,
    pub(crate) bitmask: Option<IpAddr>,
    pub(crate) mark_mask: Option<u32>,
    pub(crate) size: Option<u32>,
}

impl Values {
    pub(crate) fn has(&self, field: Field) -> bool {
        self.given.contains(field)
    }
}
