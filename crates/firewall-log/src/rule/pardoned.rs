//! Sources of which a rule counts only what came after an instant.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::prefix::range;

/// Networks, each with an instant in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pardoned {
    /// By prefix length and first address.
    instants: BTreeMap<(u8, IpAddr), i64>,
    /// Each prefix length that there is.
    lengths: Vec<u8>,
}

impl Pardoned {
    /// Of two instants for one network the later goes.
    pub(super) fn extend(&mut self, networks: impl IntoIterator<Item = (IpAddr, u8, i64)>) {
        for (address, length, until) in networks {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let length = length.min(bits);
            let network = (length, range(address, length).0);
            let instant = self.instants.entry(network).or_insert(until);
            *instant = until.max(*instant);
            if let Err(place) = self.lengths.binary_search(&length) {
                self.lengths.insert(place, length);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Whether what came from an address at an instant, in microseconds, counts no more.
    pub(crate) fn has(&self, address: IpAddr, at: i64) -> bool {
        self.lengths.iter().any(|length| {
            let network = (*length, range(address, *length).0);
            self.instants
                .get(&network)
                .is_some_and(|until| at <= *until)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_instant_of_all_networks_around_goes() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut pardoned = Pardoned::default();
        assert!(pardoned.is_empty() && !pardoned.has(ip("192.0.2.1"), i64::MIN));
        pardoned.extend([
            (ip("192.0.2.77"), 24, 100),
            (ip("192.0.2.7"), 32, 50),
            (ip("192.0.2.0"), 24, 90),
            (ip("192.0.2.9"), 200, 200),
            (ip("2001:db8::"), 64, 300),
        ]);
        for (address, until) in [
            ("192.0.2.1", 100),
            ("192.0.2.7", 100),
            ("192.0.2.9", 200),
            ("2001:db8::ffff", 300),
        ] {
            assert!(pardoned.has(ip(address), until), "{address}");
            assert!(!pardoned.has(ip(address), until + 1), "{address}");
        }
        for address in ["192.0.3.1", "2001:db8:0:1::1", "::ffff:192.0.2.1"] {
            assert!(!pardoned.has(ip(address), 0), "{address}");
        }
    }
}
