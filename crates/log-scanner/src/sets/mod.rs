//! The sets that rules fill, and those whose members are left alone.

mod full;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ban_sets::{
    Backend, Entry, Error, Family, Held, IfThere, Members, Network, Pardons, Set, SetName,
    Whitelist,
};
use jiff::Timestamp;

use crate::error::chain;
use crate::offender::{self, Offenders};
use crate::reason::Record;
use crate::rule::Rule;

/// A session with what holds the sets of all rules, of which some may be missing.
pub(crate) struct Sets {
    backend: Box<dyn Backend>,
    /// The sets that can be filled, as they were when the run began.
    filled: BTreeMap<SetName, Set>,
    whitelists: Vec<Whitelist>,
    /// Those of which it has been said that they keep no comments.
    said: BTreeSet<SetName>,
}

impl Sets {
    /// Looks whether the sets can be filled; the texts are the troubles. Sets without a trouble can
    /// be used all the same.
    pub(crate) fn open(rules: &[Rule]) -> (Option<Self>, Vec<String>) {
        match ban_sets::of_this_host() {
            Ok(backend) => {
                let (sets, troubles) = Self::of(backend, rules);
                (Some(sets), troubles)
            }
            Err(error) => (None, vec![chain(&error)]),
        }
    }

    /// As [`open`](Self::open), in a session that there is.
    pub(crate) fn of(backend: Box<dyn Backend>, rules: &[Rule]) -> (Self, Vec<String>) {
        Self::with(backend, wanted(rules))
    }

    /// With sets of these names and families, and whether each must hold networks.
    pub(crate) fn with<'s>(
        backend: Box<dyn Backend>,
        wanted: impl IntoIterator<Item = ((&'s SetName, Family), bool)>,
    ) -> (Self, Vec<String>) {
        let mut sets = Self {
            backend,
            filled: BTreeMap::new(),
            whitelists: Vec::new(),
            said: BTreeSet::new(),
        };
        let mut troubles = Vec::new();
        for ((name, family), networks) in wanted {
            match sets.backend.fillable(name, family, networks) {
                Ok(set) => drop(sets.filled.insert(name.clone(), set)),
                Err(error) => troubles.push(chain(&error)),
            }
        }
        for whitelist in Whitelist::open(sets.backend.as_mut()) {
            match whitelist {
                Ok(whitelist) => sets.whitelists.push(whitelist),
                Err(error) => troubles.push(chain(&error)),
            }
        }
        // Without privilege it is the same for each of them.
        troubles.dedup();
        (sets, troubles)
    }

    /// The longest time in seconds that an entry can have left.
    pub(crate) fn longest(&self) -> u32 {
        self.backend.longest()
    }

    /// Those whose past counts no more.
    ///
    /// # Errors
    ///
    /// The sets do not say who they are.
    pub(crate) fn pardons(&mut self, now: Timestamp) -> Result<Pardons, String> {
        said(self.backend.pardons(now))
    }

    /// Takes back all pardons in a network.
    ///
    /// # Errors
    ///
    /// As [`pardons`](Self::pardons).
    pub(crate) fn lift_pardons(
        &mut self,
        network: Network,
        now: Timestamp,
    ) -> Result<Vec<Network>, String> {
        said(self.backend.lift_pardons(network, now))
    }

    /// The members of a set now; none where it could not be filled from the start.
    pub(crate) fn members(&mut self, name: &SetName, now: Timestamp) -> Result<Members, String> {
        if !self.filled.contains_key(name) {
            return Ok(Members::none(now));
        }
        said(self.backend.members(name, now))
    }

    /// Those of the entries that match their set now, as they are given: each is asked for, and not
    /// how long it stays.
    pub(crate) fn members_of(
        &mut self,
        name: &SetName,
        entries: &[Entry],
        now: Timestamp,
    ) -> Result<Members, String> {
        let mut members = Members::none(now);
        for entry in entries {
            if said(self.backend.matches(name, entry.network))? {
                members.insert(entry.network, entry.clone());
            }
        }
        Ok(members)
    }

    /// Whether a set that can be filled has nothing to do with an address: packets from it neither
    /// match the set nor are excepted there.
    pub(crate) fn is_stranger(&mut self, name: &SetName, address: IpAddr) -> Result<bool, String> {
        if !self.filled.contains_key(name) || self.matches(name, address)? {
            return Ok(false);
        }
        Ok(!self.holds_networks(name) || !said(self.backend.excepts(name, address))?)
    }

    /// Puts the entries; for each, why it was not taken. The second text is why nothing more could
    /// be done at some point: only reading back tells how far it came.
    pub(crate) fn fill(
        &mut self,
        name: &SetName,
        entries: &[Entry],
        now: Timestamp,
        if_there: IfThere,
    ) -> (Vec<Option<String>>, Option<String>) {
        let mut refused = vec![None; entries.len()];
        let refusals = match self.backend.put(name, entries, now, if_there) {
            Ok(refusals) => refusals,
            Err(error) => return (refused, Some(chain(&error))),
        };
        let mut cure = None;
        for refusal in refusals {
            let mut why = chain(&refusal.error);
            if refusal.error.is_set_full() && self.filled.contains_key(name) {
                let cure = cure.get_or_insert_with(|| self.backend.cure(name));
                if let Some(cure) = cure {
                    why = format!("{why}; {cure}");
                }
            }
            if let Some(refused) = refused.get_mut(refusal.place) {
                *refused = Some(why);
            }
        }
        (refused, None)
    }

    /// Whether networks can be in a set.
    pub(crate) fn holds_networks(&self, name: &SetName) -> bool {
        self.filled.get(name).is_some_and(Set::holds_networks)
    }

    /// Whether the members of a set can have comments.
    pub(crate) fn keeps_comments(&self, name: &SetName) -> bool {
        self.filled.get(name).is_some_and(|set| set.comments)
    }

    /// That some of these sets keep no comments; of each it is said once.
    pub(crate) fn without_comments(&mut self, names: &[&SetName]) -> Option<String> {
        let mut news = Vec::new();
        for name in names {
            let Some(set) = self.filled.get(*name) else {
                continue;
            };
            if !set.comments && self.said.insert((*name).clone()) {
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
        said(self.backend.take_out(name, network).map(drop))
    }

    /// How many entries a set takes, where bans of ours can be told there and have to give way once
    /// it is full.
    pub(crate) fn bound(&self, name: &SetName) -> Option<usize> {
        let set = self.filled.get(name)?;
        let gives_way = set.comments && !set.forgets;
        usize::try_from(set.most?).ok().filter(|_| gives_way)
    }

    /// How many more than it had when it was looked at.
    pub(crate) fn room(&self, name: &SetName) -> Option<usize> {
        let there = self.filled.get(name)?.entries.unwrap_or_default();
        let there = usize::try_from(there).unwrap_or(usize::MAX);
        Some(self.bound(name)?.saturating_sub(there))
    }

    /// Whether what a network in the set excepts stays for as long as the network.
    pub(crate) fn keeps_exceptions(&self, name: &SetName) -> bool {
        !self.filled.get(name).is_some_and(|set| set.forgets)
    }

    /// Warnings of sets that are nearly full now.
    pub(crate) fn fullness(&mut self) -> Vec<String> {
        let mut warnings = Vec::new();
        for name in self.filled.keys() {
            // What the sets hold has been read; a set that is gone by now is not full.
            if let Ok(Some(set)) = self.backend.set(name) {
                warnings.extend(full::warning(&set, || self.backend.cure(name)));
            }
        }
        warnings
    }

    /// Whether packets from an address match a set, in the view of what holds it.
    pub(crate) fn matches(&mut self, name: &SetName, address: IpAddr) -> Result<bool, String> {
        said(self.backend.matches(name, address.into()))
    }

    /// All that the whitelists have in them now, each with the name of its set.
    pub(crate) fn whitelisted(&mut self) -> Result<Vec<(&SetName, Network)>, String> {
        let mut all = Vec::new();
        for whitelist in &self.whitelists {
            let members = said(whitelist.read(self.backend.as_mut()))?.into_iter();
            all.extend(members.map(|member| (whitelist.name(), member)));
        }
        Ok(all)
    }

    /// How much of a network the whitelist of its family holds, and that set's name.
    pub(crate) fn whitelisted_of(
        &mut self,
        network: Network,
    ) -> Result<Option<(&SetName, Held)>, String> {
        let family = Family::of(network.address());
        let mut whitelists = self.whitelists.iter_mut();
        let Some(whitelist) = whitelists.find(|whitelist| whitelist.family() == family) else {
            return Ok(None);
        };
        let held = said(whitelist.held(self.backend.as_mut(), network))?;
        Ok(Some((whitelist.name(), held)))
    }

    /// All that is remembered of offenders.
    ///
    /// # Errors
    ///
    /// The sets do not say what.
    pub(crate) fn offenders(&mut self, now: Timestamp) -> Result<Offenders, String> {
        Offenders::read(self.backend.as_mut(), now)
    }

    /// Remembers offenders; what to warn of.
    pub(crate) fn remember(
        &mut self,
        offenders: &BTreeMap<Network, Record>,
        now: Timestamp,
    ) -> Vec<String> {
        offender::remember(self.backend.as_mut(), offenders, now)
    }

    /// Forgets offenders.
    ///
    /// # Errors
    ///
    /// The sets refuse.
    pub(crate) fn forget(&mut self, networks: &[Network]) -> Result<(), String> {
        offender::forget(self.backend.as_mut(), networks)
    }

    /// Whether something is remembered of a network, or of one around it.
    ///
    /// # Errors
    ///
    /// The sets do not say.
    pub(crate) fn is_offender(&mut self, network: Network) -> Result<bool, String> {
        offender::is_known(self.backend.as_mut(), network)
    }
}

/// The answer, or why there is none as one line.
fn said<T>(answer: Result<T, Error>) -> Result<T, String> {
    answer.map_err(|error| chain(&error))
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
