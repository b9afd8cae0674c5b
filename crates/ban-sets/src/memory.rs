//! Sets in memory, for the tests of who bans, and to hold other backends against.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipset_netlink::{Family, Network, SetName, Timeout};
use jiff::Timestamp;

use crate::error::Kind;
use crate::network::{is_single_address, spelled};
use crate::{Backend, End, Entry, Error, IfThere, Left, PrefixMap, Refusal, Set, Takes};

/// As the sets of this host, so that a test refuses what these refuse.
const LONGEST: u32 = Timeout::MAX.as_secs();

/// Sets in memory. A clone is another session with the same sets.
///
/// Time goes as the callers say: an entry is there until the first `now` that is its end or later.
/// What asks for no instant takes the last that was said. A list is in the order in which entries
/// came.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Sets>>);

#[derive(Debug, Default)]
struct Sets {
    by_name: BTreeMap<SetName, Held>,
    now: Timestamp,
    refusals: u32,
    /// How many entries have come.
    came: u64,
}

#[derive(Debug)]
struct Held {
    set: Set,
    entries: PrefixMap<Numbered>,
}

/// An entry, and how many came before it.
#[derive(Debug)]
struct Numbered {
    entry: Entry,
    number: u64,
}

impl Memory {
    /// One without sets.
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of networks of a family without comments and without a bound.
    pub fn networks(name: SetName, family: Family) -> Set {
        Set {
            name,
            family,
            takes: Takes::Networks,
            kind: "hash:net".to_owned(),
            comments: false,
            most: None,
            entries: None,
            forgets: false,
            bits: None,
        }
    }

    /// Makes a set that is empty, in the place of one that is there.
    pub fn create(&self, set: Set) {
        let held = Held {
            entries: PrefixMap::default(),
            set,
        };
        self.lock().by_name.insert(held.set.name.clone(), held);
    }

    /// Refuses so many of the entries that are put next, because their set is full.
    pub fn refuse_next(&self, entries: u32) {
        self.lock().refusals = entries;
    }

    /// The names of all sets.
    pub fn names(&self) -> Vec<SetName> {
        self.lock().by_name.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Sets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sets {
    fn find(&mut self, name: &SetName) -> Result<&mut Held, Error> {
        let now = self.now;
        let held = self.by_name.get_mut(name).ok_or_else(|| {
            let why = format!("cannot reach set \"{name}\": it does not exist");
            Error::new(Kind::Missing, why)
        })?;
        held.expire(now);
        Ok(held)
    }

    fn put(&mut self, name: &SetName, entry: &Entry, if_there: IfThere) -> Result<(), Error> {
        let now = self.now;
        self.came += 1;
        let came = self.came;
        let is_refused = self.refusals > 0;
        self.refusals = self.refusals.saturating_sub(1);
        let held = self.find(name)?;
        let refused = |kind, why: &str| {
            let network = spelled(entry.network);
            let why = format!("cannot add {network} to set \"{name}\": {why}");
            Err(Error::new(kind, why))
        };
        let single = is_single_address(entry.network);
        if let Left::Seconds(seconds) = entry.end.left_at_least(now) {
            if seconds > LONGEST {
                return refused(Kind::Other, "it ends too late");
            }
        }
        if Family::of(entry.network.address()) != held.set.family {
            return refused(Kind::Other, "it is of the other family");
        }
        if !single && !held.set.holds_networks() || entry.network.prefix_length() == 0 {
            return refused(Kind::Other, "the set takes no such network");
        }
        if entry.exception && !held.set.holds_networks() {
            return refused(Kind::Other, "the set takes no exceptions");
        }
        if entry.comment.is_some() && !held.set.comments {
            return refused(Kind::Other, "the set keeps no comments");
        }
        let has_one = held.entries.get(entry.network).is_some();
        if has_one && if_there == IfThere::Refuse {
            return refused(Kind::There, "it is there already");
        }
        let most = held.set.most.and_then(|most| usize::try_from(most).ok());
        if is_refused || (!has_one && most.is_some_and(|most| held.entries.len() >= most)) {
            return refused(Kind::Full, "the set is full");
        }
        let mut entry = entry.clone();
        if let End::At(_) = entry.end {
            entry.end = entry.end.max(End::after(now, 1));
        }
        let before = held.entries.get(entry.network);
        let number = before.map_or(came, |before| before.number);
        held.entries
            .insert(entry.network, Numbered { entry, number });
        Ok(())
    }
}

impl Held {
    fn expire(&mut self, now: Timestamp) {
        let over = self
            .entries
            .iter()
            .filter(|(_, held)| held.entry.end <= End::At(now));
        let over: Vec<_> = over.map(|(network, _)| network).collect();
        for network in over {
            self.entries.remove(network);
        }
    }
}

impl Backend for Memory {
    fn longest(&self) -> u32 {
        LONGEST
    }

    fn set(&mut self, name: &SetName) -> Result<Option<Set>, Error> {
        let mut sets = self.lock();
        Ok(sets.find(name).ok().map(|held| Set {
            entries: u32::try_from(held.entries.len()).ok(),
            ..held.set.clone()
        }))
    }

    fn fillable(&mut self, name: &SetName, family: Family, networks: bool) -> Result<Set, Error> {
        let unfit = |why: &str| {
            Err(Error::other(format!(
                "cannot add to set \"{name}\": it {why}"
            )))
        };
        match self.set(name)? {
            None => unfit("does not exist"),
            Some(set) if set.family != family => unfit("is of the other family"),
            Some(set) if !matches!(set.takes, Takes::Networks | Takes::Addresses) => {
                unfit("takes no addresses")
            }
            Some(set) if networks && !set.holds_networks() => unfit("takes no networks"),
            Some(set) => Ok(set),
        }
    }

    fn make(&mut self, name: &SetName, family: Family) -> Result<(), Error> {
        if self.set(name)?.is_none() {
            self.create(Set {
                comments: true,
                ..Self::networks(name.clone(), family)
            });
        }
        Ok(())
    }

    fn put(
        &mut self,
        name: &SetName,
        entries: &[Entry],
        now: Timestamp,
        if_there: IfThere,
    ) -> Result<Vec<Refusal>, Error> {
        let mut sets = self.lock();
        sets.now = now;
        sets.find(name)?;
        let mut refused = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            if let Err(error) = sets.put(name, entry, if_there) {
                refused.push(Refusal { place, error });
            }
        }
        Ok(refused)
    }

    fn take_out(&mut self, name: &SetName, network: Network) -> Result<bool, Error> {
        let mut sets = self.lock();
        Ok(sets.find(name)?.entries.remove(network).is_some())
    }

    fn list(
        &mut self,
        name: &SetName,
        now: Timestamp,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut sets = self.lock();
        sets.now = now;
        let mut entries: Vec<_> = sets.find(name)?.entries.iter().collect();
        entries.sort_by_key(|(_, held)| held.number);
        for (_, held) in entries {
            if each(held.entry.clone()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn matches(&mut self, name: &SetName, network: Network) -> Result<bool, Error> {
        let mut sets = self.lock();
        let entries = &sets.find(name)?.entries;
        let entry = if is_single_address(network) {
            entries.covering(network).next()
        } else {
            entries.get(network)
        };
        Ok(entry.is_some_and(|held| !held.entry.exception))
    }

    fn excepts(&mut self, name: &SetName, address: IpAddr) -> Result<bool, Error> {
        let mut sets = self.lock();
        let held = sets.find(name)?;
        if !held.set.holds_networks() {
            let why = format!("set \"{name}\" has no exceptions");
            return Err(Error::other(why));
        }
        let entry = held.entries.covering(address.into()).next();
        Ok(entry.is_some_and(|held| held.entry.exception))
    }

    fn cure(&mut self, name: &SetName) -> Option<String> {
        Some(format!("to make room, take entries out of {name}"))
    }
}
