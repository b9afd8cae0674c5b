//! Who a rule counts: an address, or a network where the rule aggregates.

use std::fmt;
use std::net::IpAddr;

use ban_sets::network::{is_single_address, mapped, mapping};
use ban_sets::{Network, NetworkError};
use serde::{Serialize, Serializer};

/// An address, or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source(Network);

impl Source {
    pub(crate) fn new(address: IpAddr, prefix_length: u8) -> Result<Self, NetworkError> {
        Network::new(address, prefix_length).map(Self)
    }

    /// The first address.
    pub(crate) fn address(self) -> IpAddr {
        self.0.address()
    }

    pub(crate) fn network(self) -> Network {
        self.0
    }

    pub(crate) fn is_single_address(self) -> bool {
        is_single_address(self.0)
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
    use ban_sets::network::spelled;

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
