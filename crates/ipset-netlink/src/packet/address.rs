//! Addresses, which are nested: the kind inside says the family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{DecodeError, Emitable, Nla, NlaBuffer, NlasIterator};

use super::number::NET;

pub(super) struct Address(pub(super) IpAddr);

impl Address {
    #[inline]
    pub(super) fn parse(nested: &NlaBuffer<&[u8]>) -> Result<IpAddr, DecodeError> {
        let mut attributes = NlasIterator::new(nested.value());
        let nla = attributes.next().ok_or("an address attribute is empty")??;
        let address = match nla.kind() {
            IPSET_ATTR_IPADDR_IPV4 => <[u8; 4]>::try_from(nla.value())
                .ok()
                .map(|v| Ipv4Addr::from(v).into()),
            IPSET_ATTR_IPADDR_IPV6 => <[u8; 16]>::try_from(nla.value())
                .ok()
                .map(|v| Ipv6Addr::from(v).into()),
            _ => None,
        };
        address.ok_or_else(|| neither(&nla))
    }

    /// The length of the nest.
    #[inline]
    pub(super) fn nest_len(&self) -> usize {
        self.buffer_len()
    }
}

#[cold]
fn neither(nla: &NlaBuffer<&[u8]>) -> DecodeError {
    DecodeError::from(format!(
        "an address of kind {} and {} bytes is neither IPv4 nor IPv6",
        nla.kind(),
        nla.value_length()
    ))
}

impl Nla for Address {
    #[inline]
    fn value_len(&self) -> usize {
        match self.0 {
            IpAddr::V4(_) => 4,
            IpAddr::V6(_) => 16,
        }
    }

    #[inline]
    fn kind(&self) -> u16 {
        NET | match self.0 {
            IpAddr::V4(_) => IPSET_ATTR_IPADDR_IPV4,
            IpAddr::V6(_) => IPSET_ATTR_IPADDR_IPV6,
        }
    }

    #[inline]
    fn emit_value(&self, buffer: &mut [u8]) {
        match self.0 {
            IpAddr::V4(address) => buffer.copy_from_slice(&address.octets()),
            IpAddr::V6(address) => buffer.copy_from_slice(&address.octets()),
        }
    }
}

// linux/netfilter/ipset/ip_set.h
const IPSET_ATTR_IPADDR_IPV4: u16 = 1;
const IPSET_ATTR_IPADDR_IPV6: u16 = 2;
