//! Questions about the kernel and the index of a set.

use super::exchange::Failure;
use crate::error::Operation;
use crate::packet::{Command, IpSetAttribute};
use crate::{DecodeError, Error, Family, IpSet, SetIndex, SetName, SetType, Transport};

/// The protocol versions a kernel speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protocol {
    /// The newest.
    pub current: u8,
    /// The oldest.
    pub minimum: u8,
}

/// The revisions of a set type that a kernel knows: its version numbers for the type's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revisions {
    /// The oldest.
    pub minimum: u8,
    /// The newest.
    pub maximum: u8,
}

/// What a set is, see [`IpSet::type_of`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeOfSet {
    /// The type.
    pub set_type: SetType,
    /// The family of all its addresses.
    pub family: Family,
    /// The revision of the type.
    pub revision: u8,
}

impl<T: Transport> IpSet<T> {
    /// The revisions of a set type that the kernel knows. Asking makes the kernel load the type's
    /// module.
    ///
    /// # Errors
    ///
    /// The kernel does not know the type in this family ([`Error::is_type_unknown`]).
    pub fn revisions(&mut self, set_type: &SetType, family: Family) -> Result<Revisions, Error> {
        self.ask_revisions(set_type, family).map_err(|failure| {
            let operation = Operation::Revisions {
                set_type: set_type.clone(),
                family,
            };
            self.explain(operation, failure)
        })
    }

    /// The type, family and revision of a set, without counting what is in it as
    /// [`IpSet::header`] does.
    ///
    /// # Errors
    ///
    /// There is no set of that name.
    pub fn type_of(&mut self, set: &SetName) -> Result<TypeOfSet, Error> {
        self.ask_type_of(set)
            .map_err(|failure| self.explain(Operation::TypeOf(set.clone()), failure))
    }

    /// The name of the set that has this index.
    ///
    /// # Errors
    ///
    /// No set has it ([`Error::is_set_not_found`]).
    pub fn name_of(&mut self, index: u16) -> Result<SetName, Error> {
        self.ask_name_of(index)
            .map_err(|failure| self.explain(Operation::Name(index), failure))
    }

    /// The index of a set, which is what a rule that matches against it carries, and its family.
    ///
    /// # Errors
    ///
    /// There is no set of that name.
    pub fn index(&mut self, set: &SetName) -> Result<SetIndex, Error> {
        self.ask_index(set)
            .map_err(|failure| self.explain(Operation::Index(set.clone()), failure))
    }

    pub(super) fn ask_revisions(
        &mut self,
        set_type: &SetType,
        family: Family,
    ) -> Result<Revisions, Failure> {
        let attributes = vec![
            IpSetAttribute::TypeName(set_type.name().into()),
            IpSetAttribute::Family(family.into()),
        ];
        let mut minimum = None;
        let mut maximum = None;
        for attribute in self.ask(Command::Type, attributes)? {
            match attribute {
                IpSetAttribute::Revision(revision) => maximum = Some(revision),
                IpSetAttribute::RevisionMin(revision) => minimum = Some(revision),
                _ => {}
            }
        }
        let maximum = maximum.ok_or_else(|| lacks("revision"))?;
        Ok(Revisions {
            minimum: minimum.unwrap_or(maximum),
            maximum,
        })
    }

    pub(super) fn ask_set_type(&mut self, set: &SetName) -> Result<SetType, Failure> {
        self.ask_type_of(set).map(|answer| answer.set_type)
    }

    pub(super) fn ask_type_of(&mut self, set: &SetName) -> Result<TypeOfSet, Failure> {
        let (mut set_type, mut family, mut revision) = (None, None, None);
        let attributes = vec![IpSetAttribute::SetName(set.as_bytes().into())];
        for attribute in self.ask(Command::Header, attributes)? {
            match attribute {
                IpSetAttribute::TypeName(name) => set_type = name.parse().ok(),
                IpSetAttribute::Family(number) => family = Some(Family::from(number)),
                IpSetAttribute::Revision(number) => revision = Some(number),
                _ => {}
            }
        }
        Ok(TypeOfSet {
            set_type: set_type.ok_or_else(|| lacks("type"))?,
            family: family.ok_or_else(|| lacks("family"))?,
            revision: revision.ok_or_else(|| lacks("revision"))?,
        })
    }

    fn ask_name_of(&mut self, index: u16) -> Result<SetName, Failure> {
        let attributes = vec![IpSetAttribute::Index(index)];
        let answer = self.ask(Command::GetByIndex, attributes)?;
        let name = answer.iter().find_map(IpSetAttribute::set_name);
        name.map(SetName::from_kernel).ok_or_else(|| lacks("name"))
    }

    fn ask_index(&mut self, set: &SetName) -> Result<SetIndex, Failure> {
        let mut index = None;
        let mut family = None;
        let attributes = vec![IpSetAttribute::SetName(set.as_bytes().into())];
        for attribute in self.ask(Command::GetByName, attributes)? {
            match attribute {
                IpSetAttribute::Index(number) => index = Some(number),
                IpSetAttribute::Family(number) => family = Some(Family::from(number)),
                _ => {}
            }
        }
        let index = index.ok_or_else(|| lacks("index"))?;
        let family = family.ok_or_else(|| lacks("family"))?;
        Ok(SetIndex { index, family })
    }
}

fn lacks(what: &str) -> Failure {
    DecodeError::new(format!("it has no {what}")).into()
}
