//! A set that is to be created.

use std::net::IpAddr;

use super::{BitmapRange, SetOptions};
use crate::{Family, SetHeader, SetName, SetType, Timeout};

/// A set to be created, see [`IpSet::create`](crate::IpSet::create).
///
/// ```
/// use ipset_netlink::{CreateSet, Family, SetType, Timeout};
///
/// // ipset create blacklist hash:net family inet6 timeout 0 maxelem 1048576 comment
/// let create = CreateSet::new("blacklist".parse()?, SetType::HashNet, Family::Inet6)
///     .timeout(Timeout::PERMANENT)
///     .max_elements(1_048_576)
///     .comments();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreateSet {
    /// The name.
    pub name: SetName,
    /// The type.
    pub set_type: SetType,
    /// The family of all its addresses.
    pub family: Family,
    /// The rest.
    pub options: SetOptions,
}

impl CreateSet {
    /// The most buckets that [`IpSet::replace_all`](crate::IpSet::replace_all) has a hash start
    /// with, 2^24, and a good limit for programs that choose a number by themselves. The kernel
    /// takes 8 bytes for each at once, and grows the hash as entries come.
    pub const MAX_HASH_SIZE: u32 = 1 << 24;

    /// A set without any option: no timeouts, counters or comments, and the kernel's default sizes.
    ///
    /// Where entries have no address, as in a `list:set`, the family does not matter.
    pub fn new(name: SetName, set_type: SetType, family: Family) -> Self {
        Self {
            name,
            set_type,
            family,
            options: SetOptions::default(),
        }
    }

    /// Entries can have a timeout, and those that are added without one get `default`.
    pub fn timeout(mut self, default: Timeout) -> Self {
        self.options.timeout = Some(default);
        self
    }

    /// At most so many entries of a hash (`maxelem`). A hash that has grown may take a few per
    /// mille more.
    pub fn max_elements(mut self, n: u32) -> Self {
        self.options.max_elements = Some(n);
        self
    }

    /// How many buckets a hash starts with (`hashsize`), rounded up to a power of two. About half
    /// the number of entries to come makes adding them fastest. The kernel takes the memory at
    /// once, 8 bytes for each, and refuses what it has none for ([`Error::kernel_code`] 12,
    /// `ENOMEM`); see [`CreateSet::MAX_HASH_SIZE`].
    ///
    /// [`Error::kernel_code`]: crate::Error::kernel_code
    pub fn hash_size(mut self, buckets: u32) -> Self {
        self.options.hash_size = Some(buckets);
        self
    }

    /// How many entries a bucket of a hash can hold before the hash grows (`bucketsize`); even, 2
    /// to 12.
    pub fn bucket_size(mut self, entries: u8) -> Self {
        self.options.bucket_size = Some(entries);
        self
    }

    /// The seed of the hash function (`initval`). One that an attacker can guess lets him choose
    /// entries that make the set slow.
    pub fn initial_value(mut self, seed: u32) -> Self {
        self.options.initial_value = Some(seed);
        self
    }

    /// Only the first `prefix_length` bits of an address count, 1 to 32 or 128. For `bitmap:ip`,
    /// `hash:ip`, and on newer kernels for `hash:ip,port` and `hash:net,net`.
    pub fn netmask(mut self, prefix_length: u8) -> Self {
        self.options.netmask = Some(prefix_length);
        self
    }

    /// Only the bits of an address that are set in `mask` count (Linux 6.3). For `hash:ip`,
    /// `hash:ip,port` and `hash:net,net`; not together with a netmask.
    pub fn bitmask(mut self, mask: IpAddr) -> Self {
        self.options.bitmask = Some(mask);
        self
    }

    /// Only the bits of a packet mark that are set in `mask` count, in a `hash:ip,mark`.
    pub fn mark_mask(mut self, mask: u32) -> Self {
        self.options.mark_mask = Some(mask);
        self
    }

    /// What a bitmap can hold, which every bitmap must be told: a [`Network`](crate::Network) or
    /// [`AddressRange`](crate::AddressRange) of IPv4, or a range of ports such as `0..=1023`.
    pub fn range(mut self, range: impl Into<BitmapRange>) -> Self {
        self.options.range = Some(range.into());
        self
    }

    /// At most so many sets in a `list:set`.
    pub fn size(mut self, sets: u32) -> Self {
        self.options.size = Some(sets);
        self
    }

    /// Entries count the packets and bytes they match.
    pub fn counters(mut self) -> Self {
        self.options.counters = true;
        self
    }

    /// Entries can have a comment.
    pub fn comments(mut self) -> Self {
        self.options.comments = true;
        self
    }

    /// A new entry takes the place of another when the hash is full.
    pub fn forceadd(mut self) -> Self {
        self.options.forceadd = true;
        self
    }

    /// Entries can carry values for the packets they match, see [`SkbInfo`](crate::SkbInfo).
    pub fn skbinfo(mut self) -> Self {
        self.options.skbinfo = true;
        self
    }
}

/// What it takes to make the same set again.
impl From<&SetHeader> for CreateSet {
    fn from(header: &SetHeader) -> Self {
        Self {
            name: header.name.clone(),
            set_type: header.set_type.clone(),
            family: header.family,
            options: header.options.clone(),
        }
    }
}
