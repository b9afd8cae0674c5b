//! Who a rule counts: an address, or a network where the rule aggregates.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipset_netlink::{Key, KeyError, Network};
use serde::{Serialize, Serializer};

/// An address, or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source(Network);

impl Source {
    pub(crate) fn new(address: IpAddr, prefix_length: u8) -> Result<Self, KeyError> {
        Network::new(address, prefix_length).map(Self)
    }

    /// The first address.
    pub(crate) fn address(self) -> IpAddr {
        self.0.address()
    }

    pub(crate) fn network(self) -> Network {
        self.0
    }

    /// As a member of a set.
    pub(crate) fn key(self) -> Key {
        Key::from(self.0)
    }

    pub(crate) fn is_single_address(self) -> bool {
        self.0 == Network::from(self.0.address())
    }

    /// A network of one of its [forms](Self::forms) as one of its own family.
    pub(crate) fn spell(self, network: Network) -> Network {
        match self.address() {
            IpAddr::V4(_) => network,
            IpAddr::V6(_) => mapping(network),
        }
    }

    /// It, and the IPv4 addresses that are mapped in it (`::ffff:0:0/96`).
    pub(crate) fn forms(self) -> impl Iterator<Item = Network> {
        std::iter::once(self.0).chain(mapped(self.0))
    }
}

/// The network of IPv6 addresses that IPv4 addresses are mapped in; itself where it is of IPv6
/// already.
pub(crate) fn mapping(network: Network) -> Network {
    match network.address() {
        IpAddr::V6(_) => network,
        IpAddr::V4(address) => {
            let length = MAPPED + network.prefix_length();
            Network::new(address.to_ipv6_mapped().into(), length).unwrap_or(network)
        }
    }
}

/// The bits before an IPv4 address that is mapped into an IPv6 address.
const MAPPED: u8 = 96;

fn mapped(network: Network) -> Option<Network> {
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

/// Whether each address of `inner` is one of `outer`.
pub(crate) fn holds(outer: Network, inner: Network) -> bool {
    outer.contains(inner.address()) && outer.prefix_length() <= inner.prefix_length()
}

/// `192.0.2.1`, `192.0.2.0/24`.
pub(crate) fn spelled(network: Network) -> String {
    Source(network).to_string()
}

impl From<Network> for Source {
    fn from(network: Network) -> Self {
        Self(network)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single_address() {
            self.address().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str, prefix_length: u8) -> Source {
        Source::new(address.parse().expect(address), prefix_length).expect("a network")
    }

    #[test]
    fn an_address_is_written_without_its_prefix() {
        assert_eq!(source("192.0.2.9", 32).to_string(), "192.0.2.9");
        assert_eq!(source("192.0.2.9", 24).to_string(), "192.0.2.0/24");
        assert_eq!(source("2001:db8::9", 128).to_string(), "2001:db8::9");
        assert_eq!(source("2001:db8::9", 64).to_string(), "2001:db8::/64");
    }

    #[test]
    fn mapped_addresses_are_their_ipv4_addresses_too() {
        let forms = |source: Source| source.forms().map(spelled).collect::<Vec<_>>();
        assert_eq!(forms(source("192.0.2.9", 24)), ["192.0.2.0/24"]);
        assert_eq!(forms(source("2001:db8::", 64)), ["2001:db8::/64"]);
        assert_eq!(
            forms(source("::ffff:192.0.2.9", 128)),
            ["::ffff:192.0.2.9", "192.0.2.9"]
        );
        assert_eq!(
            forms(source("::ffff:192.0.2.9", 120)),
            ["::ffff:192.0.2.0/120", "192.0.2.0/24"]
        );
        assert_eq!(
            forms(source("::ffff:192.0.2.9", 64)),
            ["::/64", "0.0.0.0/0"]
        );
    }
}
