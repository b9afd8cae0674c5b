//! Addresses, which are nested: the kind inside says the family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{DecodeError, NLA_HEADER_SIZE, NlaBuffer};

use super::codec::{NET, attributes_of};

#[derive(Clone, Copy)]
pub(super) struct Address(pub(super) IpAddr);

impl Address {
    #[inline]
    pub(super) fn parse(nested: &NlaBuffer<&[u8]>) -> Result<IpAddr, DecodeError> {
        let mut attributes = attributes_of(nested.value());
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
    pub(super) fn nest_len(self) -> usize {
        match self.0 {
            IpAddr::V4(_) => NLA_HEADER_SIZE + 4,
            IpAddr::V6(_) => NLA_HEADER_SIZE + 16,
        }
    }

    /// Writes the nest.
    #[inline]
    pub(super) fn emit_nest(self, nest: &mut [u8]) {
        match self.0 {
            IpAddr::V4(address) => emit(IPSET_ATTR_IPADDR_IPV4, address.octets(), nest),
            IpAddr::V6(address) => emit(IPSET_ATTR_IPADDR_IPV6, address.octets(), nest),
        }
    }
}

/// Writes an attribute that needs no padding.
#[inline]
fn emit<const N: usize>(kind: u16, octets: [u8; N], buffer: &mut [u8]) {
    let length = u16::try_from(NLA_HEADER_SIZE + N).unwrap_or(u16::MAX);
    if let Some((header, value)) = buffer.split_first_chunk_mut() {
        let [low, high] = length.to_ne_bytes();
        let [kind_low, kind_high] = (NET | kind).to_ne_bytes();
        *header = [low, high, kind_low, kind_high];
        value.copy_from_slice(&octets);
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

// linux/netfilter/ipset/ip_set.h
pub(super) const IPSET_ATTR_IPADDR_IPV4: u16 = 1;
const IPSET_ATTR_IPADDR_IPV6: u16 = 2;
