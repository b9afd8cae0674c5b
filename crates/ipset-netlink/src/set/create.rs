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
    /// Entries can have a timeout, and this is the default of those that say none.
    pub timeout: Option<Timeout>,
    /// How many entries fit; `None` is the kernel's default, 65536.
    pub max_elements: Option<u32>,
    /// How many buckets the hash starts with; `None` is the kernel's default, 1024.
    pub hash_size: Option<u32>,
    /// Only the first so many bits of an address count (`hash:ip` only).
    pub netmask: Option<u8>,
    /// Entries count the packets and bytes they match.
    pub counters: bool,
    /// Entries can have a comment.
    pub comments: bool,
}

impl CreateSet {
    /// The most buckets a hash may be asked to start with, 2^24. The kernel would go on to 2^27
    /// and take a gibibyte for it at once; it grows the hash by itself as entries come.
    pub const MAX_HASH_SIZE: u32 = 1 << 24;

    /// A set without any option: no timeouts, counters or comments, and the kernel's default sizes.
    pub fn new(name: SetName, set_type: SetType, family: Family) -> Self {
        Self {
            name,
            set_type,
            family,
            timeout: None,
            max_elements: None,
            hash_size: None,
            netmask: None,
            counters: false,
            comments: false,
        }
    }

    /// Entries can have a timeout, and those that are added without one get `default`.
    pub fn timeout(self, default: Timeout) -> Self {
        Self {
            timeout: Some(default),
            ..self
        }
    }

    /// At most so many entries (`maxelem`). A hash that has grown may take a few per mille more.
    pub fn max_elements(self, n: u32) -> Self {
        Self {
            max_elements: Some(n),
            ..self
        }
    }

    /// How many buckets the hash starts with (`hashsize`), rounded up to a power of two, at most
    /// [`CreateSet::MAX_HASH_SIZE`]. About half the number of entries to come makes adding them
    /// fastest.
    pub fn hash_size(self, buckets: u32) -> Self {
        Self {
            hash_size: Some(buckets),
            ..self
        }
    }

    /// Only the first `prefix_length` bits of an address count. `hash:ip` only; 1 to 32 or 128.
    pub fn netmask(self, prefix_length: u8) -> Self {
        Self {
            netmask: Some(prefix_length),
            ..self
        }
    }

    /// Entries count the packets and bytes they match.
    pub fn counters(self) -> Self {
        Self {
            counters: true,
            ..self
        }
    }

    /// Entries can have a comment.
    pub fn comments(self) -> Self {
        Self {
            comments: true,
            ..self
        }
    }
}

/// What it takes to make the same set again.
impl From<&SetHeader> for CreateSet {
    fn from(header: &SetHeader) -> Self {
        Self {
            name: header.name.clone(),
            set_type: header.set_type.clone(),
            family: header.family,
            timeout: header.timeout,
            max_elements: header.max_elements,
            hash_size: header.hash_size,
            netmask: header.netmask,
            counters: header.counters,
            comments: header.comments,
        }
    }
}
