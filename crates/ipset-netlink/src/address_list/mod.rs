//! Lists of addresses, from the files that people keep and exchange to the networks of a set.
//!
//! An [`AddressList`] is a set of addresses of both families, whatever networks and ranges it was
//! made of. It is taken apart into the fewest [networks](AddressList::networks) that make it up,
//! which is what a `hash:net` is given; what is not to be in it is [cut out](AddressList::without)
//! exactly, by splitting the networks around it.
//!
//! ```
//! use ipset_netlink::address_list::{AddressList, ListReader};
//! use ipset_netlink::testing::FakeKernel;
//! use ipset_netlink::{CreateSet, Entry, Family, IfExists, IpSet, Key, Network, SetType};
//!
//! let mut reader = ListReader::new();
//! let entries = reader.read(b"203.0.113.0/25\n203.0.113.128/25 # the other half\n")?;
//! assert_eq!(entries, 2);
//! let own = AddressList::from_iter([Network::new("203.0.113.4".parse()?, 32)?]);
//! let list = reader.finish().without(&own);
//! assert!(!list.contains("203.0.113.4".parse()?) && list.contains("203.0.113.5".parse()?));
//! assert_eq!(list.networks(Family::Inet).count(), 8);
//!
//! let mut sets = IpSet::with_transport(FakeKernel::new())?; // or IpSet::connect()
//! let set = CreateSet::new("blocked".parse()?, SetType::HashNet, Family::Inet);
//! sets.create(&set, IfExists::Fail)?;
//! let entries = list.networks(Family::Inet).map(|network| Entry::new(Key::from(network)));
//! assert_eq!(sets.replace_all(&set.name, entries)?.entries, 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod number;
mod ranges;
mod read;

use std::net::IpAddr;

use self::number::Number;
use self::ranges::{Range, Ranges};
pub use self::read::{BadLine, BadLines, ListReader};
use crate::{AddressRange, Family, Network};

/// A set of addresses of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressList {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl AddressList {
    /// Whether there is no address in it.
    pub fn is_empty(&self) -> bool {
        self.v4.as_slice().is_empty() && self.v6.as_slice().is_empty()
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.v4.contains(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.contains(v6.to_bits()),
        }
    }

    /// Its addresses that are not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self {
            v4: self.v4.without(&other.v4),
            v6: self.v6.without(&other.v6),
        }
    }

    /// Its addresses that are in `other`, too.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self {
            v4: self.v4.common(&other.v4),
            v6: self.v6.common(&other.v6),
        }
    }

    /// Its addresses of a family; of any but IPv4 and IPv6 there are none.
    #[must_use]
    pub fn of_family(&self, family: Family) -> Self {
        let mut of_family = Self::default();
        match family {
            Family::Inet => of_family.v4 = self.v4.clone(),
            Family::Inet6 => of_family.v6 = self.v6.clone(),
            _ => {}
        }
        of_family
    }

    /// How many addresses of a family it has; `u128::MAX` stands for more, too.
    pub fn address_count(&self, family: Family) -> u128 {
        match family {
            Family::Inet => self.v4.count(),
            Family::Inet6 => self.v6.count(),
            _ => 0,
        }
    }

    /// The fewest networks of a family that make it up, in order. Every address of a family is two
    /// of them, because no set takes a prefix of 0 bits.
    pub fn networks(&self, family: Family) -> impl Iterator<Item = Network> + Clone + use<'_> {
        let v4 = (family == Family::Inet).then(|| self.v4.networks());
        let v6 = (family == Family::Inet6).then(|| self.v6.networks());
        let v4 = v4.into_iter().flatten().filter_map(network);
        v4.chain(v6.into_iter().flatten().filter_map(network))
    }

    /// How many networks of a family make it up, as [`networks`](Self::networks) gives them.
    pub fn network_count(&self, family: Family) -> u64 {
        let count = match family {
            Family::Inet => self.v4.networks().count(),
            Family::Inet6 => self.v6.networks().count(),
            _ => 0,
        };
        count as u64
    }

    /// Its addresses of a family, one by one in order.
    pub fn addresses(&self, family: Family) -> impl Iterator<Item = IpAddr> + Clone + use<'_> {
        self.ranges(family)
            .flat_map(|range| Addresses(Some((range.first(), range.last()))))
    }

    /// Its ranges of a family, in order; between each two of them is an address that is not in it.
    pub fn ranges(&self, family: Family) -> impl Iterator<Item = AddressRange> + Clone + use<'_> {
        let v4: &[_] = match family {
            Family::Inet => self.v4.as_slice(),
            _ => &[],
        };
        let v6: &[_] = match family {
            Family::Inet6 => self.v6.as_slice(),
            _ => &[],
        };
        let v4 = v4.iter().filter_map(range);
        v4.chain(v6.iter().filter_map(range))
    }
}

/// From the one to the other, which is not before it.
#[derive(Clone)]
struct Addresses(Option<(IpAddr, IpAddr)>);

impl Iterator for Addresses {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        let (first, last) = self.0.take()?;
        if first < last {
            let after = match first {
                IpAddr::V4(v4) => v4.to_bits().next().map(Number::address),
                IpAddr::V6(v6) => v6.to_bits().next().map(Number::address),
            };
            self.0 = after.map(|after| (after, last));
        }
        Some(first)
    }
}

fn network<N: Number>((first, host_bits): (N, u8)) -> Option<Network> {
    Network::new(first.address(), N::BITS - host_bits).ok()
}

fn range<N: Number>(range: &Range<N>) -> Option<AddressRange> {
    AddressRange::new(range.first.address(), range.last.address()).ok()
}

/// Of addresses, networks and ranges, in any order and however they overlap.
impl<R: Into<AddressRange>> FromIterator<R> for AddressList {
    fn from_iter<I: IntoIterator<Item = R>>(ranges: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in ranges {
            let range = range.into();
            match (range.first(), range.last()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => v4.push(Range {
                    first: first.to_bits(),
                    last: last.to_bits(),
                }),
                (IpAddr::V6(first), IpAddr::V6(last)) => v6.push(Range {
                    first: first.to_bits(),
                    last: last.to_bits(),
                }),
                // No range is of both families.
                _ => {}
            }
        }
        Self {
            v4: Ranges::merged(v4),
            v6: Ranges::merged(v6),
        }
    }
}
