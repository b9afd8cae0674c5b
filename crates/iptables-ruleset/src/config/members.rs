//! `[sets.members]`: who is in a set because the file says so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::document::{Section, Value};
use super::{ConfigError, List, SetType, read};
use crate::{Family, Network};

/// Who shall always be in the sets; each list is two sets, one for each family.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Members {
    lists: BTreeMap<List, Vec<Network>>,
}

impl Members {
    /// The members of `family` that the file names for a list, in its order, each once.
    pub(crate) fn of(&self, list: List, family: Family) -> Vec<Network> {
        let mut seen = BTreeSet::new();
        let named = self.lists.get(&list).into_iter().flatten();
        let of_family = named.filter(|member| member.family() == family);
        of_family
            .filter(|member| seen.insert(**member))
            .copied()
            .collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lists.values().all(Vec::is_empty)
    }
}

/// Adds those of the table `[sets.members]` to those of the files before it.
pub(super) fn members(
    to: &mut Members,
    section: &Section<'_>,
    set_type: SetType,
) -> Result<(), ConfigError> {
    section.only_named(&List::ALL.map(List::name))?;
    for list in List::ALL {
        let Some(value) = section.get(list.name()) else {
            continue;
        };
        let members = to.lists.entry(list).or_default();
        for value in value.list()? {
            members.push(member(&value, set_type)?);
        }
        for family in Family::BOTH {
            if list.decides() && Network::cover_all(members.iter().copied(), family) {
                return Err(value.error(format!(
                    "the members of {} cover every {family} address: {}",
                    list.name(),
                    list.of_everybody()
                )));
            }
        }
    }
    Ok(())
}

/// Refuses at `value` a type of set that has no place for the members that are named already.
pub(super) fn every_member(
    members: &Members,
    set_type: SetType,
    value: &Value<'_>,
) -> Result<(), ConfigError> {
    let mut named = members.lists.values().flatten();
    let misfit = named.find_map(|network| no_place(*network, set_type));
    misfit.map_or(Ok(()), |why| Err(value.error(why)))
}

fn no_place(network: Network, set_type: SetType) -> Option<String> {
    let is_network = network.prefix_length() != network.family().address_bits();
    (set_type == SetType::HashIp && is_network).then(|| {
        format!("{network} is a network, and sets of type hash:ip take single addresses only")
    })
}

fn member(value: &Value<'_>, set_type: SetType) -> Result<Network, ConfigError> {
    let network = read::source_network(value)?;
    let whole = network.family().address_bits();
    if network.prefix_length() == 0 {
        return Err(value.error(format!(
            "{network} is every address, which no set takes as a member"
        )));
    }
    if let Some(why) = no_place(network, set_type) {
        return Err(value.error(why));
    }
    // The hash of single addresses has no place for it, and no packet comes from it.
    match network.address() {
        IpAddr::V4(address) if address.is_unspecified() && network.prefix_length() == whole => {
            Err(value.error("0.0.0.0 is no address of anybody"))
        }
        _ => Ok(network),
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn refused(list: &str) -> String {
        let text = format!("[sets.members]\n{list}\n");
        Config::parse(&text).unwrap_err().to_string()
    }

    #[test]
    fn families_are_sorted_out() {
        let config = Config::parse(
            "[sets.members]\nwhitelist = [\"192.0.2.4\", \"2001:db8::/32\", \"192.0.2.4/32\"]\nthrottle-hard = [\"0.0.0.0/1\", \"128.0.0.0/1\"]\n",
        )
        .unwrap();
        let sets = config.required_sets().unwrap();
        let members = |name: &str| {
            let set = sets.iter().find(|set| set.name.as_str() == name).unwrap();
            set.members
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(members("whitelist"), "192.0.2.4/32");
        assert_eq!(members("whitelist_v6"), "2001:db8::/32");
        assert_eq!(members("throttle-hard"), "0.0.0.0/1 128.0.0.0/1");
        assert_eq!(members("blacklist_v6"), "");
        assert!(!config.sets.members.is_empty());
    }

    #[test]
    fn everybody_is_no_member() {
        assert_eq!(
            refused("blacklist = [\"0.0.0.0/1\", \"::1\", \"128.0.0.0/2\", \"192.0.0.0/2\"]"),
            "line 2, column 13: the members of blacklist cover every IPv4 address: everybody would be banned, this host's \
             administrator too"
        );
        assert!(refused("whitelist = [\"::/1\", \"8000::/1\"]").contains("every IPv6 address"));
        assert_eq!(
            refused("throttle-soft = [\"192.0.2.1\", \"::/0\"]"),
            "line 2, column 31: ::/0 is every address, which no set takes as a member"
        );
    }

    #[test]
    fn what_no_set_takes_is_refused_with_its_place() {
        assert!(refused("whitelist = [\"192.0.2.300\"]").starts_with("line 2, column 14: "));
        assert!(refused("whitelist = [\"::ffff:192.0.2.1\"]").contains("write it as an IPv4"));
        assert!(refused("whitelst = []").contains("did you mean \"whitelist\"?"));
        let text = "[sets]\ntype = \"hash:ip\"\n[sets.members]\nblacklist = [\"192.0.2.0/24\"]\n";
        assert_eq!(
            Config::parse(text).unwrap_err().to_string(),
            "line 4, column 14: 192.0.2.0/24 is a network, and sets of type hash:ip take single addresses only"
        );
    }
}
