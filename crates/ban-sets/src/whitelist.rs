//! Whitelists: the sets whose members are left alone, and what of a network is in them.

use ipset_netlink::{Family, Network, SetName};
use jiff::Timestamp;

use crate::names::{WHITELIST, pair};
use crate::network::is_single_address;
use crate::{Backend, Entry, Error, PrefixMap, Set, Takes};

/// A whitelist that exists: `whitelist` or `whitelist_v6`.
#[derive(Debug)]
pub struct Whitelist {
    set: Set,
    /// For each member, whether it is an exception. The set is read once it has to be known who is
    /// in a network; about an address what holds it is asked.
    members: Option<PrefixMap<bool>>,
}

/// How much of a network a whitelist holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// All of it.
    All,
    /// These networks in it; none where it holds nobody.
    Parts(Vec<Network>),
}

impl Whitelist {
    /// The whitelists that exist, or why one cannot be asked.
    pub fn open(sets: &mut dyn Backend) -> Vec<Result<Self, Error>> {
        let pair = pair(WHITELIST);
        let opened = pair.filter_map(|(name, family)| open_one(sets, &name, family).transpose());
        opened.collect()
    }

    /// Its name.
    pub fn name(&self) -> &SetName {
        &self.set.name
    }

    /// The family of its members.
    pub fn family(&self) -> Family {
        self.set.family
    }

    /// All that are in it now. What is excepted within them is not taken out: better one address too
    /// few is banned than one too many.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn read(&self, sets: &mut dyn Backend) -> Result<Vec<Network>, Error> {
        Ok(exempt(self.members(sets)?.iter()))
    }

    /// How much of a network it holds.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn held(&mut self, sets: &mut dyn Backend, network: Network) -> Result<Held, Error> {
        if is_single_address(network) {
            let is_member = sets.matches(&self.set.name, network)?;
            return Ok(if is_member {
                Held::All
            } else {
                Held::Parts(Vec::new())
            });
        }
        let members = match self.members.take() {
            Some(members) => members,
            None => self.members(sets)?,
        };
        let members = self.members.insert(members);
        if members.covering(network).next() == Some(&false) {
            return Ok(Held::All);
        }
        Ok(Held::Parts(exempt(members.within(network))))
    }

    fn members(&self, sets: &mut dyn Backend) -> Result<PrefixMap<bool>, Error> {
        let members = sets.members(&self.set.name, Timestamp::now())?;
        let members = members.iter().map(|(_, entry)| {
            let network = all_of(&self.set, entry).unwrap_or(entry.network);
            (network, entry.exception)
        });
        Ok(members.collect())
    }
}

fn open_one(
    sets: &mut dyn Backend,
    name: &SetName,
    family: Family,
) -> Result<Option<Whitelist>, Error> {
    let Some(set) = sets.set(name)? else {
        return Ok(None);
    };
    let unable = |why: String| {
        Error::other(format!(
            "cannot tell who is exempt by set \"{name}\": it is {why}"
        ))
    };
    if set.family != family {
        return Err(unable(format!("of family {}, not {family}", set.family)));
    }
    // Of such a set the answer to every address alone is no.
    if set.takes == Takes::More {
        return Err(unable(format!(
            "of type {}, which takes more than an address",
            set.kind
        )));
    }
    Ok(Some(Whitelist { set, members: None }))
}

/// The members that are no exceptions.
fn exempt<'m>(members: impl Iterator<Item = (Network, &'m bool)>) -> Vec<Network> {
    let exempt = members.filter(|(_, exception)| !**exception);
    exempt.map(|(network, _)| network).collect()
}

/// All addresses that a member may stand for.
fn all_of(set: &Set, entry: &Entry) -> Option<Network> {
    let network = entry.network;
    let bits = set.bits.unwrap_or(u8::MAX).min(network.prefix_length());
    Network::new(network.address(), bits).ok()
}
