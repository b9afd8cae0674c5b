use std::fmt;
use std::net::IpAddr;

use crate::{Family, SetName, SetType, Timeout};

/// Name, type and options of a set, and how full it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options of a set are on or off, in any mixture"
)]
pub struct SetHeader {
    /// The name.
    pub name: SetName,
    /// The type.
    pub set_type: SetType,
    /// The revision of the type, which is the kernel's version number for its options.
    pub revision: u8,
    /// The family of all its addresses.
    pub family: Family,
    /// Entries can have a timeout, and this is the default of those that say none.
    pub timeout: Option<Timeout>,
    /// How many entries fit (`maxelem`); `None` for types without that limit.
    pub max_elements: Option<u32>,
    /// How many buckets the hash has now; `None` for types that are not hashes.
    pub hash_size: Option<u32>,
    /// Only the first so many bits of an address count.
    pub netmask: Option<u8>,
    /// Only these bits of an address count, which need not be the first (Linux 6.3).
    pub bitmask: Option<IpAddr>,
    /// Entries count the packets and bytes they match.
    pub counters: bool,
    /// Entries can have a comment.
    pub comments: bool,
    /// A new entry takes the place of another when the set is full.
    pub forceadd: bool,
    /// Entries carry values for the packets they match (`skbinfo`).
    pub skbinfo: bool,
    /// How many entries the kernel counts. Some of them may have run out and not be listed any more.
    /// Kernels before 4.9 do not say.
    pub elements: Option<u32>,
    /// How many rules and other sets refer to it.
    pub references: u32,
    /// The bytes it takes in the kernel.
    pub memory: u32,
}

/// What a rule that matches against a set carries instead of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SetIndex {
    /// The kernel's number for the set. It stays with the set when that is renamed, and with the
    /// name when two sets are swapped.
    pub index: u16,
    /// The family of the set's addresses.
    pub family: Family,
}

/// Type, family and options as `ipset create` takes them:
/// `hash:net family inet maxelem 65536 timeout 0`.
impl fmt::Display for SetHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} family {}", self.set_type, self.family)?;
        if let Some(max_elements) = self.max_elements {
            write!(f, " maxelem {max_elements}")?;
        }
        if let Some(netmask) = self.netmask {
            write!(f, " netmask {netmask}")?;
        }
        if let Some(bitmask) = self.bitmask {
            write!(f, " bitmask {bitmask}")?;
        }
        if let Some(timeout) = self.timeout {
            write!(f, " timeout {}", timeout.as_secs())?;
        }
        for (has, option) in [
            (self.counters, " counters"),
            (self.comments, " comment"),
            (self.skbinfo, " skbinfo"),
            (self.forceadd, " forceadd"),
        ] {
            if has {
                f.write_str(option)?;
            }
        }
        Ok(())
    }
}
