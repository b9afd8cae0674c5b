//! A map from networks that is asked what belongs to a network and to those around it.

use std::collections::{BTreeSet, HashMap};

use ipset_netlink::{Entry, Network};

/// A value for each of many networks: what belongs to `192.0.2.0/24` is found for `192.0.2.7`, too.
#[derive(Debug)]
pub(crate) struct PrefixMap<T> {
    by_network: HashMap<Network, T>,
    prefix_lengths: BTreeSet<u8>,
}

impl<T> Default for PrefixMap<T> {
    fn default() -> Self {
        Self {
            by_network: HashMap::new(),
            prefix_lengths: BTreeSet::new(),
        }
    }
}

impl<T> PrefixMap<T> {
    /// What belongs to `network`.
    pub(crate) fn entry(
        &mut self,
        network: Network,
    ) -> std::collections::hash_map::Entry<'_, Network, T> {
        self.prefix_lengths.insert(network.prefix_length());
        self.by_network.entry(network)
    }

    /// What belongs to `network`, where anything does.
    pub(crate) fn get(&self, network: Network) -> Option<&T> {
        self.by_network.get(&network)
    }

    /// Every network with what belongs to it, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Network, &T)> {
        self.by_network.iter()
    }

    /// Takes out what belongs to `network`.
    pub(crate) fn remove(&mut self, network: Network) -> Option<T> {
        self.by_network.remove(&network)
    }

    /// What belongs to `network` itself and to the networks around it, the longest prefix first:
    /// the order in which the kernel looks.
    pub(crate) fn covering(&self, network: Network) -> impl Iterator<Item = &T> {
        self.prefix_lengths
            .range(..=network.prefix_length())
            .rev()
            .filter_map(move |length| {
                let around = Network::new(network.address(), *length).ok()?;
                self.by_network.get(&around)
            })
    }
}

/// What is in a set.
pub(crate) type Members = PrefixMap<Entry>;

impl FromIterator<Entry> for Members {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut members = Self::default();
        for entry in entries {
            if let Some(network) = entry.key.as_network() {
                members.entry(network).insert_entry(entry);
            }
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covering(entries: &[&str], network: &str) -> Vec<String> {
        let entry = |text: &&str| Entry::new(text.parse().expect(text));
        let members: Members = entries.iter().map(entry).collect();
        let network = entry(&network).key.as_network().expect(network);
        members
            .covering(network)
            .map(|entry| entry.key.to_string())
            .collect()
    }

    #[test]
    fn the_longest_prefix_comes_first() {
        let entries = [
            "192.0.2.0/24",
            "192.0.2.128/25",
            "192.0.2.129",
            "10.0.0.0/8",
        ];
        let covering = |network| covering(&entries, network);
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
}
