//! The addresses of this host.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

/// The addresses of this host, with the broadcast address of the network where there is one.
pub(crate) fn own_addresses() -> Vec<(IpAddr, Option<IpAddr>)> {
    let Ok(all) = getifaddrs() else {
        return Vec::new();
    };
    all.filter_map(|one| Some((ip(one.address?)?, one.broadcast.and_then(ip))))
        .collect()
}

/// The addresses of one interface.
pub(crate) fn addresses_of(interface: &str) -> Vec<IpAddr> {
    let all = getifaddrs().into_iter().flatten();
    let of_it = all.filter(|one| one.interface_name == interface);
    of_it.filter_map(|one| ip(one.address?)).collect()
}

fn ip(address: SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|inet| IpAddr::V4(inet.ip()));
    let v6 = address.as_sockaddr_in6();
    v4.or_else(|| v6.map(|inet6| IpAddr::V6(inet6.ip())))
}
