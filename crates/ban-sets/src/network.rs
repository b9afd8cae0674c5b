//! Networks: what is read, what lies in what, and the same address in two families.

use std::net::{IpAddr, Ipv4Addr};

use ipset_netlink::{Key, KeyError, Network};

/// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`; host bits are cleared.
///
/// # Errors
///
/// What is wrong with the text.
pub fn parse(text: &str) -> Result<Network, String> {
    let key: Key = text.parse().map_err(|error: KeyError| error.to_string())?;
    key.as_network()
        .ok_or_else(|| format!("{text:?} is not a network"))
}

/// Whether each address of `inner` is one of `outer`.
pub fn holds(outer: Network, inner: Network) -> bool {
    outer.contains(inner.address()) && outer.prefix_length() <= inner.prefix_length()
}

/// Whether a network is one address.
pub fn is_single_address(network: Network) -> bool {
    network == Network::from(network.address())
}

/// `192.0.2.1`, `192.0.2.0/24`.
pub fn spelled(network: Network) -> String {
    if is_single_address(network) {
        network.address().to_string()
    } else {
        network.to_string()
    }
}

/// The bits before an IPv4 address that is mapped into an IPv6 address.
const MAPPED: u8 = 96;

/// The network of IPv6 addresses that IPv4 addresses are mapped in (`::ffff:0:0/96`); itself where
/// it is of IPv6 already.
pub fn mapping(network: Network) -> Network {
    match network.address() {
        IpAddr::V6(_) => network,
        IpAddr::V4(address) => {
            let length = MAPPED + network.prefix_length();
            Network::new(address.to_ipv6_mapped().into(), length).unwrap_or(network)
        }
    }
}

/// The IPv4 addresses that are mapped in a network of IPv6, where there are any.
pub fn mapped(network: Network) -> Option<Network> {
    if network.prefix_length() < MAPPED {
        let all = Network::from(IpAddr::from(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped()));
        let holds_all = network.contains(all.address());
        return holds_all
            .then(|| Network::new(Ipv4Addr::UNSPECIFIED.into(), 0).ok())
            .flatten();
    }
    match network.address() {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => {
            let address = address.to_ipv4_mapped()?;
            Network::new(address.into(), network.prefix_length() - MAPPED).ok()
        }
    }
}
