use std::net::IpAddr;

use ipset_netlink::{Comment, Family, Interface, MacAddress, SetName, SkbMark, Timeout};

use crate::types::{Field, Fields};

/// What one line says, field by field.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// What was said at all.
    pub given: Fields,
    /// Options that were said and mean nothing any more: each is warned of once.
    pub ignored: Fields,
    /// The family of the set; when creating, `Unspec` until it is known.
    pub family: Option<Family>,
    /// The family is an assumption that the line may change.
    pub family_is_assumed: bool,

    pub ip: Option<IpAddr>,
    pub ip_to: Option<IpAddr>,
    pub cidr: Option<u8>,
    pub ip2: Option<IpAddr>,
    pub ip2_to: Option<IpAddr>,
    pub cidr2: Option<u8>,
    pub mark: Option<u32>,
    pub protocol: Option<u8>,
    pub port: Option<u16>,
    pub port_to: Option<u16>,
    pub mac: Option<MacAddress>,
    pub interface: Option<Interface>,
    pub name: Option<SetName>,
    pub neighbour: Option<SetName>,

    pub timeout: Option<Timeout>,
    pub packets: Option<u64>,
    pub bytes: Option<u64>,
    pub comment: Option<Comment>,
    pub skb_mark: Option<SkbMark>,
    pub skb_prio: Option<u32>,
    pub skb_queue: Option<u16>,

    pub hash_size: Option<u32>,
    pub max_elem: Option<u32>,
    pub bucket_size: Option<u8>,
    pub init_val: Option<u32>,
    pub netmask: Option<u8>,
    pub bitmask: Option<IpAddr>,
    pub mark_mask: Option<u32>,
    pub size: Option<u32>,
}

impl Values {
    pub fn has(&self, field: Field) -> bool {
        self.given.contains(field)
    }
}
