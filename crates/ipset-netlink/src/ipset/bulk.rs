//! Many entries of a set, about a thousand in a message.

use std::borrow::Borrow;
use std::ops::ControlFlow;

use super::batch::Batch;
use super::element::check;
use super::exchange::Failure;
use crate::error::Operation;
use crate::packet::Command;
use crate::{
    Entry, Error, Family, IfExists, IfMissing, IpSet, Key, SetHeader, SetName, SetType, Transport,
};

/// What became of many entries.
#[derive(Debug, Default)]
#[non_exhaustive]
#[must_use = "entries that were refused are in it"]
pub struct BulkOutcome {
    /// How many the kernel took; with [`IfExists::Update`] those too that were there, with
    /// [`IfMissing::Ignore`] those that were not.
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
    /// The entries are taken as they are sent, some 30 KiB at a time. One that the kernel refuses
    /// does not stop the others: it is in the outcome with the reason, which is one of those that
    /// [`IpSet::add`] has. The set is not changed in one step; for that there is
    /// [`IpSet::replace_all`].
    ///
    /// # Errors
    ///
    /// Nothing more can be done: the set does not exist or has been destroyed meanwhile, the
    /// privilege is missing, or the transport fails. The text says how many entries were added
    /// before.
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
        self.change_all(add_to(set, if_exists, OnRefusal::GoOn), entries)
    }

    /// As [`IpSet::add_all`], but ends at the first entry that is refused: all before it are in the
    /// set then, and none after it.
    ///
    /// # Errors
    ///
    /// As [`IpSet::add_all`].
    pub fn try_add_all<I>(
        &mut self,
        set: &SetName,
        entries: I,
        if_exists: IfExists,
    ) -> Result<BulkOutcome, Error>
    where
        I: IntoIterator,
        I::Item: Borrow<Entry>,
    {
        self.change_all(add_to(set, if_exists, OnRefusal::Stop), entries)
    }

    /// Deletes many entries, as [`IpSet::add_all`] adds them.
    ///
    /// # Errors
    ///
    /// As [`IpSet::add_all`]. With [`IfMissing::Fail`], an entry that was not in the set is among
    /// the failures ([`Error::is_entry_missing`]).
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
        let entries = keys.into_iter().map(|key| Entry::new(key.borrow().clone()));
        self.change_all(delete_from(set, if_missing, OnRefusal::GoOn), entries)
    }

    /// As [`IpSet::delete_all`], but ends at the first entry that is refused: all before it are out
    /// of the set then, and none after it.
    ///
    /// # Errors
    ///
    /// As [`IpSet::add_all`].
    pub fn try_delete_all<I>(
        &mut self,
        set: &SetName,
        keys: I,
        if_missing: IfMissing,
    ) -> Result<BulkOutcome, Error>
    where
        I: IntoIterator,
        I::Item: Borrow<Key>,
    {
        let entries = keys.into_iter().map(|key| Entry::new(key.borrow().clone()));
        self.change_all(delete_from(set, if_missing, OnRefusal::Stop), entries)
    }

    pub(super) fn change_all<I>(
        &mut self,
        change: Change<'_>,
        entries: I,
    ) -> Result<BulkOutcome, Error>
    where
        I: IntoIterator,
        I::Item: Borrow<Entry>,
    {
        let mut bulk = Bulk::new(self, change)?;
        for entry in entries {
            if bulk.push(entry.borrow())?.is_break() {
                return Ok(bulk.outcome);
            }
        }
        bulk.finish()
    }
}

/// What is done with many entries.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    command: Command,
    set: &'a SetName,
    /// The set that errors speak of.
    told: &'a SetName,
    flags: u16,
    on_refusal: OnRefusal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnRefusal {
    GoOn,
    Stop,
}

fn add_to(set: &SetName, if_exists: IfExists, on_refusal: OnRefusal) -> Change<'_> {
    Change {
        command: Command::Add,
        set,
        told: set,
        flags: if_exists.flag(),
        on_refusal,
    }
}

fn delete_from(set: &SetName, if_missing: IfMissing, on_refusal: OnRefusal) -> Change<'_> {
    Change {
        command: Command::Delete,
        set,
        told: set,
        flags: if_missing.flag(),
        on_refusal,
    }
}

impl<'a> Change<'a> {
    /// Adds entries to `set`, up to the first that is refused, in the place of another set.
    pub(super) fn add_in_place_of(told: &'a SetName, set: &'a SetName) -> Self {
        Self {
            told,
            ..add_to(set, IfExists::Update, OnRefusal::Stop)
        }
    }

    fn of_one(&self, key: Key) -> Operation {
        let set = self.told.clone();
        match self.command {
            Command::Delete => Operation::Delete { key, set },
            _ => Operation::Add { key, set },
        }
    }

    fn of_all(&self, accepted: u64) -> Operation {
        let set = self.told.clone();
        match self.command {
            Command::Delete => Operation::DeleteAll { set, accepted },
            _ => Operation::AddAll { set, accepted },
        }
    }
}

struct Bulk<'a, T: Transport> {
    session: &'a mut IpSet<T>,
    change: Change<'a>,
    set_type: SetType,
    family: Family,
    batch: Batch,
    /// The place in the iterator of the first entry of the batch.
    first: u64,
    /// How many to send in one message.
    stride: usize,
    outcome: BulkOutcome,
    /// The header of the set, once an error wanted it.
    header: Option<SetHeader>,
}

impl<'a, T: Transport> Bulk<'a, T> {
    fn new(session: &'a mut IpSet<T>, change: Change<'a>) -> Result<Self, Error> {
        let Change {
            command,
            set,
            flags,
            ..
        } = change;
        let known = session
            .ask_type_of(set)
            .and_then(|known| Ok((known, Batch::new(command, set, flags)?)));
        match known {
            Ok((known, batch)) => Ok(Self {
                session,
                change,
                set_type: known.set_type,
                family: known.family,
                batch,
                first: 0,
                stride: usize::MAX,
                outcome: BulkOutcome::default(),
                header: None,
            }),
            Err(failure) => Err(session.explain(change.of_all(0), failure)),
        }
    }

    fn push(&mut self, entry: &Entry) -> Result<ControlFlow<()>, Error> {
        let pushed = check(&self.set_type, self.family, entry, self.change.command)
            .and_then(|()| self.batch.push(entry));
        if let Err(error) = pushed {
            // Nothing was appended; its turn comes after those before it.
            if self.send()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.first += 1;
            return Ok(self.refuse(self.first - 1, entry.key.clone(), error.into()));
        }
        if self.batch.is_full() {
            return self.send();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(mut self) -> Result<BulkOutcome, Error> {
        self.send().map(|_| self.outcome)
    }

    /// Sends what was collected.
    ///
    /// The kernel stops at the first entry it refuses. We go on after that one with a single
    /// entry and double with each success, so that a set that is full does not cost a message of
    /// a thousand entries for each of them.
    fn send(&mut self) -> Result<ControlFlow<()>, Error> {
        let mut next = 0;
        while next < self.batch.len() {
            let end = next.saturating_add(self.stride).min(self.batch.len());
            let request = self.batch.request(next, end);
            match self.session.change_serialized(request) {
                Ok(()) => {
                    self.accept(end - next);
                    self.stride = self.stride.saturating_mul(2);
                    next = end;
                }
                Err(failure) => {
                    let Some((refused, key)) = self.refused(&failure, next, end) else {
                        let operation = self.change.of_all(self.outcome.accepted);
                        return Err(self.session.explain(operation, failure));
                    };
                    self.accept(refused - next);
                    if self
                        .refuse(self.first + refused as u64, key, failure)
                        .is_break()
                    {
                        return Ok(ControlFlow::Break(()));
                    }
                    self.stride = 1;
                    next = refused + 1;
                }
            }
        }
        self.first += next as u64;
        self.batch.clear();
        Ok(ControlFlow::Continue(()))
    }

    /// The entry among those just sent that the kernel refused, if it refused one and not all.
    fn refused(&self, failure: &Failure, from: usize, to: usize) -> Option<(usize, Key)> {
        let index = usize::try_from(failure.refused_line()?)
            .ok()?
            .checked_sub(1)?;
        if !(from..to).contains(&index) {
            return None;
        }
        let entry = self.batch.entry(index)?;
        let entry = Entry::decode(self.set_type.definition(), entry).ok()?;
        Some((index, entry.key))
    }

    fn accept(&mut self, n: usize) {
        self.outcome.accepted += n as u64;
    }

    fn refuse(&mut self, index: u64, key: Key, failure: Failure) -> ControlFlow<()> {
        let operation = self.change.of_one(key.clone());
        let error = self
            .session
            .explain_with(operation, failure, &mut self.header);
        self.outcome
            .failures
            .push(EntryFailure { index, key, error });
        match self.change.on_refusal {
            OnRefusal::GoOn => ControlFlow::Continue(()),
            OnRefusal::Stop => ControlFlow::Break(()),
        }
    }
}
