//! Networks by an address in them and a prefix length.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first and the last address of a network: 192.0.2.64 and 192.0.2.127 for 192.0.2.70 and 26. A
/// length over that of an address is that of an address.
#[inline]
pub(crate) fn range(address: IpAddr, length: u8) -> (IpAddr, IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let (bits, hosts) = (address.to_bits(), u32::MAX.checked_shr(length.into()));
            let hosts = hosts.unwrap_or(0);
            let [first, last] = [bits & !hosts, bits | hosts].map(Ipv4Addr::from_bits);
            (first.into(), last.into())
        }
        IpAddr::V6(address) => {
            let (bits, hosts) = (address.to_bits(), u128::MAX.checked_shr(length.into()));
            let hosts = hosts.unwrap_or(0);
            let [first, last] = [bits & !hosts, bits | hosts].map(Ipv6Addr::from_bits);
            (first.into(), last.into())
        }
    }
}
