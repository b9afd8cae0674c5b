//! Members that together are everybody. The kernel refuses a network of every address, and takes
//! its two halves.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipset_netlink::Element;
use iptables_ruleset::{Family, Network};

use super::format::{Member, SavedSet};

/// The lines of a whitelist's or blacklist's widest networks, where its members leave nobody out:
/// without them it is a list again. Empty for any other set, and where somebody is excepted.
pub(crate) fn widest(set: &SavedSet) -> BTreeSet<usize> {
    let name = set.name.as_str();
    let base = name.strip_suffix("_v6").unwrap_or(name);
    let mut refused = BTreeSet::new();
    if !matches!(base, "whitelist" | "blacklist")
        || set.members.iter().any(|member| member.entry.nomatch)
    {
        return refused;
    }
    let mut networks: Vec<(u8, usize, Network)> = set.members.iter().filter_map(network).collect();
    let everybody = |networks: &[(u8, usize, Network)]| {
        let family = |family| Network::cover_all(networks.iter().map(|one| one.2), family);
        Family::BOTH.into_iter().any(family)
    };
    while everybody(&networks) {
        let Some(shortest) = networks.iter().map(|one| one.0).min() else {
            break;
        };
        networks.retain(|(prefix, line, _)| {
            let stays = *prefix != shortest;
            if !stays {
                refused.insert(*line);
            }
            stays
        });
    }
    refused
}

/// Why such a line is refused.
pub(crate) fn why(set: &SavedSet, member: &Member) -> String {
    format!(
        "cannot add {} to set \"{}\": together with other members it is every address, which would be no list any more",
        member.entry.key, set.name
    )
}

fn network(member: &Member) -> Option<(u8, usize, Network)> {
    let (address, prefix): (IpAddr, u8) = match member.entry.key.elements() {
        [Element::Net(network)] => (network.address(), network.prefix_length()),
        // A single address makes no difference to who is left out.
        _ => return None,
    };
    let network = Network::new(address, prefix).ok()?;
    Some((prefix, member.line, network))
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn refused(text: &str) -> Vec<usize> {
        let parsed = parse(text.as_bytes(), &mut |_| None).unwrap();
        assert_eq!(parsed.bad, []);
        let sets = parsed.saved.sets.iter();
        sets.flat_map(widest).collect()
    }

    #[test]
    fn two_halves_are_everybody() {
        let halves = |set: &str| {
            format!("add {set} 0.0.0.0/1\nadd {set} 192.0.2.0/24\nadd {set} 128.0.0.0/1\n")
        };
        assert_eq!(refused(&halves("blacklist")), [1, 3]);
        assert_eq!(refused(&halves("whitelist")), [1, 3]);
        assert_eq!(refused(&halves("throttle-soft")), [0; 0]);
        assert_eq!(refused(&halves("others")), [0; 0]);
        let v6 = "add blacklist_v6 ::/2\nadd blacklist_v6 4000::/2\nadd blacklist_v6 8000::/1\n";
        assert_eq!(refused(v6), [3], "the widest is enough");
        assert_eq!(
            refused("add blacklist 0.0.0.0/1\nadd blacklist 128.0.0.0/2\n"),
            [0; 0]
        );
        let excepted = halves("blacklist") + "add blacklist 192.0.2.1 nomatch\n";
        assert_eq!(refused(&excepted), [0; 0]);
    }
}
