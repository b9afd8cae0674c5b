//! A map from networks that is asked what belongs to a network, to those around it and in it.

use std::collections::{BTreeMap, BTreeSet};

use ipset_netlink::Network;

use crate::network::holds;

/// A value for each of many networks: what belongs to `192.0.2.0/24` is found for `192.0.2.7`, too.
#[derive(Clone, Debug)]
pub struct PrefixMap<T> {
    by_network: BTreeMap<Network, T>,
    prefix_lengths: BTreeSet<u8>,
}

impl<T> Default for PrefixMap<T> {
    fn default() -> Self {
        Self {
            by_network: BTreeMap::new(),
            prefix_lengths: BTreeSet::new(),
        }
    }
}

impl<T> PrefixMap<T> {
    /// What belongs to `network` from now on; what did before.
    pub fn insert(&mut self, network: Network, value: T) -> Option<T> {
        self.prefix_lengths.insert(network.prefix_length());
        self.by_network.insert(network, value)
    }

    /// What belongs to `network`, at first the default.
    pub fn or_default(&mut self, network: Network) -> &mut T
    where
        T: Default,
    {
        self.prefix_lengths.insert(network.prefix_length());
        self.by_network.entry(network).or_default()
    }

    /// What belongs to `network` itself, where anything does.
    pub fn get(&self, network: Network) -> Option<&T> {
        self.by_network.get(&network)
    }

    /// Every network with what belongs to it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Network, &T)> {
        self.by_network
            .iter()
            .map(|(network, value)| (*network, value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_network.is_empty()
    }

    /// How many networks there are.
    pub fn len(&self) -> usize {
        self.by_network.len()
    }

    /// Takes out what belongs to `network`.
    pub fn remove(&mut self, network: Network) -> Option<T> {
        self.by_network.remove(&network)
    }

    /// What belongs to `network` itself and to the networks around it, the longest prefix first:
    /// the order in which the kernel looks.
    pub fn covering(&self, network: Network) -> impl Iterator<Item = &T> {
        let lengths = self.prefix_lengths.range(..=network.prefix_length()).rev();
        lengths.filter_map(move |length| {
            let around = Network::new(network.address(), *length).ok()?;
            self.by_network.get(&around)
        })
    }

    /// `network` itself and those in it, in order, with what belongs to each.
    pub fn within(&self, network: Network) -> impl Iterator<Item = (Network, &T)> {
        // A network comes before those in it.
        let behind = self.by_network.range(network..);
        let behind = behind.map(|(network, value)| (*network, value));
        behind.take_while(move |(inner, _)| holds(network, *inner))
    }
}

impl<T> FromIterator<(Network, T)> for PrefixMap<T> {
    fn from_iter<I: IntoIterator<Item = (Network, T)>>(values: I) -> Self {
        let mut map = Self::default();
        for (network, value) in values {
            map.insert(network, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{parse, spelled};

    fn map(networks: &[&str]) -> PrefixMap<Network> {
        let networks = networks.iter().map(|text| parse(text).expect(text));
        networks.map(|network| (network, network)).collect()
    }

    #[test]
    fn the_longest_prefix_comes_first() {
        let map = map(&[
            "192.0.2.0/24",
            "192.0.2.128/25",
            "192.0.2.129",
            "10.0.0.0/8",
        ]);
        let covering = |text| {
            let around = map.covering(parse(text).expect(text));
            around.copied().map(spelled).collect::<Vec<_>>()
        };
        assert_eq!(covering("192.0.2.1"), ["192.0.2.0/24"]);
        assert_eq!(covering("192.0.2.128"), ["192.0.2.128/25", "192.0.2.0/24"]);
        assert_eq!(
            covering("192.0.2.129"),
            ["192.0.2.129", "192.0.2.128/25", "192.0.2.0/24"]
        );
        assert_eq!(covering("10.255.0.1"), ["10.0.0.0/8"]);
        assert_eq!(covering("10.0.0.0/8"), ["10.0.0.0/8"]);
        assert!(covering("192.0.3.0").is_empty());
        assert!(covering("192.0.0.0/16").is_empty());
        assert!(covering("2001:db8::1").is_empty());
    }

    #[test]
    fn what_is_in_a_network() {
        let map = map(&[
            "192.0.2.0/24",
            "192.0.2.0",
            "192.0.2.128/25",
            "192.0.2.129",
            "192.0.3.0",
            "192.0.0.0/16",
            "2001:db8::1",
        ]);
        let within = |text| {
            let within = map.within(parse(text).expect(text));
            let told = within.map(|(network, _)| spelled(network));
            told.collect::<Vec<_>>().join(" ")
        };
        let of_24 = "192.0.2.0/24 192.0.2.0 192.0.2.128/25 192.0.2.129";
        assert_eq!(within("192.0.2.0/24"), of_24);
        assert_eq!(within("192.0.2.0/25"), "192.0.2.0");
        assert_eq!(within("192.0.2.128/26"), "192.0.2.129");
        assert_eq!(
            within("192.0.0.0/16"),
            format!("192.0.0.0/16 {of_24} 192.0.3.0")
        );
        assert_eq!(within("::/0"), "2001:db8::1");
        assert_eq!(within("10.0.0.0/8"), "");
    }
}
