//! All entries of a set replaced in one step.

use std::borrow::Borrow;

use super::bulk::Change;
use crate::set_type::Method;
use crate::{CreateSet, Entry, Error, IfExists, IfMissing, IpSet, SetName, SetType, Transport};

/// What became of a set whose contents were replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replaced {
    /// How many entries the set was given; one that stands for many, such as a range, counts as
    /// one.
    pub entries: u64,
    /// The set that holds the former contents, if it could not be removed because another program
    /// has been listing it for a second. The next [`IpSet::replace_all`] of the set removes it.
    pub remains: Option<SetName>,
}

impl<T: Transport> IpSet<T> {
    /// Gives a set other contents in one step: who asks the set finds the former entries or the new
    /// ones, and never anything between. Rules and sets may refer to it all the while. Of entries
    /// that have the same key the last counts.
    ///
    /// The new set has the type, family and options of the old one. Its hash size is chosen from
    /// the number of entries, which are gone through twice for that; `maxelem`, or the size of a
    /// list, grows if they are more than that.
    ///
    /// Meanwhile there is a second set, called `~PORT~NAME` after this session's netlink port in
    /// eight hexadecimal digits and as much of the set's name as fits. Should this program be
    /// killed, it stays behind; the next `replace_all` of the set removes it when nobody has that
    /// port any more and nothing refers to it.
    ///
    /// # Errors
    ///
    /// An entry was refused, for one of the reasons of [`IpSet::add`]; there is no set of that
    /// name; or another program has been listing it for a second ([`Error::is_busy`]). The set is
    /// as it was then, but where that is not known ([`Error::is_outcome_unknown`]).
    pub fn replace_all<I>(&mut self, set: &SetName, entries: I) -> Result<Replaced, Error>
    where
        I: IntoIterator<IntoIter: Clone>,
        I::Item: Borrow<Entry>,
    {
        let entries = entries.into_iter();
        let counted = entries.clone();
        let number = |set_type: &SetType| number_of(set_type, counted);
        self.replace(set, number, entries)
    }

    /// As [`IpSet::replace_all`], for entries of which it is known how many the set will have of
    /// them: they are gone through once.
    ///
    /// # Errors
    ///
    /// As [`IpSet::replace_all`]; with more entries than `number` the set may be full.
    pub fn replace_counted<I>(
        &mut self,
        set: &SetName,
        number: u64,
        entries: I,
    ) -> Result<Replaced, Error>
    where
        I: IntoIterator,
        I::Item: Borrow<Entry>,
    {
        self.replace(set, |_| number, entries)
    }

    fn replace<I>(
        &mut self,
        set: &SetName,
        number: impl FnOnce(&SetType) -> u64,
        entries: I,
    ) -> Result<Replaced, Error>
    where
        I: IntoIterator,
        I::Item: Borrow<Entry>,
    {
        let header = self.header(set)?;
        let mut temporary = CreateSet::from(&header);
        temporary.name = temporary_name(set, self.session.transport().port());
        let number = number(&temporary.set_type);
        make_room(&mut temporary, number);
        self.remove_leftovers(set)?;
        self.create(&temporary, IfExists::Fail)?;
        let temporary = temporary.name;
        let replaced = self
            .fill(set, &temporary, entries)
            .and_then(|n| self.swap(&temporary, set).map(|()| n));
        // After the swap it has the former contents, before it what nobody wants.
        let removed = self.destroy(&temporary, IfMissing::Ignore);
        Ok(Replaced {
            entries: replaced?,
            remains: removed.is_err().then_some(temporary),
        })
    }

    fn fill<I>(&mut self, set: &SetName, temporary: &SetName, entries: I) -> Result<u64, Error>
    where
        I: IntoIterator,
        I::Item: Borrow<Entry>,
    {
        let change = Change::add_in_place_of(set, temporary);
        let mut outcome = self.change_all(change, entries)?;
        match outcome.failures.pop() {
            Some(failure) => Err(failure.error),
            None => Ok(outcome.accepted),
        }
    }

    /// Removes the temporary sets of runs that were killed while they replaced this set.
    fn remove_leftovers(&mut self, set: &SetName) -> Result<(), Error> {
        for name in self.names()? {
            let Some(port) = port_in(&name, set) else {
                continue;
            };
            // A session replaces one set at a time: what has our own port is not in use.
            if port == self.session.transport().port() {
                self.destroy(&name, IfMissing::Ignore)?;
                continue;
            }
            // Held until the set is gone, so that no other session can get it and begin.
            let claim = self.session.transport().claim_port(port);
            if claim.is_some() {
                // Somebody may have given it to a rule: it is in nobody's way, and stays then.
                let _ = self.destroy(&name, IfMissing::Ignore);
            }
        }
        Ok(())
    }
}

fn temporary_name(set: &SetName, port: u32) -> SetName {
    let mut name = format!("~{port:08x}~").into_bytes();
    name.extend_from_slice(set.as_bytes());
    name.truncate(SetName::MAX_LEN);
    SetName::from_kernel(&name)
}

/// The port of the session that made this temporary set for that set, if it is one.
fn port_in(name: &SetName, set: &SetName) -> Option<u32> {
    let digits = name.as_str().strip_prefix('~')?.get(..8)?;
    let port = u32::from_str_radix(digits, 16).ok()?;
    (*name == temporary_name(set, port)).then_some(port)
}

/// How many entries a set of this type has of those that are given.
fn number_of<I>(set_type: &SetType, entries: I) -> u64
where
    I: Iterator,
    I::Item: Borrow<Entry>,
{
    let Some(definition) = set_type.definition() else {
        return 0;
    };
    entries.fold(0, |sum: u64, entry| {
        sum.saturating_add(definition.most_entries(entry.borrow().key.elements()))
    })
}

/// Makes the set large enough for so many entries, and its hash as large as makes adding them
/// fastest.
fn make_room(create: &mut CreateSet, number: u64) {
    if create.set_type.definition().is_none() {
        return;
    }
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let kind = create.set_type.method();
    let options = &mut create.options;
    if let Some(size) = &mut options.size {
        *size = number.max(*size);
    }
    if kind == Some(Method::Hash) {
        let buckets = (number / 2).checked_next_power_of_two();
        let buckets = buckets.unwrap_or(CreateSet::MAX_HASH_SIZE);
        options.hash_size = Some(buckets.clamp(IPSET_DEFAULT_HASHSIZE, CreateSet::MAX_HASH_SIZE));
        options.max_elements = options.max_elements.map(|most| most.max(number));
    }
}

// linux/netfilter/ipset/ip_set_hash.h
const IPSET_DEFAULT_HASHSIZE: u32 = 1024;
