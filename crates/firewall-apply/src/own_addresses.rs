//! The addresses of this host.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

/// The addresses of this host, with the broadcast address of the network where there is one.
pub(crate) fn own_addresses() -> Vec<(IpAddr, Option<IpAddr>)> {
    let Ok(all) = getifaddrs() else {
        return Vec::new();
    };
    let ip = |address: SockaddrStorage| {
        let v4 = address.as_sockaddr_in().map(|inet| IpAddr::V4(inet.ip()));
        v4.or_else(|| {
            address
                .as_sockaddr_in6()
                .map(|inet6| IpAddr::V6(inet6.ip()))
        })
    };
    all.filter_map(|one| Some((ip(one.address?)?, one.broadcast.and_then(ip))))
        .collect()
}
