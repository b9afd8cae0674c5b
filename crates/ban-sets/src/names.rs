//! Names that sets have by agreement, so that every program finds them.

use ipset_netlink::{Family, SetName};

/// The set whose members the firewall accepts before it looks at anything else.
pub const WHITELIST: &str = "whitelist";

/// The set of those whose past counts no more.
pub const PARDONED: &str = "pardoned";

/// What the name of a set for IPv6 ends with: `whitelist_v6`.
pub const V6: &str = "_v6";

/// The sets of a name, one for each family: `whitelist` and `whitelist_v6`.
pub fn pair(name: &str) -> impl Iterator<Item = (SetName, Family)> {
    let families = [("", Family::Inet), (V6, Family::Inet6)];
    let named = families.map(|(suffix, family)| (format!("{name}{suffix}"), family));
    let named = named.into_iter();
    named.filter_map(|(name, family)| Some((name.parse().ok()?, family)))
}

/// The one of the two that is for a family.
pub fn of_family(name: &str, family: Family) -> Option<SetName> {
    let mut pair = pair(name);
    let of = pair.find(|(_, of)| *of == family);
    of.map(|(name, _)| name)
}
