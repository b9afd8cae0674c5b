//! Listings: the messages of a dump put together into sets.

use std::ops::ControlFlow;

use super::exchange::Failure;
use crate::error::Operation;
use crate::packet::{self, IpSetAttribute, IpSetMessage};
use crate::{DecodeError, Entry, Error, IpSet, Set, SetHeader, SetName, Transport};

/// A piece of a listing, see [`IpSet::for_each`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listed {
    /// A set begins. The entries that follow are its own, up to the next header.
    Header(SetHeader),
    /// An entry of the set that began last.
    Entry(Entry),
}

impl<T: Transport> IpSet<T> {
    /// Hands over a set, or all of them, piece by piece as the kernel lists them: a million entries
    /// take no more memory than ten.
    ///
    /// `each` can end it early. The rest is read and thrown away then, because a set can be neither
    /// swapped, renamed nor destroyed while its listing is not finished.
    ///
    /// # Errors
    ///
    /// There is no set of that name.
    pub fn for_each(
        &mut self,
        set: Option<&SetName>,
        mut each: impl FnMut(Listed) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut listing = Listing::default();
        self.read(set, 0, |message| listing.read(&message, &mut each))
            .map_err(|failure| {
                let operation = set.map_or(Operation::ListAll, |set| Operation::List(set.clone()));
                self.explain(operation, failure)
            })
    }

    /// A set with its header and all its entries.
    ///
    /// # Errors
    ///
    /// There is no set of that name.
    pub fn list(&mut self, set: &SetName) -> Result<Set, Error> {
        let mut sets = Vec::new();
        self.read_sets(Some(set), 0, &mut sets)
            .and_then(|()| sets.pop().ok_or_else(|| nothing_listed(set)))
            .map_err(|failure| self.explain(Operation::List(set.clone()), failure))
    }

    /// All sets with their headers and all their entries.
    ///
    /// # Errors
    ///
    /// As [`IpSet`] says.
    pub fn list_all(&mut self) -> Result<Vec<Set>, Error> {
        let mut sets = Vec::new();
        self.read_sets(None, 0, &mut sets)
            .map_err(|failure| self.explain(Operation::ListAll, failure))?;
        Ok(sets)
    }

    /// The header of a set: its type and options, and how full it is.
    ///
    /// # Errors
    ///
    /// There is no set of that name.
    pub fn header(&mut self, set: &SetName) -> Result<SetHeader, Error> {
        self.read_header(set)
            .map_err(|failure| self.explain(Operation::Header(set.clone()), failure))
    }

    /// The headers of all sets.
    ///
    /// # Errors
    ///
    /// As [`IpSet`] says.
    pub fn headers(&mut self) -> Result<Vec<SetHeader>, Error> {
        let mut sets = Vec::new();
        self.read_sets(None, IPSET_FLAG_LIST_HEADER, &mut sets)
            .map_err(|failure| self.explain(Operation::Headers, failure))?;
        Ok(sets.into_iter().map(|set| set.header).collect())
    }

    /// The names of all sets.
    ///
    /// # Errors
    ///
    /// As [`IpSet`] says.
    pub fn names(&mut self) -> Result<Vec<SetName>, Error> {
        let mut names = Vec::new();
        self.read(None, IPSET_FLAG_LIST_SETNAME, |message| {
            if names.len() >= MOST_SETS {
                return Err(DecodeError::new("it has no end"));
            }
            names.push(SetName::from_kernel(set_name(&message.attributes)?));
            Ok(())
        })
        .map_err(|failure| self.explain(Operation::Names, failure))?;
        Ok(names)
    }

    pub(super) fn read_header(&mut self, set: &SetName) -> Result<SetHeader, Failure> {
        let mut sets = Vec::new();
        self.read_sets(Some(set), IPSET_FLAG_LIST_HEADER, &mut sets)?;
        sets.pop()
            .map(|set| set.header)
            .ok_or_else(|| nothing_listed(set))
    }

    fn read_sets(
        &mut self,
        set: Option<&SetName>,
        flags: u32,
        sets: &mut Vec<Set>,
    ) -> Result<(), Failure> {
        let mut listing = Listing::default();
        self.read(set, flags, |message| {
            listing.read(&message, &mut |listed| {
                match (listed, sets.last_mut()) {
                    (Listed::Header(header), _) => sets.push(Set {
                        header,
                        entries: Vec::new(),
                    }),
                    (Listed::Entry(entry), Some(set)) => set.entries.push(entry),
                    (Listed::Entry(_), None) => {}
                }
                ControlFlow::Continue(())
            })
        })
    }

    /// Hands over the entries of a set one by one.
    pub(super) fn read_entries(
        &mut self,
        set: &SetName,
        mut each: impl FnMut(Entry),
    ) -> Result<(), Failure> {
        let mut listing = Listing::default();
        self.read(Some(set), 0, |message| {
            listing.read(&message, &mut |listed| {
                if let Listed::Entry(entry) = listed {
                    each(entry);
                }
                ControlFlow::Continue(())
            })
        })
    }

    fn read(
        &mut self,
        set: Option<&SetName>,
        flags: u32,
        each: impl FnMut(IpSetMessage) -> Result<(), DecodeError>,
    ) -> Result<(), Failure> {
        let mut attributes = Vec::new();
        attributes.extend(set.map(|set| IpSetAttribute::SetName(set.as_bytes().into())));
        attributes.extend((flags != 0).then_some(IpSetAttribute::Flags(flags)));
        self.dump(attributes, each)
    }
}

/// A listing as far as it has been read. A set can be spread over many messages; only the first
/// says its type.
#[derive(Default)]
struct Listing {
    current: Option<SetHeader>,
    sets: usize,
    /// Entries of the current set so far.
    entries: usize,
    /// Messages since the last one that had something new.
    idle: u32,
    /// Nobody wants the rest.
    is_enough: bool,
}

impl Listing {
    fn read(
        &mut self,
        message: &IpSetMessage,
        each: &mut impl FnMut(Listed) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        let name = set_name(&message.attributes)?;
        self.idle += 1;
        let begins = |attribute: &IpSetAttribute| matches!(attribute, IpSetAttribute::TypeName(_));
        if message.attributes.iter().any(begins) {
            let header = SetHeader::decode(name, &message.attributes)?;
            self.current = Some(header.clone());
            self.sets += 1;
            self.entries = 0;
            self.idle = 0;
            self.is_enough = self.is_enough || each(Listed::Header(header)).is_break();
        }
        let Some(header) = self
            .current
            .as_ref()
            .filter(|header| header.name.as_bytes() == name)
        else {
            return Err(DecodeError::new(
                "entries come before the header of their set",
            ));
        };
        let definition = header.set_type.definition();
        for attribute in &message.attributes {
            let IpSetAttribute::Entries(entries) = attribute else {
                continue;
            };
            for entry in packet::entries(entries.as_bytes()) {
                let entry = entry?;
                self.entries += 1;
                self.idle = 0;
                if self.is_enough {
                    continue;
                }
                // What very large sets are full of is put together where it is handed over from.
                let flow = match definition.and_then(|kind| Entry::of_address(kind, entry)) {
                    Some(entry) => each(Listed::Entry(entry)),
                    None => each(Listed::Entry(Entry::decode(definition, entry)?)),
                };
                self.is_enough = flow.is_break();
            }
        }
        let most_entries = header
            .options
            .max_elements
            .map_or(MOST_ENTRIES, most_entries);
        if self.sets > MOST_SETS || self.entries > most_entries || self.idle > MOST_IDLE {
            return Err(DecodeError::new("it has no end"));
        }
        Ok(())
    }
}

fn set_name(attributes: &[IpSetAttribute]) -> Result<&[u8], DecodeError> {
    attributes
        .iter()
        .find_map(IpSetAttribute::set_name)
        .ok_or_else(|| DecodeError::new("a set has no name"))
}

fn nothing_listed(set: &SetName) -> Failure {
    DecodeError::new(format!("set {} is not in it", set.quoted())).into()
}

/// Entries that come and go while a set is listed can make it look fuller than it can be.
fn most_entries(max_elements: u32) -> usize {
    usize::try_from(max_elements)
        .unwrap_or(usize::MAX)
        .saturating_mul(2)
        .saturating_add(1 << 16)
}

/// For types that do not say; bitmaps have 65536 at most.
const MOST_ENTRIES: usize = 1 << 26;
/// The index of a set has 16 bits.
const MOST_SETS: usize = 1 << 16;
const MOST_IDLE: u32 = 1000;

// linux/netfilter/ipset/ip_set.h, enum ipset_cmd_flags
const IPSET_FLAG_LIST_SETNAME: u32 = 1 << 1;
const IPSET_FLAG_LIST_HEADER: u32 = 1 << 2;
