//! What a set is, and what it can hold.

use ipset_netlink::{Family, SetName};

/// A set as it was when it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Its name.
    pub name: SetName,
    /// The family of its addresses.
    pub family: Family,
    /// What an entry can be.
    pub takes: Takes,
    /// What the backend calls that: `hash:net`.
    pub kind: String,
    /// Whether entries can have comments.
    pub comments: bool,
    /// How many entries it takes, where there is a bound.
    pub most: Option<u32>,
    /// How many it has, where that is known.
    pub entries: Option<u32>,
    /// Whether a full one throws entries out for new ones.
    pub forgets: bool,
    /// How many leading bits of an entry count, where the set leaves the others out of account.
    pub bits: Option<u8>,
}

impl Set {
    /// Whether it can hold networks.
    pub fn holds_networks(&self) -> bool {
        self.takes == Takes::Networks
    }
}

/// What the entries of a set can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Addresses and networks.
    Networks,
    /// Single addresses.
    Addresses,
    /// Single addresses of one range.
    Range,
    /// More than an address, such as a port besides, or something else.
    More,
}
