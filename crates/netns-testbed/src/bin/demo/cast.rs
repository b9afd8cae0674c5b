//! Who takes part.

use std::net::IpAddr;

use netns_testbed::Family;

/// Somebody outside, with one address of each family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    /// What the story calls them.
    pub(crate) name: &'static str,
    number: u8,
}

/// Scans every port there is.
pub(crate) const ATTACKER: Person = Person {
    name: "the attacker",
    number: 66,
};
/// Tries a few ports later, while somebody watches.
pub(crate) const SECOND: Person = Person {
    name: "a second attacker",
    number: 67,
};
/// Looks after the machine, and is on the whitelist.
pub(crate) const ADMIN: Person = Person {
    name: "the admin",
    number: 10,
};
/// Wants the web page and nothing else.
pub(crate) const CLIENT: Person = Person {
    name: "a client",
    number: 20,
};
/// Never sends a packet; somebody else tries to have them banned.
pub(crate) const VICTIM: Person = Person {
    name: "the victim",
    number: 99,
};

impl Person {
    /// Their address of that family.
    pub(crate) fn address(self, family: Family) -> IpAddr {
        family.stranger(self.number)
    }
}
