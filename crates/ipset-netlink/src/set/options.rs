//! The options that a set is created with.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::{AddressRange, Network, Timeout};

/// What a set is created with besides its type. Sets of the kinds `hash`, `bitmap` and `list` have
/// some of it each; what a type does not have is refused when the set is created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options of a set are on or off, in any mixture"
)]
pub struct SetOptions {
    /// Entries can have a timeout, and this is the default of those that say none.
    pub timeout: Option<Timeout>,
    /// How many entries a hash can hold (`maxelem`); `None` when creating is the kernel's default,
    /// 65536.
    pub max_elements: Option<u32>,
    /// How many buckets a hash has, or starts with (`hashsize`); `None` when creating is 1024.
    pub hash_size: Option<u32>,
    /// How many entries a bucket of a hash can hold before the hash grows (`bucketsize`, Linux
    /// 5.12).
    pub bucket_size: Option<u8>,
    /// The seed of the hash function (`initval`, Linux 5.12), which is random unless given.
    pub initial_value: Option<u32>,
    /// Only the first so many bits of an address count.
    pub netmask: Option<u8>,
    /// Only these bits of an address count, which need not be the first (Linux 6.3).
    pub bitmask: Option<IpAddr>,
    /// Only these bits of a packet mark count.
    pub mark_mask: Option<u32>,
    /// What a bitmap can hold.
    pub range: Option<BitmapRange>,
    /// How many sets a list can hold; `None` when creating is 8. Newer kernels have no such limit.
    pub size: Option<u32>,
    /// Entries count the packets and bytes they match.
    pub counters: bool,
    /// Entries can have a comment.
    pub comments: bool,
    /// A new entry takes the place of another when the set is full.
    pub forceadd: bool,
    /// Entries carry values for the packets they match (`skbinfo`).
    pub skbinfo: bool,
}

/// What a bitmap can hold: at most 65536 addresses, networks or ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BitmapRange {
    /// IPv4 addresses.
    Addresses(AddressRange),
    /// Ports, the first and the last.
    Ports(u16, u16),
}

/// As `ipset` writes it: `192.0.2.0-192.0.2.255`, `0-1023`.
impl fmt::Display for BitmapRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(range) => range.fmt(f),
            Self::Ports(first, last) => write!(f, "{first}-{last}"),
        }
    }
}

impl From<AddressRange> for BitmapRange {
    fn from(range: AddressRange) -> Self {
        Self::Addresses(range)
    }
}

impl From<Network> for BitmapRange {
    fn from(network: Network) -> Self {
        Self::Addresses(network.into())
    }
}

impl From<RangeInclusive<u16>> for BitmapRange {
    fn from(ports: RangeInclusive<u16>) -> Self {
        Self::Ports(*ports.start(), *ports.end())
    }
}
