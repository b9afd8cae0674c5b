//! The sets that rules fill, and those whose members are left alone.

mod fit;
mod offenders;
mod room;
mod whitelist;

use std::collections::{BTreeMap, BTreeSet};

use fit::unusable;
use ipset_netlink::{
    Entry, Family, IfExists, IpSet, Key, NetlinkSocket, Network, SetHeader, SetName, Transport,
};
pub(crate) use whitelist::Held;
use whitelist::Whitelist;

use crate::error::chain;
use crate::pardon::{self, Pardons};
use crate::prefix_map::Members;
use crate::rule::Rule;

/// A session with the kernel about the sets of all rules, of which some may be missing.
pub(crate) struct Sets<T: Transport = NetlinkSocket> {
    kernel: IpSet<T>,
    /// The sets that can be filled, as they were when the run began.
    filled: BTreeMap<SetName, SetHeader>,
    whitelists: Vec<Whitelist>,
    /// Those of which it has been said that they keep no comments.
    said: BTreeSet<SetName>,
}

impl Sets {
    /// Looks whether the sets can be filled; the texts are the troubles. Sets without a trouble can
    /// be used all the same.
    pub(crate) fn open(rules: &[Rule]) -> (Option<Self>, Vec<String>) {
        match IpSet::connect() {
            Ok(kernel) => {
                let (sets, troubles) = Self::of(kernel, rules);
                (Some(sets), troubles)
            }
            Err(error) => (None, vec![chain(&error)]),
        }
    }
}

impl<T: Transport> Sets<T> {
    /// As [`open`](Sets::open), in a session that there is.
    pub(crate) fn of(kernel: IpSet<T>, rules: &[Rule]) -> (Self, Vec<String>) {
        Self::with(kernel, wanted(rules))
    }

    /// With sets of these names and families, and whether each must hold networks.
    pub(crate) fn with<'s>(
        kernel: IpSet<T>,
        wanted: impl IntoIterator<Item = ((&'s SetName, Family), bool)>,
    ) -> (Self, Vec<String>) {
        let mut sets = Self {
            kernel,
            filled: BTreeMap::new(),
            whitelists: Vec::new(),
            said: BTreeSet::new(),
        };
        let mut troubles = Vec::new();
        for ((name, family), networks) in wanted {
            match sets.fillable(name, family, networks) {
                Ok(header) => drop(sets.filled.insert(name.clone(), header)),
                Err(trouble) => troubles.push(trouble),
            }
        }
        for whitelist in Whitelist::open(&mut sets.kernel) {
            match whitelist {
                Ok(whitelist) => sets.whitelists.push(whitelist),
                Err(trouble) => troubles.push(trouble),
            }
        }
        // Without privilege it is the same for each of them.
        troubles.dedup();
        (sets, troubles)
    }

    fn fillable(
        &mut self,
        name: &SetName,
        family: Family,
        networks: bool,
    ) -> Result<SetHeader, String> {
        match self.kernel.header(name) {
            Ok(header) => unusable(&header, family, networks).map_or(Ok(header), Err),
            Err(error) if error.is_set_not_found() => {
                let set_type = if networks { "hash:net" } else { "hash:ip" };
                Err(format!(
                    "cannot add to set \"{name}\": it does not exist; firewall-apply creates the firewall's own sets, others: \
                     ipset create {name} {set_type} family {family} timeout 0"
                ))
            }
            Err(error) => Err(chain(&error)),
        }
    }

    /// Those whose past counts no more.
    ///
    /// # Errors
    ///
    /// The kernel does not say who they are.
    pub(crate) fn pardons(&mut self) -> Result<Pardons, String> {
        Pardons::read(&mut self.kernel)
    }

    /// Takes back all pardons in a network.
    ///
    /// # Errors
    ///
    /// As [`pardons`](Self::pardons).
    pub(crate) fn lift_pardons(&mut self, network: Network) -> Result<Vec<Network>, String> {
        pardon::lift(&mut self.kernel, network)
    }

    /// The members of a set now; none where it could not be filled from the start.
    pub(crate) fn members(&mut self, name: &SetName) -> Result<Members, String> {
        if !self.filled.contains_key(name) {
            return Ok(Members::default());
        }
        let set = self.kernel.list(name).map_err(|error| chain(&error))?;
        Ok(set.entries.into_iter().collect())
    }

    /// Those of the entries that match their set now, as they are given: the kernel is asked for each,
    /// and not how long it stays.
    pub(crate) fn members_of(
        &mut self,
        name: &SetName,
        entries: &[Entry],
    ) -> Result<Members, String> {
        let mut members = Members::default();
        for entry in entries {
            let is_there = self.kernel.contains(name, &entry.key);
            let network = entry.key.as_network();
            if let (true, Some(network)) = (is_there.map_err(|error| chain(&error))?, network) {
                members.insert(network, entry.clone());
            }
        }
        Ok(members)
    }

    /// Whether a set that can be filled has nothing to do with an address: packets from it neither
    /// match the set nor are excepted (nomatch) there.
    pub(crate) fn is_stranger(
        &mut self,
        name: &SetName,
        address: std::net::IpAddr,
    ) -> Result<bool, String> {
        if !self.filled.contains_key(name) {
            return Ok(false);
        }
        let entry = Entry::new(Key::from(address));
        let forms = if self.holds_networks(name) {
            vec![entry.clone(), entry.nomatch()]
        } else {
            vec![entry]
        };
        for form in forms {
            if self
                .kernel
                .test(name, &form)
                .map_err(|error| chain(&error))?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds the entries; for each, why the kernel did not take it. The second text is why nothing
    /// more could be done at some point: only reading back tells how far it came.
    pub(crate) fn fill(
        &mut self,
        name: &SetName,
        entries: &[Entry],
        if_exists: IfExists,
    ) -> (Vec<Option<String>>, Option<String>) {
        let mut refused = vec![None; entries.len()];
        let outcome = match self.kernel.add_all(name, entries, if_exists) {
            Ok(outcome) => outcome,
            Err(error) => return (refused, Some(chain(&error))),
        };
        for failure in outcome.failures {
            let mut why = chain(&failure.error);
            let filled = self.filled.get(name);
            if let Some(header) = filled.filter(|_| failure.error.is_set_full()) {
                why = format!("{why}; {}", room::cure(header));
            }
            let place = usize::try_from(failure.index).ok();
            if let Some(refused) = place.and_then(|place| refused.get_mut(place)) {
                *refused = Some(why);
            }
        }
        (refused, None)
    }

    /// Whether networks can be in a set.
    pub(crate) fn holds_networks(&self, name: &SetName) -> bool {
        let header = self.filled.get(name);
        header.is_some_and(|header| header.set_type.name() == "hash:net")
    }

    /// Whether the members of a set can have comments.
    pub(crate) fn keeps_comments(&self, name: &SetName) -> bool {
        let header = self.filled.get(name);
        header.is_some_and(|header| header.options.comments)
    }

    /// That some of these sets keep no comments; of each it is said once.
    pub(crate) fn without_comments(&mut self, names: &[&SetName]) -> Option<String> {
        let mut news = Vec::new();
        for name in names {
            let Some(header) = self.filled.get(*name) else {
                continue;
            };
            if !header.options.comments && self.said.insert((*name).clone()) {
                news.push(name.as_str());
            }
        }
        (!news.is_empty()).then(|| {
            format!(
                "no reasons are kept in {}, created without comments (firewall-apply makes its own sets anew)",
                news.join(", ")
            )
        })
    }

    /// Takes a member out. It is no error if somebody else did so meanwhile.
    pub(crate) fn remove(&mut self, name: &SetName, network: Network) -> Result<(), String> {
        let removed = self.kernel.delete(name, &Key::from(network));
        removed.map(drop).map_err(|error| chain(&error))
    }

    /// How many entries a set takes, where bans of ours can be told there and have to give way once
    /// it is full.
    pub(crate) fn bound(&self, name: &SetName) -> Option<usize> {
        let header = self.filled.get(name)?;
        let gives_way = header.options.comments && !header.options.forceadd;
        let most = header.options.max_elements?;
        usize::try_from(most).ok().filter(|_| gives_way)
    }

    /// How many more than it had when it was looked at.
    pub(crate) fn room(&self, name: &SetName) -> Option<usize> {
        let there = self.filled.get(name)?.elements.unwrap_or_default();
        let there = usize::try_from(there).unwrap_or(usize::MAX);
        Some(self.bound(name)?.saturating_sub(there))
    }

    /// Whether what a network in the set excepts stays for as long as the network.
    pub(crate) fn keeps_exceptions(&self, name: &SetName) -> bool {
        let header = self.filled.get(name);
        !header.is_some_and(|header| header.options.forceadd)
    }

    /// Warnings of sets that are nearly full now.
    pub(crate) fn fullness(&mut self) -> Vec<String> {
        let mut warnings = Vec::new();
        for name in self.filled.keys() {
            // What the sets hold has been read; a set that is gone by now is not full.
            let header = self.kernel.header(name);
            warnings.extend(header.ok().and_then(|header| room::warning(&header)));
        }
        warnings
    }

    /// Whether packets from an address match a set, in the kernel's own view.
    pub(crate) fn matches(
        &mut self,
        name: &SetName,
        address: std::net::IpAddr,
    ) -> Result<bool, String> {
        self.kernel
            .contains(name, &Key::from(address))
            .map_err(|error| chain(&error))
    }
}

/// The sets of all rules, their families, and whether they must hold networks. A set that is wanted
/// for both families has the wrong one for somebody.
fn wanted(rules: &[Rule]) -> BTreeMap<(&SetName, Family), bool> {
    let mut sets = BTreeMap::new();
    for rule in rules {
        for (name, family) in [
            (&rule.ipset.inet, Family::Inet),
            (&rule.ipset.inet6, Family::Inet6),
        ] {
            let networks = sets.entry((name, family)).or_insert(false);
            *networks |= rule.bans_networks(family);
        }
    }
    sets
}
