//! A session with the kernel's ipset subsystem.

use std::borrow::Borrow;

use crate::{
    CreateSet, Entry, Error, Family, Key, NetlinkSocket, Set, SetHeader, SetIndex, SetName,
    SetType, Transport,
};

/// A session with the kernel's ipset subsystem.
#[derive(Debug)]
pub struct IpSet<T: Transport = NetlinkSocket> {
    transport: T,
}

impl IpSet {
    /// skeleton
    pub fn connect() -> Result<Self, Error> {
        todo!()
    }
}

/// skeleton
#[expect(unused_variables, clippy::missing_errors_doc)]
impl<T: Transport> IpSet<T> {
    /// skeleton
    pub fn with_transport(transport: T) -> Result<Self, Error> {
        todo!()
    }
    /// The protocol versions the kernel speaks.
    pub fn protocol(&self) -> Protocol {
        todo!()
    }
    /// skeleton
    pub fn revisions(&mut self, set_type: &SetType, family: Family) -> Result<Revisions, Error> {
        todo!()
    }
    /// skeleton; `IfExists::Update`: fine if it exists with the same type, family and options
    pub fn create(&mut self, set: &CreateSet, if_exists: IfExists) -> Result<(), Error> {
        todo!()
    }
    /// skeleton
    pub fn add(&mut self, set: &SetName, entry: &Entry, if_exists: IfExists) -> Result<(), Error> {
        todo!()
    }
    /// Err: nothing more can be done (set gone, no privilege); a refused entry is in the outcome.
    pub fn add_all<I>(
        &mut self,
        set: &SetName,
        entries: I,
        if_exists: IfExists,
    ) -> Result<BulkOutcome, Error>
    where
        I: IntoIterator,
        I::Item: Borrow<Entry>,
    {
        todo!()
    }
    /// false: was not in it
    pub fn delete(&mut self, set: &SetName, key: &Key) -> Result<bool, Error> {
        todo!()
    }
    /// skeleton
    pub fn delete_all<I>(
        &mut self,
        set: &SetName,
        keys: I,
        if_missing: IfMissing,
    ) -> Result<BulkOutcome, Error>
    where
        I: IntoIterator,
        I::Item: Borrow<Key>,
    {
        todo!()
    }
    /// Would a packet from/to this address match; for a network: is exactly this network in it.
    pub fn contains(&mut self, set: &SetName, key: &Key) -> Result<bool, Error> {
        todo!()
    }
    /// Is exactly this entry in it (an address inside a listed network is not).
    pub fn contains_exactly(&mut self, set: &SetName, key: &Key) -> Result<bool, Error> {
        todo!()
    }
    /// skeleton
    pub fn header(&mut self, set: &SetName) -> Result<SetHeader, Error> {
        todo!()
    }
    /// skeleton
    pub fn headers(&mut self) -> Result<Vec<SetHeader>, Error> {
        todo!()
    }
    /// skeleton
    pub fn list(&mut self, set: &SetName) -> Result<Set, Error> {
        todo!()
    }
    /// skeleton
    pub fn list_all(&mut self) -> Result<Vec<Set>, Error> {
        todo!()
    }
    /// skeleton
    pub fn names(&mut self) -> Result<Vec<SetName>, Error> {
        todo!()
    }
    /// skeleton
    pub fn index(&mut self, set: &SetName) -> Result<SetIndex, Error> {
        todo!()
    }
    /// skeleton
    pub fn flush(&mut self, set: &SetName) -> Result<(), Error> {
        todo!()
    }
    /// skeleton
    pub fn swap(&mut self, a: &SetName, b: &SetName) -> Result<(), Error> {
        todo!()
    }
    /// skeleton
    pub fn rename(&mut self, from: &SetName, to: &SetName) -> Result<(), Error> {
        todo!()
    }
    /// skeleton
    pub fn destroy(&mut self, set: &SetName) -> Result<(), Error> {
        todo!()
    }
}

/// What to do about a set or an entry that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfExists {
    /// It is an error.
    Fail,
    /// Fine (`-exist`): an entry takes the new timeout, comment and counters; a set must have the
    /// same type, family and options.
    Update,
}

/// What to do about an entry that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// It is an error.
    Fail,
    /// Fine (`-exist`).
    Ignore,
}

/// What became of many entries.
#[derive(Debug)]
#[non_exhaustive]
pub struct BulkOutcome {
    /// How many the kernel took.
    pub accepted: u64,
    /// Those it refused, in the order they came.
    pub failures: Vec<EntryFailure>,
}

impl BulkOutcome {
    /// Whether none was refused.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }
}

/// One entry that was refused.
#[derive(Debug)]
#[non_exhaustive]
pub struct EntryFailure {
    /// Its place in the iterator, from 0.
    pub index: u64,
    /// Its key.
    pub key: Key,
    /// Why.
    pub error: Error,
}

/// The protocol versions the kernel speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protocol {
    /// The newest.
    pub current: u8,
    /// The oldest.
    pub minimum: u8,
}

/// The revisions of a set type the kernel knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revisions {
    /// The oldest.
    pub minimum: u8,
    /// The newest.
    pub maximum: u8,
}
