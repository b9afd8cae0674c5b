//! What a configuration says of sets: how each is made, who is in it, and the files that fill it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ipset_netlink::{CreateSet, Key, SetName, SetType, Timeout};
use iptables_ruleset::config::{RequiredSet, SetOrigin, SetType as ConfiguredType};
use iptables_ruleset::{BuildError, Config, Family};

use crate::findings::causes;

/// A set that a configuration asks for.
#[derive(Clone, Debug)]
pub(crate) struct ConfiguredSet {
    /// The set as it would be created.
    pub(crate) create: CreateSet,
    /// Why it is there.
    pub(crate) origin: SetOrigin,
    /// Whether rules put the sources of packets into it.
    pub(crate) filled_by_packets: bool,
}

impl ConfiguredSet {
    /// Its name.
    pub(crate) fn name(&self) -> &SetName {
        &self.create.name
    }

    /// Whether a file says what is in it.
    pub(crate) fn is_filled_by_a_file(&self) -> bool {
        matches!(self.origin, SetOrigin::File | SetOrigin::Blocklist)
    }
}

/// A list that files hold, which is a set for each family.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct List {
    /// The name of its set for IPv4; that for IPv6 ends in `_v6`.
    pub(crate) name: String,
    /// Its sets.
    pub(crate) sets: Vec<(ipset_netlink::Family, SetName)>,
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// Whether it holds single addresses only.
    pub(crate) single: bool,
    /// Of a block list, how many per cent of its networks may go at once; `None` for another.
    pub(crate) max_shrink: Option<u8>,
}

impl List {
    /// Whether its members are blocked.
    pub(crate) fn blocks(&self) -> bool {
        self.max_shrink.is_some()
    }
}

/// The sets of both families.
pub(crate) fn sets(config: &Config) -> Result<Vec<ConfiguredSet>, String> {
    let required = config.required_sets().map_err(|error| causes(&error))?;
    required.iter().map(set).collect()
}

/// The sets that other configurations have packets fill, and this one has not.
pub(crate) fn unwanted_sets(config: &Config) -> Result<Vec<ConfiguredSet>, String> {
    let unwanted = config.unwanted_sets().map_err(|error| causes(&error))?;
    unwanted.iter().map(set).collect()
}

fn set(required: &RequiredSet) -> Result<ConfiguredSet, String> {
    let name = name_of(&required.name)?;
    let set_type: SetType = match required.set_type.name().parse() {
        Ok(SetType::Other(name)) => return Err(format!("cannot create sets of type {name}")),
        Ok(known) => known,
    };
    let family = family_of(required.family);
    let mut create = CreateSet::new(name, set_type, family).max_elements(required.maxelem.get());
    if let Some(timeout) = required.timeout {
        let timeout = if timeout.is_zero() {
            Timeout::PERMANENT
        } else {
            Timeout::try_from(timeout).map_err(|error| causes(&error))?
        };
        create = create.timeout(timeout);
    }
    create.options.comments = required.comment;
    create.options.counters = required.counters;
    Ok(ConfiguredSet {
        create,
        origin: required.origin,
        filled_by_packets: required.filled_by_packets,
    })
}

/// The members that a configuration puts into each set.
pub(crate) fn members(config: &Config) -> Result<BTreeMap<SetName, Vec<Key>>, String> {
    let mut members = BTreeMap::new();
    for set in config.required_sets().map_err(|error| causes(&error))? {
        let keys: Result<Vec<Key>, _> = set
            .members
            .iter()
            .map(|member| match set.set_type {
                ConfiguredType::HashIp => Ok(Key::ip(member.address())),
                _ => Key::net(member.address(), member.prefix_length()),
            })
            .collect();
        members.insert(name_of(&set.name)?, keys.map_err(|error| causes(&error))?);
    }
    Ok(members)
}

/// The lists that files hold; a relative path begins at `folder`.
pub(crate) fn lists(config: &Config, folder: &Path) -> Result<Vec<List>, String> {
    let list = |name: &iptables_ruleset::SetName,
                files: &[PathBuf],
                set_name: &dyn Fn(
        Family,
    ) -> Result<Option<iptables_ruleset::SetName>, BuildError>| {
        let mut sets = Vec::new();
        for family in Family::BOTH {
            let name = set_name(family).map_err(|error| causes(&error))?;
            if let Some(name) = name {
                sets.push((family_of(family), name_of(&name)?));
            }
        }
        Ok::<_, String>(List {
            name: name.to_string(),
            sets,
            files: files.iter().map(|file| folder.join(file)).collect(),
            single: false,
            max_shrink: None,
        })
    };
    let mut lists = Vec::new();
    for own in config.own_sets.iter().filter(|own| !own.files.is_empty()) {
        lists.push(List {
            single: own.set_type == ConfiguredType::HashIp,
            ..list(&own.name, &own.files, &|family| own.set_name(family))?
        });
    }
    for blocklist in &config.blocklists {
        let set_name = |family| blocklist.set_name(family).map(Some);
        lists.push(List {
            max_shrink: Some(blocklist.max_shrink),
            ..list(&blocklist.name, &blocklist.files, &set_name)?
        });
    }
    Ok(lists)
}

/// Whether a path of a list depends on where the configuration lies.
pub(crate) fn has_relative_paths(config: &Config) -> bool {
    let own = config.own_sets.iter().map(|own| &own.files);
    let lists = config.blocklists.iter().map(|list| &list.files);
    own.chain(lists).flatten().any(|file| file.is_relative())
}

fn family_of(family: Family) -> ipset_netlink::Family {
    match family {
        Family::Ipv4 => ipset_netlink::Family::Inet,
        Family::Ipv6 => ipset_netlink::Family::Inet6,
    }
}

fn name_of(name: &iptables_ruleset::SetName) -> Result<SetName, String> {
    name.as_str()
        .parse()
        .map_err(|error: ipset_netlink::SetNameError| causes(&error))
}
