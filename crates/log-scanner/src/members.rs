//! What is in a set already.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use ipset_netlink::{Entry, Network};

/// The entries of a set, to be asked about an address.
#[derive(Debug, Default)]
pub(crate) struct Members {
    by_network: HashMap<Network, Entry>,
    prefix_lengths: BTreeSet<u8>,
}

impl Members {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        let mut members = Self::default();
        for entry in entries {
            if let Some(network) = entry.key.as_network() {
                members.prefix_lengths.insert(network.prefix_length());
                members.by_network.insert(network, entry);
            }
        }
        members
    }

    /// The entry that decides about `address`, as the kernel sees it: the one with the longest prefix.
    pub(crate) fn covering(&self, address: IpAddr) -> Option<&Entry> {
        self.prefix_lengths.iter().rev().find_map(|length| {
            let network = Network::new(address, *length).ok()?;
            self.by_network.get(&network)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covering(entries: &[&str], address: &str) -> Option<String> {
        let entry = |text: &&str| Entry::new(text.parse().expect(text));
        let members = Members::new(entries.iter().map(entry).collect());
        let entry = members.covering(address.parse().expect(address))?;
        Some(entry.key.to_string())
    }

    #[test]
    fn the_longest_prefix_decides() {
        let entries = [
            "192.0.2.0/24",
            "192.0.2.128/25",
            "192.0.2.129",
            "10.0.0.0/8",
        ];
        let covering = |address| covering(&entries, address);
        assert_eq!(covering("192.0.2.1").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(covering("192.0.2.128").as_deref(), Some("192.0.2.128/25"));
        assert_eq!(covering("192.0.2.129").as_deref(), Some("192.0.2.129"));
        assert_eq!(covering("10.255.0.1").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(covering("192.0.3.0"), None);
        assert_eq!(covering("2001:db8::1"), None);
    }
}
