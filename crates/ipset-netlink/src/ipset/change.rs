//! Sets made, exchanged and removed.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::exchange::{Failure, serialize};
use crate::error::Operation;
use crate::packet::{Command, IpSetAttribute};
use crate::{CreateSet, Error, IfExists, IfMissing, IpSet, SetName, Transport};

impl<T: Transport> IpSet<T> {
    /// Creates a set.
    ///
    /// # Errors
    ///
    /// There is a set of that name: with [`IfExists::Fail`] whatever it is, with
    /// [`IfExists::Update`] one with another type, family or options ([`Error::is_set_exists`], the
    /// text says what it is). The kernel does not know the type ([`Error::is_type_unknown`]) or the
    /// option.
    pub fn create(&mut self, set: &CreateSet, if_exists: IfExists) -> Result<(), Error> {
        let operation = Operation::Create {
            set: set.name.clone(),
            set_type: set.set_type.clone(),
            family: set.kernel_family(),
        };
        if let Err(error) = set.check() {
            return Err(Error::new(operation, error));
        }
        let family = set.kernel_family();
        let revision = match self.ask_revisions(&set.set_type, family) {
            Ok(revisions) => revisions.maximum,
            Err(failure) => return Err(self.explain(operation, failure)),
        };
        let flags = NLM_F_CREATE | if_exists.flag();
        self.change(Command::Create, set.attributes(revision), flags)
            .map_err(|failure| self.explain(operation, failure))
    }

    /// Deletes all entries of a set.
    ///
    /// # Errors
    ///
    /// There is no set of that name.
    pub fn flush(&mut self, set: &SetName) -> Result<(), Error> {
        self.change(Command::Flush, names(set, None), 0)
            .map_err(|failure| self.explain(Operation::Flush(set.clone()), failure))
    }

    /// Deletes all entries of all sets.
    ///
    /// # Errors
    ///
    /// As [`IpSet`] says.
    pub fn flush_all(&mut self) -> Result<(), Error> {
        self.change(Command::Flush, Vec::new(), 0)
            .map_err(|failure| self.explain(Operation::FlushAll, failure))
    }

    /// Exchanges two sets in one step: each gets the name of the other, and rules and sets that
    /// refer to one of the names find the other contents from then on. Nothing is ever half full.
    ///
    /// # Errors
    ///
    /// One of them does not exist ([`Error::is_set_not_found`]), they are not of the same type and
    /// family ([`Error::is_type_mismatch`]; their options may differ), or another program has been
    /// listing one for a second ([`Error::is_busy`]).
    pub fn swap(&mut self, a: &SetName, b: &SetName) -> Result<(), Error> {
        self.with_patience(&Operation::Swap(a.clone(), b.clone()), |session| {
            session.change(Command::Swap, names(a, Some(b)), 0)
        })
    }

    /// Gives a set another name. Not possible while rules or other sets refer to it.
    ///
    /// # Errors
    ///
    /// There is no set of the old name, there is one of the new ([`Error::is_set_exists`]), or it
    /// is in use ([`Error::is_busy`]).
    pub fn rename(&mut self, from: &SetName, to: &SetName) -> Result<(), Error> {
        self.with_patience(
            &Operation::Rename {
                from: from.clone(),
                to: to.clone(),
            },
            |session| session.change(Command::Rename, names(from, Some(to)), 0),
        )
    }

    /// Removes a set with everything in it. Not possible while rules or other sets refer to it.
    ///
    /// # Errors
    ///
    /// There is no set of that name and `if_missing` is [`IfMissing::Fail`]
    /// ([`Error::is_set_not_found`]), or it is in use ([`Error::is_busy`]).
    pub fn destroy(&mut self, set: &SetName, if_missing: IfMissing) -> Result<(), Error> {
        let flags = if_missing.flag();
        let destroyed = self.with_patience(&Operation::Destroy(set.clone()), |session| {
            session.change(Command::Destroy, names(set, None), flags)
        });
        // Older kernels do not know the flag here.
        match destroyed {
            Err(error) if error.is_set_not_found() && if_missing == IfMissing::Ignore => Ok(()),
            destroyed => destroyed,
        }
    }

    /// Removes all sets with everything in them, or none if one of them is in use by a rule or by
    /// another set.
    ///
    /// # Errors
    ///
    /// One is in use ([`Error::is_busy`]; the text says which).
    pub fn destroy_all(&mut self) -> Result<(), Error> {
        self.with_patience(&Operation::DestroyAll, |session| {
            session.change(Command::Destroy, Vec::new(), NLM_F_EXCL)
        })
    }

    /// Sends a request that the kernel only acknowledges.
    pub(super) fn change(
        &mut self,
        command: Command,
        attributes: Vec<IpSetAttribute>,
        flags: u16,
    ) -> Result<(), Failure> {
        self.change_serialized(&mut serialize(command, attributes, flags)?)
    }
}

fn names(set: &SetName, second: Option<&SetName>) -> Vec<IpSetAttribute> {
    let mut attributes = vec![IpSetAttribute::SetName(set.as_bytes().into())];
    attributes.extend(second.map(|second| IpSetAttribute::SetName2(second.as_bytes().into())));
    attributes
}
