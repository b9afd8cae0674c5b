//! The names of sets that a configuration speaks of: one name stands for the sets of both families.

use super::List;
use crate::{BuildError, Family, SetName};

/// The set of that family.
pub(super) fn in_family(name: &SetName, family: Family) -> Result<SetName, BuildError> {
    match family {
        Family::Ipv4 => Ok(name.clone()),
        Family::Ipv6 => format!("{name}{V6}").parse(),
    }
}

/// A name that has room for that of both sets; the error is a sentence.
pub(super) fn of_both(name: &str) -> Result<SetName, String> {
    let set: SetName = name.parse().map_err(|error: BuildError| error.reason())?;
    if name.len() > SET_MAX {
        return Err(format!(
            "the name of the set must not be longer than {SET_MAX} bytes: that for IPv6 has {V6} at its end"
        ));
    }
    if let Some(base) = name.strip_suffix(V6) {
        return Err(format!(
            "one name stands for the sets of both families: \"set:{base}\" is {base} in the IPv4 rules and {name} in the IPv6 \
             rules"
        ));
    }
    Ok(set)
}

/// The name of a set that the file describes.
pub(super) fn described(name: &str) -> Result<SetName, BuildError> {
    let wrong = |reason: String| BuildError::value("set name", name, reason);
    let set = of_both(name).map_err(wrong)?;
    if List::ALL.iter().any(|list| list.name() == name) {
        return Err(wrong(
            "this list is always there: its members stand under [sets.members], how it is made under [sets]".to_owned(),
        ));
    }
    if List::ALL.iter().any(|list| list.instant_name() == name) {
        return Err(wrong(
            "this set is made where an [[instant]] fills its list: how it is made follows from that".to_owned(),
        ));
    }
    if name.starts_with(RESERVED) {
        return Err(wrong(format!(
            "names that begin with \"{RESERVED}\" are those of sets that are being filled"
        )));
    }
    Ok(set)
}

/// What the name of a set for IPv6 ends in.
const V6: &str = "_v6";
/// `IPSET_MAXNAMELEN` (32, `linux/netfilter/ipset/ip_set.h`) less the NUL and `_v6`.
const SET_MAX: usize = 28;
const RESERVED: &str = "rampart.";
