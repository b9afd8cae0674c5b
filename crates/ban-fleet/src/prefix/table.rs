//! Prefixes that are asked which of them are around one, and which in it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Prefix, first};

/// Values by prefix. What is asked takes a look for each prefix length that there is, and not for
/// each prefix. An address of IPv4 and the same mapped into IPv6 are one.
#[derive(Clone, Debug)]
pub struct PrefixTable<V> {
    values: BTreeMap<(u128, u8), (Prefix, V)>,
    lengths: BTreeSet<u8>,
}

impl<V> Default for PrefixTable<V> {
    fn default() -> Self {
        Self {
            values: BTreeMap::new(),
            lengths: BTreeSet::new(),
        }
    }
}

impl<V> PrefixTable<V> {
    /// The value of exactly this prefix; what `default` makes where there is none.
    pub fn entry(&mut self, prefix: Prefix, default: impl FnOnce() -> V) -> &mut V {
        let key = prefix.mapped();
        self.lengths.insert(key.1);
        let entry = self.values.entry(key);
        &mut entry.or_insert_with(|| (prefix, default())).1
    }

    /// The prefixes around this one, itself included, the widest first.
    pub fn around(&self, prefix: Prefix) -> impl Iterator<Item = (Prefix, &V)> {
        let (address, length) = prefix.mapped();
        let lengths = self.lengths.range(..=length);
        let around =
            lengths.filter_map(move |length| self.values.get(&(first(address, *length), *length)));
        around.map(|(prefix, value)| (*prefix, value))
    }

    /// The prefixes in this one, itself included, by address.
    pub fn within(&self, prefix: Prefix) -> impl Iterator<Item = (Prefix, &V)> {
        let (address, length) = prefix.mapped();
        let last = address | u128::MAX.checked_shr(length.into()).unwrap_or(0);
        let within = self.values.range((address, length)..=(last, u8::MAX));
        within.map(|(_, (prefix, value))| (*prefix, value))
    }

    /// Whether an address is in this prefix and in one of the table; one such.
    pub fn overlapping(&self, prefix: Prefix) -> Option<(Prefix, &V)> {
        self.around(prefix)
            .next()
            .or_else(|| self.within(prefix).next())
    }
}

impl FromIterator<Prefix> for PrefixTable<()> {
    fn from_iter<I: IntoIterator<Item = Prefix>>(prefixes: I) -> Self {
        let mut table = Self::default();
        for prefix in prefixes {
            table.entry(prefix, || ());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefix() -> impl Strategy<Value = Prefix> {
        let v4 = (0_u32..64, 26_u8..=32)
            .prop_map(|(bits, length)| (std::net::Ipv4Addr::from_bits(bits).into(), length));
        let mapped = (0_u128..64, 90_u8..=128).prop_map(|(bits, length)| {
            (
                std::net::Ipv6Addr::from_bits(0xffff_0000_0000 | bits).into(),
                length,
            )
        });
        prop_oneof![v4, mapped]
            .prop_map(|(address, length)| Prefix::new(address, length).expect("a prefix"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_finds_what_asking_each_would(prefixes in prop::collection::vec(prefix(), 0..12), asked in prefix()) {
            let table: PrefixTable<()> = prefixes.iter().copied().collect();
            let overlaps = prefixes.iter().any(|prefix| prefix.overlaps(asked));
            prop_assert_eq!(table.overlapping(asked).is_some(), overlaps);
            for (found, ()) in table.around(asked).chain(table.within(asked)) {
                prop_assert!(found.overlaps(asked));
            }
            let covered = prefixes.iter().any(|prefix| prefix.covers(asked));
            prop_assert_eq!(table.around(asked).any(|(prefix, ())| prefix.covers(asked)), covered);
        }
    }
}
