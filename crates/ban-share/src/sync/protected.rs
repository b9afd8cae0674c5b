//! Who is never banned on the word of another host.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use ban_fleet::{Policy, Prefix};
use ban_sets::network::mapping;
use ban_sets::{Backend, Error, Network, Whitelist};
use netfilter_host::essentials::{gateways, servers, sessions};
use nix::ifaddrs::getifaddrs;

use crate::config::{Address, Config};

/// Addresses of which no packet comes from outside.
const OF_NO_HOST: [&str; 6] = [
    "0.0.0.0",
    "::",
    "127.0.0.0/8",
    "::1",
    "224.0.0.0/3",
    "ff00::/8",
];

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unknown {
    #[error("cannot tell the addresses of this host")]
    Own(#[source] io::Error),
    #[error("cannot tell the gateways of this host")]
    Gateways(#[source] io::Error),
    #[error("cannot tell who is whitelisted")]
    Whitelist(#[source] Error),
}

/// Has the policy protect whom nobody may ban: this host, whom it cannot do without, the engine, the
/// exempt and the whitelists.
pub(crate) fn protect(
    policy: &mut Policy,
    config: &Config,
    sets: &mut dyn Backend,
) -> Result<(), Unknown> {
    let of_no_host = OF_NO_HOST.iter().filter_map(|text| text.parse().ok());
    let mut protected: Vec<Prefix> = of_no_host.collect();
    protected.extend(&config.take.exempt);
    let mut addresses: Vec<IpAddr> = Vec::new();
    let own = getifaddrs().map_err(|errno| Unknown::Own(errno.into()))?;
    addresses.extend(own.filter_map(|interface| {
        let address = interface.address?;
        let inet = address.as_sockaddr_in().map(|inet| IpAddr::V4(inet.ip()));
        let inet6 = address.as_sockaddr_in6();
        inet.or_else(|| inet6.map(|inet6| IpAddr::V6(inet6.ip())))
    }));
    let root = Path::new("/");
    let gateways = gateways().map_err(Unknown::Gateways)?;
    addresses.extend(gateways.into_iter().map(|gateway| gateway.address));
    addresses.extend(servers(root).into_iter().map(|server| server.address));
    addresses.extend(sessions(root).into_iter().map(|session| session.peer));
    // A name would let whoever answers for it choose who is protected.
    if let Address::Tcp(host, _) = &config.engine.address {
        addresses.extend(host.parse::<IpAddr>());
    }
    protected.extend(addresses.into_iter().map(Prefix::from));
    for whitelist in Whitelist::open(sets) {
        let members = whitelist.and_then(|whitelist| whitelist.read(sets));
        let members = members.map_err(Unknown::Whitelist)?;
        protected.extend(members.into_iter().filter_map(prefix));
    }
    for prefix in protected {
        let mapped = network(prefix).map(mapping).and_then(self::prefix);
        for form in [Some(prefix), mapped].into_iter().flatten() {
            policy.protected.entry(form, || ());
        }
    }
    Ok(())
}

/// A prefix, as sets have it.
pub(crate) fn network(prefix: Prefix) -> Option<Network> {
    Network::new(prefix.address(), prefix.length()).ok()
}

fn prefix(network: Network) -> Option<Prefix> {
    Prefix::new(network.address(), network.prefix_length()).ok()
}
