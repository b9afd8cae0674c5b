//! One entry of a set.

use super::exchange::{Failure, serialize};
use crate::error::{InputError, Operation};
use crate::packet::errno::IPSET_ERR_EXIST;
use crate::packet::{Command, IpSetAttribute};
use crate::{
    Element, Entry, Error, Family, IfExists, IfMissing, IpSet, Key, Method, SetName, SetType,
    Transport, TypeOfSet,
};

impl<T: Transport> IpSet<T> {
    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// It is in the set already and `if_exists` is [`IfExists::Fail`] ([`Error::is_entry_exists`]);
    /// the set is full ([`Error::is_set_full`]), holds addresses of the other family
    /// ([`Error::is_family_mismatch`]), is a bitmap of another range ([`Error::is_out_of_range`]),
    /// has another type ([`Error::is_key_mismatch`]), or was created without what the entry carries
    /// ([`Error::is_timeout_unsupported`], [`Error::is_comment_unsupported`],
    /// [`Error::is_counters_unsupported`], [`Error::is_skbinfo_unsupported`]); the set that is the
    /// entry does not exist ([`Error::is_entry_set_not_found`]). No `hash:net` takes a prefix
    /// length of 0.
    ///
    /// A key that stands for many entries, such as a range, is added one by one: what came before
    /// the one that is refused stays.
    pub fn add(&mut self, set: &SetName, entry: &Entry, if_exists: IfExists) -> Result<(), Error> {
        let flags = if_exists.flag();
        self.change_entry(Command::Add, set, entry, flags)
            .map_err(|failure| {
                let (key, set) = (entry.key.clone(), set.clone());
                self.explain(Operation::Add { key, set }, failure)
            })
    }

    /// Deletes an entry; `false` if it was not in the set.
    ///
    /// A key that stands for many entries, such as a range, is deleted one by one up to the first
    /// that is not in the set. [`IpSet::delete_entry`] with [`IfMissing::Ignore`] deletes those
    /// that are.
    ///
    /// # Errors
    ///
    /// The set holds addresses of the other family ([`Error::is_family_mismatch`]).
    pub fn delete(&mut self, set: &SetName, key: &Key) -> Result<bool, Error> {
        match self.delete_entry(set, &Entry::new(key.clone()), IfMissing::Fail) {
            Ok(()) => Ok(true),
            Err(error) if error.is_entry_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an entry, which may have to stand [before](Entry::before) or [after](Entry::after)
    /// another in a `list:set`, or all entries that its key stands for: with [`IfMissing::Ignore`]
    /// those of a range or network that are in the set, whichever they are.
    ///
    /// # Errors
    ///
    /// As [`IpSet::delete`]; with [`IfMissing::Fail`], one of them is not in the set
    /// ([`Error::is_entry_missing`]). Those before it are deleted then. A place in a `list:set`
    /// that the entry does not have is an error in any case ([`Error::is_position_not_found`]).
    pub fn delete_entry(
        &mut self,
        set: &SetName,
        entry: &Entry,
        if_missing: IfMissing,
    ) -> Result<(), Error> {
        let flags = if_missing.flag();
        self.change_entry(Command::Delete, set, entry, flags)
            .map_err(|failure| {
                let (key, set) = (entry.key.clone(), set.clone());
                self.explain(Operation::Delete { key, set }, failure)
            })
    }

    /// Whether the set matches: for an address, whether a packet with this address would match, in
    /// a `hash:net` through any network that contains it; for a network, whether exactly this
    /// network is an entry.
    ///
    /// The kernel looks an address up in networks of every size the set has, from small to large,
    /// and a network only in those of its own size: a network is not "in" a larger one.
    /// [`IpSet::contains_exactly`] tells whether an address is an entry itself. What a set cannot
    /// hold, such as an address of the other family, is not in it.
    ///
    /// # Errors
    ///
    /// `key` is not of the set's type, or stands for many entries of it, such as a network in a
    /// `hash:ip` ([`Error::is_key_mismatch`]).
    pub fn contains(&mut self, set: &SetName, key: &Key) -> Result<bool, Error> {
        self.look_for(set, &Entry::new(key.clone()))
            .map_err(|failure| self.explain(look(set, key), failure))
    }

    /// As [`IpSet::contains`], for an entry with more than a key: an [exception](Entry::nomatch),
    /// or one that stands [before](Entry::before) or [after](Entry::after) another in a `list:set`.
    ///
    /// # Errors
    ///
    /// As [`IpSet::contains`].
    pub fn test(&mut self, set: &SetName, entry: &Entry) -> Result<bool, Error> {
        self.look_for(set, entry)
            .map_err(|failure| self.explain(look(set, &entry.key), failure))
    }

    /// Whether exactly this is an entry of the set: an address inside one of its networks is not.
    /// Exceptions ([`Entry::nomatch`](crate::Entry#structfield.nomatch)) do not count.
    ///
    /// For an address in a set of networks, or in one with a netmask or its like, the set is read
    /// through, since the kernel has no such question.
    ///
    /// # Errors
    ///
    /// As [`IpSet::contains`].
    pub fn contains_exactly(&mut self, set: &SetName, key: &Key) -> Result<bool, Error> {
        self.look_for_exactly(set, key)
            .map_err(|failure| self.explain(look(set, key), failure))
    }

    fn look_for_exactly(&mut self, set: &SetName, key: &Key) -> Result<bool, Failure> {
        if !self.matches_more_than_its_entries(set, key)? {
            return self.look_for(set, &Entry::new(key.clone()));
        }
        let mut found = false;
        self.read_entries(set, |entry| found |= entry.key == *key && !entry.nomatch)?;
        Ok(found)
    }

    /// Whether an address of the key can match through an entry that is a network, or with bits
    /// that the set leaves out of account.
    fn matches_more_than_its_entries(&mut self, set: &SetName, key: &Key) -> Result<bool, Failure> {
        let set_type = self.ask_set_type(set)?;
        let address = |element: &Element| matches!(element, Element::Ip(_));
        let (true, Some(definition)) = (key.elements().iter().any(address), set_type.definition())
        else {
            return Ok(false);
        };
        if set_type.holds_networks() || definition.options.is_empty() {
            return Ok(set_type.holds_networks());
        }
        let options = self.read_header(set)?.options;
        Ok(options.netmask.is_some() || options.bitmask.is_some() || options.mark_mask.is_some())
    }

    fn look_for(&mut self, set: &SetName, entry: &Entry) -> Result<bool, Failure> {
        present(self.change_entry(Command::Test, set, entry, 0))
    }

    fn change_entry(
        &mut self,
        command: Command,
        set: &SetName,
        entry: &Entry,
        flags: u16,
    ) -> Result<(), Failure> {
        let TypeOfSet {
            set_type, family, ..
        } = self.ask_type_of(set)?;
        check(&set_type, family, entry, command)?;
        let attributes = vec![IpSetAttribute::SetName(set.as_bytes().into())];
        let mut request = serialize(command, attributes, flags)?;
        let line = (command != Command::Test).then_some(0);
        if !entry.append(&mut request, line) {
            return Err(InputError::EntryTooLong.into());
        }
        self.change_serialized(&mut request)
    }
}

/// What the kernel would leave out of account, or call malformed.
pub(super) fn check(
    set_type: &SetType,
    family: Family,
    entry: &Entry,
    command: Command,
) -> Result<(), InputError> {
    let key_is = |error: fn(Key, SetType) -> InputError| {
        let key = entry.key.clone();
        Err(error(key, set_type.clone()))
    };
    if !set_type.accepts(&entry.key) {
        return key_is(|key, set_type| InputError::NotOfType { key, set_type });
    }
    for element in entry.key.elements() {
        // It would be stored as a protocol without types.
        if let Element::Port(port) = element {
            if port.family().is_some_and(|of_port| of_port != family) {
                return key_is(|key, set_type| InputError::NotOfType { key, set_type });
            }
        }
    }
    let plain = command != Command::Test && !entry.nomatch && entry.position.is_none();
    let (false, Some(definition)) = (plain, set_type.definition()) else {
        return Ok(());
    };
    // It would look for the first of them only.
    if command == Command::Test && !definition.holds(entry.key.elements()) {
        return key_is(|key, set_type| InputError::NotOneEntry { key, set_type });
    }
    let option = if entry.nomatch && !set_type.holds_networks() {
        "nomatch"
    } else if entry.position.is_some() && set_type.method() != Some(Method::List) {
        "before or after"
    } else {
        return Ok(());
    };
    let set_type = set_type.clone();
    Err(InputError::Option { set_type, option })
}

fn present(answer: Result<(), Failure>) -> Result<bool, Failure> {
    match answer {
        Ok(()) => Ok(true),
        Err(failure) if failure.code() == Some(IPSET_ERR_EXIST) => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn look(set: &SetName, key: &Key) -> Operation {
    Operation::Test {
        key: key.clone(),
        set: set.clone(),
    }
}
