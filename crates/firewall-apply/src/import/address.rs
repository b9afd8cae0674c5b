//! Addresses and networks, as lists of other firewalls have them.

use std::net::IpAddr;

use iptables_ruleset::Network;

/// Why an address is not taken.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// It is this host's own, which needs no word.
    Loopback,
    /// Something else, in a sentence.
    Because(String),
}

/// An address or network; `None` for anything else.
pub(crate) fn address(text: &str) -> Option<Result<Network, Unusable>> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => Some(most),
        Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= most),
    };
    let because = |why: &str| Some(Err(Unusable::Because(why.to_owned())));
    let Some(prefix) = prefix else {
        return because("the number behind the / is no prefix length");
    };
    if prefix == 0 {
        return because("it is every address");
    }
    if address.is_loopback() || prefix == most && address.is_unspecified() {
        return Some(Err(Unusable::Loopback));
    }
    if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        return because("no packet has such an address: write it as an IPv4 address");
    }
    let network = Network::new(address, prefix);
    Some(network.map_err(|error| Unusable::Because(error.to_string())))
}
