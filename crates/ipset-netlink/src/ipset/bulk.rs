//! Many entries of a set, about a thousand in a message.

use std::borrow::Borrow;

use netlink_packet_core::NLM_F_EXCL;

use super::{element::check, exchange::Failure};
use crate::{
    Entry, Error, IfExists, IfMissing, IpSet, Key, SetHeader, SetName, SetType, Transport,
    error::{InputError, Operation},
    packet::{Command, EncodedEntries, EntryAttribute, IpSetAttribute},
};

/// What became of many entries.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "entries that were refused are in it"]
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

impl<T: Transport> IpSet<T> {
    /// Adds many entries, a million in about a second.
    ///
    /// The entries are taken as they are sent, some 30 KiB at a time. One that the kernel refuses does
    /// not stop the others: it is in the outcome with the reason, which is one of those that
    /// [`IpSet::add`] has. The set is not changed in one step; for that, fill another and
    /// [`IpSet::swap`].
    ///
    /// # Errors
    ///
    /// Nothing more can be done: the set does not exist or has been destroyed meanwhile, the
    /// privilege is missing, or the transport fails. The text says how many entries were added before.
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
        let flags = match if_exists {
            IfExists::Fail => NLM_F_EXCL,
            IfExists::Update => 0,
        };
        let mut bulk = Bulk::new(self, Command::Add, set, flags)?;
        for entry in entries {
            bulk.push(entry.borrow())?;
        }
        bulk.finish()
    }

    /// Deletes many entries, as [`IpSet::add_all`] adds them.
    ///
    /// # Errors
    ///
    /// As [`IpSet::add_all`]. With [`IfMissing::Fail`], an entry that was not in the set is among the
    /// failures ([`Error::is_entry_missing`]).
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
        let flags = match if_missing {
            IfMissing::Fail => NLM_F_EXCL,
            IfMissing::Ignore => 0,
        };
        let mut bulk = Bulk::new(self, Command::Delete, set, flags)?;
        for key in keys {
            bulk.push(&Entry::new(key.borrow().clone()))?;
        }
        bulk.finish()
    }
}

struct Bulk<'a, T: Transport> {
    session: &'a mut IpSet<T>,
    command: Command,
    set: &'a SetName,
    set_type: SetType,
    flags: u16,
    /// Entries that were collected and not sent, and where each of them ends.
    entries: EncodedEntries,
    ends: Vec<usize>,
    /// Room for the attributes of one entry.
    attributes: Vec<EntryAttribute>,
    /// The place in the iterator of the first of them.
    first: u64,
    /// How many to send in one message.
    stride: usize,
    outcome: BulkOutcome,
    /// The header of the set, once an error wanted it.
    header: Option<SetHeader>,
}

impl<'a, T: Transport> Bulk<'a, T> {
    fn new(
        session: &'a mut IpSet<T>,
        command: Command,
        set: &'a SetName,
        flags: u16,
    ) -> Result<Self, Error> {
        let set_type = session.ask_set_type(set);
        let mut bulk = Self {
            session,
            command,
            set,
            set_type: SetType::Other(String::new()),
            flags,
            entries: EncodedEntries::default(),
            ends: Vec::new(),
            attributes: Vec::new(),
            first: 0,
            stride: usize::MAX,
            outcome: BulkOutcome {
                accepted: 0,
                failures: Vec::new(),
            },
            header: None,
        };
        bulk.set_type = set_type.map_err(|failure| bulk.explain_all(failure))?;
        Ok(bulk)
    }

    fn push(&mut self, entry: &Entry) -> Result<(), Error> {
        let refused = match check(&self.set_type, entry, self.command) {
            Ok(()) => {
                let line = u32::try_from(self.ends.len() + 1).unwrap_or(u32::MAX);
                self.attributes.clear();
                entry.write(&mut self.attributes);
                self.attributes.push(EntryAttribute::LineNumber(line));
                let fits = self.entries.push(&self.attributes);
                (!fits).then_some(InputError::EntryTooLong)
            }
            Err(error) => Some(error),
        };
        if let Some(error) = refused {
            // Nothing was appended; its turn comes after those before it.
            self.send()?;
            self.refuse(0, entry.key.clone(), error.into());
            self.first += 1;
            return Ok(());
        }
        self.ends.push(self.entries.as_bytes().len());
        if self.entries.as_bytes().len() >= ENOUGH_BYTES {
            self.send()
        } else {
            Ok(())
        }
    }

    fn finish(mut self) -> Result<BulkOutcome, Error> {
        self.send()?;
        Ok(self.outcome)
    }

    /// Sends what was collected.
    ///
    /// The kernel stops at the first entry it refuses. We go on after that one with a single
    /// entry and double with each success, so that a set that is full does not cost a message of
    /// a thousand entries for each of them.
    fn send(&mut self) -> Result<(), Error> {
        let mut next = 0;
        while next < self.ends.len() {
            let end = next.saturating_add(self.stride).min(self.ends.len());
            match self.send_range(next, end) {
                Ok(()) => {
                    self.accept(end - next);
                    self.stride = self.stride.saturating_mul(2);
                    next = end;
                }
                Err(failure) => {
                    let Some((refused, key)) = self.refused(&failure, next, end) else {
                        return Err(self.explain_all(failure));
                    };
                    self.accept(refused - next);
                    self.refuse(refused, key, failure);
                    self.stride = 1;
                    next = refused + 1;
                }
            }
        }
        self.first += next as u64;
        self.entries.clear();
        self.ends.clear();
        Ok(())
    }

    fn send_range(&mut self, from: usize, to: usize) -> Result<(), Failure> {
        let bytes = self.encoded(from, to);
        let attributes = vec![
            IpSetAttribute::SetName(self.set.as_str().into()),
            // The kernel writes the line of the refused entry over this.
            IpSetAttribute::LineNumber(0),
            IpSetAttribute::Entries(EncodedEntries::from_bytes(bytes.to_vec())),
        ];
        self.session.change(self.command, attributes, self.flags)
    }

    /// The entry among those just sent that the kernel refused, if it refused one and not all.
    fn refused(&self, failure: &Failure, from: usize, to: usize) -> Option<(usize, Key)> {
        let Failure::Refused { line, .. } = failure else {
            return None;
        };
        let index = usize::try_from(*line).ok()?.checked_sub(1)?;
        if !(from..to).contains(&index) {
            return None;
        }
        let entry = EncodedEntries::from_bytes(self.encoded(index, index + 1).to_vec());
        let attributes = entry.iter().next()?.ok()?;
        let entry = Entry::decode(self.set_type.definition(), attributes).ok()?;
        Some((index, entry.key))
    }

    /// The bytes of some of the entries that were collected.
    fn encoded(&self, from: usize, to: usize) -> &[u8] {
        let offset = |n: usize| n.checked_sub(1).and_then(|n| self.ends.get(n)).copied();
        let (from, to) = (offset(from).unwrap_or(0), offset(to).unwrap_or(0));
        self.entries.as_bytes().get(from..to).unwrap_or_default()
    }

    fn accept(&mut self, n: usize) {
        self.outcome.accepted += n as u64;
    }

    fn refuse(&mut self, index: usize, key: Key, failure: Failure) {
        let (key_, set) = (key.clone(), self.set.clone());
        let operation = match self.command {
            Command::Delete => Operation::Delete { key: key_, set },
            _ => Operation::Add { key: key_, set },
        };
        let error = self
            .session
            .explain_with(operation, failure, &mut self.header);
        self.outcome.failures.push(EntryFailure {
            index: self.first + index as u64,
            key,
            error,
        });
    }

    fn explain_all(&mut self, failure: Failure) -> Error {
        let (set, accepted) = (self.set.clone(), self.outcome.accepted);
        let operation = match self.command {
            Command::Delete => Operation::DeleteAll { set, accepted },
            _ => Operation::AddAll { set, accepted },
        };
        self.session.explain(operation, failure)
    }
}

/// A message is sent when it has grown to this: about 1250 IPv4 or 830 IPv6 entries, of the 500 to
/// 2700 that are equally fast.
const ENOUGH_BYTES: usize = 30 * 1024;
