//! Whether a set can hold what a rule bans.

use ipset_netlink::{Family, SetHeader, SetType};

/// Why violators of `family` cannot go into this set; `networks` where a rule bans whole networks.
pub(super) fn unusable(header: &SetHeader, family: Family, networks: bool) -> Option<String> {
    let name = &header.name;
    let fault = if header.family != family {
        format!("is of family {}, not {family}", header.family)
    } else if !matches!(header.set_type, SetType::HashIp | SetType::HashNet) {
        format!("is of type {}, not hash:ip or hash:net", header.set_type)
    } else if networks && header.set_type != SetType::HashNet {
        format!(
            "is of type {}, which takes single addresses and no networks; create it anew as \
             ipset create {name} hash:net family {family} timeout 0, the firewall's own with type = \"hash:net\" under [sets] \
             of firewall.toml, or leave --aggregate away",
            header.set_type
        )
    } else if header.options.timeout.is_none() {
        "was created without a timeout, so its members would never leave it".to_owned()
    } else if let Some(bits) = header.options.netmask {
        format!("has a netmask of {bits} bits: each member would be a whole network")
    } else if let Some(mask) = header.options.bitmask {
        format!("has a bitmask of {mask}: each member would be many addresses")
    } else {
        return None;
    };
    Some(format!("cannot add to set \"{name}\": it {fault}"))
}
