//! Sources that a rule does not count.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::prefix::range;

/// Networks as their first and last addresses, in order and apart from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Excepted {
    ranges: Vec<(IpAddr, IpAddr)>,
}

impl Excepted {
    pub(super) fn extend(&mut self, networks: impl IntoIterator<Item = (IpAddr, u8)>) {
        let networks = networks.into_iter();
        self.ranges
            .extend(networks.map(|(address, length)| range(address, length)));
        // Of two networks that share an address, one holds the other.
        self.ranges
            .sort_unstable_by_key(|(first, last)| (*first, Reverse(*last)));
        self.ranges
            .dedup_by(|(_, last), (_, widest)| *last <= *widest);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let behind = self.ranges.partition_point(|(first, _)| *first <= address);
        let before = behind
            .checked_sub(1)
            .and_then(|place| self.ranges.get(place));
        before.is_some_and(|(_, last)| address <= *last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network() -> impl Strategy<Value = (IpAddr, u8)> {
        let v4 = (0_u32..64, 26_u8..=33);
        let v6 = (0_u128..64, 122_u8..=129);
        prop_oneof![
            v4.prop_map(|(bits, length)| (IpAddr::V4(bits.into()), length)),
            v6.prop_map(|(bits, length)| (IpAddr::V6(bits.into()), length)),
            Just((IpAddr::V4(255.into()), 0)),
        ]
    }

    proptest! {
        #[test]
        fn what_is_in_any_of_the_networks(
            once in prop::collection::vec(network(), 0..6),
            more in prop::collection::vec(network(), 0..3),
        ) {
            let mut excepted = Excepted::default();
            excepted.extend(once.iter().copied());
            excepted.extend(more.iter().copied());
            prop_assert_eq!(excepted.is_empty(), once.is_empty() && more.is_empty());
            let all = || once.iter().chain(&more);
            for bits in 0_u32..64 {
                let v4 = all().any(|(network, length)| match network {
                    IpAddr::V4(network) => (network.to_bits() ^ bits).leading_zeros() >= u32::from(*length).min(32),
                    IpAddr::V6(_) => false,
                });
                prop_assert_eq!(excepted.has(IpAddr::V4(bits.into())), v4);
                let bits = u128::from(bits);
                let v6 = all().any(|(network, length)| match network {
                    IpAddr::V6(network) => (network.to_bits() ^ bits).leading_zeros() >= u32::from(*length).min(128),
                    IpAddr::V4(_) => false,
                });
                prop_assert_eq!(excepted.has(IpAddr::V6(bits.into())), v6);
            }
        }
    }
}
