//! The one door to the sets.

use std::net::IpAddr;
use std::ops::ControlFlow;

use ipset_netlink::{Family, Network, SetName};
use jiff::Timestamp;

use crate::names::{PARDONED, of_family, pair};
use crate::network::holds;
use crate::{ByHand, End, Entry, Error, Members, Pardon, Pardons, Set};

/// What holds sets of networks with ends: entries are put, taken out, listed and asked for.
///
/// An implementation says what it can hold ([`longest`](Self::longest), [`set`](Self::set)), so that
/// nobody above has to know. It keeps these rules, which the tests of this crate ask of each:
///
/// - A packet's address matches a set by the entry with the longest prefix that covers it; not if
///   that is an exception.
/// - There is one entry for a network. Putting it again gives it the new end, the new comment or
///   none, and makes it an exception or none.
/// - An entry that has ended is as good as not there.
/// - What is refused changes nothing, and what is put after it goes in.
///
/// `now` is the instant that ends are counted from; whoever puts and lists by the same clock reads
/// the end that he has put, to a second.
pub trait Backend {
    /// The longest time in seconds that an entry can have left.
    fn longest(&self) -> u32;

    /// A set of any kind; `None` where there is none of that name.
    ///
    /// # Errors
    ///
    /// What holds the sets does not answer.
    fn set(&mut self, name: &SetName) -> Result<Option<Set>, Error>;

    /// A set that bans of a family can be put into; `networks` where they are of whole networks.
    ///
    /// # Errors
    ///
    /// It is missing or cannot hold such bans, and what to do about it.
    fn fillable(&mut self, name: &SetName, family: Family, networks: bool) -> Result<Set, Error>;

    /// Makes a set of networks that keeps comments. One that is there stays as it is.
    ///
    /// # Errors
    ///
    /// What holds the sets refuses.
    fn make(&mut self, name: &SetName, family: Family) -> Result<(), Error>;

    /// Puts entries into a set, a million in about a second. An end that is past is a second away.
    /// Those that were refused are the answer, in the order they came.
    ///
    /// # Errors
    ///
    /// Nothing more could be done at some point: only listing tells how far it came.
    fn put(
        &mut self,
        name: &SetName,
        entries: &[Entry],
        now: Timestamp,
        if_there: IfThere,
    ) -> Result<Vec<Refusal>, Error>;

    /// Takes the entry for this very network out; whether it was there.
    ///
    /// # Errors
    ///
    /// There is no such set, or it refuses.
    fn take_out(&mut self, name: &SetName, network: Network) -> Result<bool, Error>;

    /// Hands over one entry after the other, so that a million need no memory. `each` can end it
    /// early. What stands for no network is left out.
    ///
    /// # Errors
    ///
    /// There is no such set.
    fn list(
        &mut self,
        name: &SetName,
        now: Timestamp,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), Error>;

    /// Whether packets from an address match a set; of a network, whether the set has an entry for
    /// that very one that is no exception.
    ///
    /// # Errors
    ///
    /// There is no such set.
    fn matches(&mut self, name: &SetName, network: Network) -> Result<bool, Error>;

    /// Whether an address does not match a set because of an exception. Only of sets that hold
    /// networks.
    ///
    /// # Errors
    ///
    /// There is no such set, or it has no exceptions.
    fn excepts(&mut self, name: &SetName, address: IpAddr) -> Result<bool, Error>;

    /// What to type to make room in a set while a firewall uses it; `None` where the set cannot be
    /// asked.
    fn cure(&mut self, name: &SetName) -> Option<String>;

    /// All entries of a set.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    fn members(&mut self, name: &SetName, now: Timestamp) -> Result<Members, Error> {
        let mut members = Members::none(now);
        self.list(name, now, &mut |entry| {
            members.insert(entry.network, entry);
            ControlFlow::Continue(())
        })?;
        Ok(members)
    }

    /// Pardons a network from `by_hand.since` on, until `end`; the sets are made where they are
    /// missing.
    ///
    /// # Errors
    ///
    /// The set of pardons cannot be made or filled.
    fn pardon(&mut self, network: Network, by_hand: &ByHand, end: End) -> Result<(), Error> {
        let family = Family::of(network.address());
        let name = of_family(PARDONED, family);
        let name = name.ok_or_else(|| Error::other("no name for the set of pardons"))?;
        self.make(&name, family)?;
        let entry = Pardon::entry(network, by_hand, end);
        let mut refused = self.put(&name, &[entry], by_hand.since, IfThere::Replace)?;
        refused.pop().map_or(Ok(()), |refusal| Err(refusal.error))
    }

    /// Who is pardoned. Sets that are no sets of pardons have none.
    ///
    /// # Errors
    ///
    /// What holds the sets does not say.
    fn pardons(&mut self, now: Timestamp) -> Result<Pardons, Error> {
        let mut pardons = Vec::new();
        for (name, _) in pair(PARDONED) {
            let listed = self.list(&name, now, &mut |entry| {
                pardons.extend(Pardon::of(&entry));
                ControlFlow::Continue(())
            });
            match listed {
                Err(error) if !error.is_set_missing() => return Err(error),
                _ => {}
            }
        }
        Ok(pardons.into_iter().collect())
    }

    /// Takes back the pardons of a network and of those in it; whose they were.
    ///
    /// # Errors
    ///
    /// As [`pardons`](Self::pardons).
    fn lift_pardons(&mut self, network: Network, now: Timestamp) -> Result<Vec<Network>, Error> {
        let Some(name) = of_family(PARDONED, Family::of(network.address())) else {
            return Ok(Vec::new());
        };
        let pardons = self.pardons(now)?;
        let within = pardons.iter().map(|pardon| pardon.network);
        let within: Vec<_> = within
            .filter(|pardoned| holds(network, *pardoned))
            .collect();
        for pardoned in &within {
            self.take_out(&name, *pardoned)?;
        }
        Ok(within)
    }
}

/// What to do about an entry for a network that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfThere {
    /// It is refused.
    Refuse,
    /// It takes the other's place.
    Replace,
}

/// An entry that was refused.
#[derive(Debug)]
pub struct Refusal {
    /// Its place among those that were to be put, from 0.
    pub place: usize,
    /// Why.
    pub error: Error,
}
