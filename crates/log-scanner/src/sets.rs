//! The sets that a rule fills, and those whose members are left alone.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipset_netlink::{Entry, Family, IfExists, IpSet, Key, SetHeader, SetName, SetType, Timeout};

use crate::args::SetPair;
use crate::error::chain;
use crate::exempt::forms;
use crate::members::Members;

/// The firewall accepts what comes from members of these before it looks at anything else.
pub(crate) const WHITELIST: &str = "whitelist";

/// A session with the kernel about the four sets, of which some may be missing.
pub(crate) struct Sets {
    kernel: IpSet,
    filled: Pair,
    whitelists: Pair,
}

/// A set for each family, where there is one.
#[derive(Default)]
struct Pair {
    inet: Option<SetName>,
    inet6: Option<SetName>,
}

impl Pair {
    fn of(&self, address: IpAddr) -> Option<&SetName> {
        match address {
            IpAddr::V4(_) => self.inet.as_ref(),
            IpAddr::V6(_) => self.inet6.as_ref(),
        }
    }
}

impl Sets {
    /// Looks whether the sets can be filled, and says of each trouble what it is. What there is no trouble
    /// with can be used all the same.
    pub(crate) fn open(names: &SetPair) -> (Option<Self>, Vec<String>) {
        let kernel = match IpSet::connect() {
            Ok(kernel) => kernel,
            Err(error) => return (None, vec![chain(&error)]),
        };
        let mut troubles = Vec::new();
        let mut sets = Self {
            kernel,
            filled: Pair::default(),
            whitelists: Pair::default(),
        };
        sets.filled.inet = sets.fillable(&names.inet, Family::Inet, &mut troubles);
        sets.filled.inet6 = sets.fillable(&names.inet6, Family::Inet6, &mut troubles);
        sets.whitelists.inet = sets.whitelist("", Family::Inet, &mut troubles);
        sets.whitelists.inet6 = sets.whitelist("_v6", Family::Inet6, &mut troubles);
        // Without privilege it is the same for each of the four.
        troubles.dedup();
        (Some(sets), troubles)
    }

    fn fillable(
        &mut self,
        name: &SetName,
        family: Family,
        troubles: &mut Vec<String>,
    ) -> Option<SetName> {
        let trouble = match self.kernel.header(name) {
            Ok(header) => unusable(&header, family),
            Err(error) if error.is_set_not_found() => Some(format!(
                "cannot add to set \"{name}\": it does not exist; firewall-apply creates the firewall's own sets, others: \
                 ipset create {name} hash:ip family {family} timeout 0"
            )),
            Err(error) => Some(chain(&error)),
        };
        let usable = trouble.is_none().then(|| name.clone());
        troubles.extend(trouble);
        usable
    }

    fn whitelist(
        &mut self,
        suffix: &str,
        family: Family,
        troubles: &mut Vec<String>,
    ) -> Option<SetName> {
        let name: SetName = format!("{WHITELIST}{suffix}").parse().ok()?;
        let trouble = match self.kernel.header(&name) {
            Err(error) if error.is_set_not_found() => return None,
            Err(error) => chain(&error),
            Ok(header) if header.family != family => {
                format!(
                    "cannot tell who is exempt by set \"{name}\": it is of family {}, not {family}",
                    header.family
                )
            }
            Ok(header) if !takes_addresses(&header.set_type) => {
                format!(
                    "cannot tell who is exempt by set \"{name}\": it is of type {}, which takes more than an address",
                    header.set_type
                )
            }
            Ok(_) => return Some(name),
        };
        troubles.push(trouble);
        None
    }

    /// The whitelist that has `source` as a member, if one has.
    pub(crate) fn whitelisting(&mut self, source: IpAddr) -> Result<Option<SetName>, String> {
        for address in forms(source) {
            if let Some(name) = self.whitelists.of(address) {
                let is_member = self.kernel.contains(name, &Key::from(address));
                if is_member.map_err(|error| chain(&error))? {
                    return Ok(Some(name.clone()));
                }
            }
        }
        Ok(None)
    }

    /// What is in the set that takes addresses like `source` now; `None` where there is no such set.
    pub(crate) fn members(&mut self, source: IpAddr) -> Result<Option<Members>, String> {
        let Some(name) = self.filled.of(source) else {
            return Ok(None);
        };
        let set = self.kernel.list(name).map_err(|error| chain(&error))?;
        Ok(Some(Members::new(set.entries)))
    }

    /// Adds the entries, all of the same family, to their set and asks the kernel of each whether its packets
    /// match now. For each that does not, its place and the reason.
    pub(crate) fn fill(&mut self, name: &SetName, entries: &[Entry]) -> Vec<(usize, String)> {
        let started = Instant::now();
        let mut refused: Vec<Option<String>> = vec![None; entries.len()];
        let broken = match self.kernel.add_all(name, entries, IfExists::Update) {
            Ok(outcome) => {
                for failure in outcome.failures {
                    let place = usize::try_from(failure.index).ok();
                    if let Some(refused) = place.and_then(|place| refused.get_mut(place)) {
                        *refused = Some(chain(&failure.error));
                    }
                }
                None
            }
            Err(error) => Some(chain(&error)),
        };
        for (entry, refused) in entries.iter().zip(&mut refused) {
            if refused.is_none() {
                *refused = self.missing(name, entry, started, broken.as_deref());
            }
        }
        let refused = refused.into_iter().enumerate();
        refused
            .filter_map(|(place, why)| Some((place, why?)))
            .collect()
    }

    /// Why an entry that should be in the set is not.
    fn missing(
        &mut self,
        name: &SetName,
        entry: &Entry,
        added: Instant,
        broken: Option<&str>,
    ) -> Option<String> {
        let key = &entry.key;
        match self.kernel.contains(name, key) {
            Ok(true) => None,
            Ok(false) if broken.is_none() && ran_out(entry, added.elapsed()) => None,
            Ok(false) => Some(broken.map_or_else(
                || format!("cannot add {key} to set \"{name}\": the kernel took it, but it is not there"),
                |why| format!("cannot add {key} to set \"{name}\": {why}"),
            )),
            Err(error) => Some(format!("cannot add {key} to set \"{name}\": {}", chain(&error))),
        }
    }
}

/// Whether an entry that was there may be gone by now.
fn ran_out(entry: &Entry, since: Duration) -> bool {
    let stays = entry.timeout.and_then(Timeout::duration);
    stays.is_some_and(|stays| since >= stays)
}

/// Whether an address alone can be asked for; the kernel says no to every one where it takes a port as well.
fn takes_addresses(set_type: &SetType) -> bool {
    matches!(set_type.name(), "hash:ip" | "hash:net" | "bitmap:ip")
}

/// Why violators of `family` cannot go into this set.
fn unusable(header: &SetHeader, family: Family) -> Option<String> {
    let name = &header.name;
    let fault = if header.family != family {
        format!("is of family {}, not {family}", header.family)
    } else if !matches!(header.set_type, SetType::HashIp | SetType::HashNet) {
        format!("is of type {}, not hash:ip or hash:net", header.set_type)
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
