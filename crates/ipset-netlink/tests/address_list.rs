//! Lists of addresses against a count of every single address of small universes.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipset_netlink::Family;
use ipset_netlink::address_list::{AddressList, ListReader};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Addresses of a universe.
const SIZE: usize = 64;

/// A network of 64 addresses: the first of all, the last of all, and one in between.
#[derive(Clone, Copy, Debug)]
enum Universe {
    V4(u32),
    V6(u128),
}

const UNIVERSES: [Universe; 6] = [
    Universe::V4(0),
    Universe::V4(0xc000_0200),
    Universe::V4(u32::MAX - 63),
    Universe::V6(0),
    Universe::V6(0x2001_0db8 << 96),
    Universe::V6(u128::MAX - 63),
];

impl Universe {
    fn address(self, at: usize) -> IpAddr {
        match self {
            Self::V4(base) => Ipv4Addr::from_bits(base + u32::try_from(at).unwrap()).into(),
            Self::V6(base) => Ipv6Addr::from_bits(base + at as u128).into(),
        }
    }

    fn family(self) -> Family {
        Family::of(self.address(0))
    }

    fn prefix(self, host_bits: u32) -> u32 {
        match self {
            Self::V4(_) => 32 - host_bits,
            Self::V6(_) => 128 - host_bits,
        }
    }
}

/// An entry of a list: which addresses it stands for, and how it is written.
#[derive(Clone, Copy, Debug)]
enum Item {
    Address(usize),
    Network { at: usize, host_bits: u32 },
    Range(usize, usize),
}

impl Item {
    fn covers(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Address(at) => at..=at,
            Self::Network { at, host_bits } => {
                let first = at >> host_bits << host_bits;
                first..=first + (1 << host_bits) - 1
            }
            Self::Range(first, last) => first.min(last)..=first.max(last),
        }
    }

    fn text(self, universe: Universe) -> String {
        match self {
            Self::Address(at) => universe.address(at).to_string(),
            Self::Network { at, host_bits } => {
                format!("{}/{}", universe.address(at), universe.prefix(host_bits))
            }
            Self::Range(..) => {
                let (first, last) = (*self.covers().start(), *self.covers().end());
                format!("{}-{}", universe.address(first), universe.address(last))
            }
        }
    }
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        (0..SIZE).prop_map(Item::Address),
        (0..SIZE, 0..=6_u32).prop_map(|(at, host_bits)| Item::Network { at, host_bits }),
        (0..SIZE, 0..SIZE).prop_map(|(a, b)| Item::Range(a, b)),
    ]
}

fn list(universe: Universe, items: &[Item]) -> (AddressList, [bool; SIZE]) {
    let mut reader = ListReader::new();
    let lines: Vec<String> = items.iter().map(|item| item.text(universe)).collect();
    let entries = reader.read(lines.join("\n").as_bytes()).unwrap();
    assert_eq!(entries, items.len() as u64);
    let mut members = [false; SIZE];
    for item in items {
        members[item.covers()].fill(true);
    }
    (reader.finish(), members)
}

/// The fewest networks that make up the members: one where all are in, else those of both halves.
fn fewest(members: &[bool]) -> usize {
    if members.iter().all(|member| *member) {
        return 1;
    }
    if members.iter().all(|member| !*member) {
        return 0;
    }
    let (low, high) = members.split_at(members.len() / 2);
    fewest(low) + fewest(high)
}

fn check(universe: Universe, list: &AddressList, members: &[bool; SIZE]) {
    let family = universe.family();
    let networks: Vec<_> = list.networks(family).collect();
    for (at, member) in members.iter().enumerate() {
        let address = universe.address(at);
        assert_eq!(list.contains(address), *member, "{address}");
        let holding = networks.iter().filter(|network| network.contains(address));
        assert_eq!(
            holding.count(),
            usize::from(*member),
            "{address}: {networks:?}"
        );
    }
    assert_eq!(networks.len(), fewest(members), "{networks:?}");
    assert_eq!(list.network_count(family), networks.len() as u64);
    let count = members.iter().filter(|member| **member).count();
    assert_eq!(list.address_count(family), count as u128);
    assert_eq!(list.is_empty(), count == 0);
    let addresses: Vec<IpAddr> = list.addresses(family).collect();
    let expected = (0..SIZE).filter(|at| members[*at]);
    let expected: Vec<IpAddr> = expected.map(|at| universe.address(at)).collect();
    assert_eq!(addresses, expected);
    let begins = |at: &usize| members[*at] && (*at == 0 || !members[*at - 1]);
    let begins: Vec<IpAddr> = (0..SIZE)
        .filter(begins)
        .map(|at| universe.address(at))
        .collect();
    let ranges: Vec<IpAddr> = list.ranges(family).map(|range| range.first()).collect();
    assert_eq!(ranges, begins);
    let other = match family {
        Family::Inet => Family::Inet6,
        _ => Family::Inet,
    };
    assert_eq!(list.networks(other).count(), 0);
    // The networks say the same.
    assert_eq!(AddressList::from_iter(networks), *list);
}

proptest! {
    #[test]
    fn lists_are_the_addresses_that_were_counted(
        universe in select(&UNIVERSES[..]),
        items in vec(item(), 0..12),
        others in vec(item(), 0..12),
    ) {
        let (one, members) = list(universe, &items);
        let (other, of_other) = list(universe, &others);
        check(universe, &one, &members);
        let both = |with: fn(bool, bool) -> bool| {
            std::array::from_fn(|at| with(members[at], of_other[at]))
        };
        check(universe, &one.without(&other), &both(|a, b| a && !b));
        check(universe, &one.common(&other), &both(|a, b| a && b));
    }

    /// Whatever stands in a file.
    #[test]
    fn any_bytes_are_read_or_told(text in vec(any::<u8>(), 0..200)) {
        let _ = ListReader::new().read(&text);
    }

    #[test]
    fn any_line_that_looks_like_one_is_read_or_told(text in "[0-9a-f.:/ #;\n-]{0,80}") {
        let mut reader = ListReader::new();
        let lines = text.lines().count() as u64;
        match reader.read(text.as_bytes()) {
            Ok(entries) => prop_assert!(entries <= lines),
            Err(wrong) => prop_assert!(wrong.count() <= lines),
        }
        let list = reader.finish();
        for family in [Family::Inet, Family::Inet6] {
            let networks = list.networks(family).take(1000);
            prop_assert!(networks.into_iter().all(|network| network.prefix_length() > 0));
        }
    }
}

#[test]
fn every_address_is_two_networks() {
    for (family, text) in [(Family::Inet, "0.0.0.0/0"), (Family::Inet6, "::/0")] {
        let mut reader = ListReader::new();
        reader.read(text.as_bytes()).unwrap();
        let list = reader.finish();
        let lengths: Vec<u8> = list
            .networks(family)
            .map(|one| one.prefix_length())
            .collect();
        assert_eq!(lengths, [1, 1]);
        assert!(list.without(&list).is_empty());
    }
    let all = AddressList::from_iter(["::/1", "8000::/1"].map(|text| {
        let (address, _) = text.split_once('/').unwrap();
        ipset_netlink::Network::new(address.parse().unwrap(), 1).unwrap()
    }));
    assert_eq!(all.address_count(Family::Inet6), u128::MAX);
}
