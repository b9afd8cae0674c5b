//! Sources that a rule does not count.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::prefix::{hosts_v4, hosts_v6};

/// Ranges of addresses, first and last, in order and apart from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Excepted {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Excepted {
    pub(super) fn extend(&mut self, networks: impl IntoIterator<Item = (IpAddr, u8)>) {
        for (address, length) in networks {
            match address {
                IpAddr::V4(address) => {
                    let (bits, hosts) = (address.to_bits(), hosts_v4(length));
                    self.v4.push((bits & !hosts, bits | hosts));
                }
                IpAddr::V6(address) => {
                    let (bits, hosts) = (address.to_bits(), hosts_v6(length));
                    self.v6.push((bits & !hosts, bits | hosts));
                }
            }
        }
        merge(&mut self.v4);
        merge(&mut self.v6);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.has_v4(address.to_bits()),
            IpAddr::V6(address) => self.has_v6(address.to_bits()),
        }
    }

    pub(crate) fn has_v4(&self, address: u32) -> bool {
        has(&self.v4, address)
    }

    pub(crate) fn has_v6(&self, address: u128) -> bool {
        has(&self.v6, address)
    }
}

/// Of two networks that share an address, one holds the other.
fn merge<T: Ord + Copy>(ranges: &mut Vec<(T, T)>) {
    ranges.sort_unstable_by_key(|(first, last)| (*first, Reverse(*last)));
    ranges.dedup_by(|(_, last), (_, widest)| *last <= *widest);
}

fn has<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
    let behind = ranges.partition_point(|(first, _)| *first <= address);
    let before = behind.checked_sub(1).and_then(|place| ranges.get(place));
    before.is_some_and(|(_, last)| address <= *last)
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
