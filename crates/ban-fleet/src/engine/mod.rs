//! What a fleet asks of an engine.

mod memory;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

pub use memory::{MemoryEngine, MemoryError, MemorySession};

use crate::name::Host;
use crate::record::{Pardon, Record};

/// A place where hosts leave what they tell for the others.
///
/// It is asked for little: an origin is proved, so that nobody writes in the name of another, and
/// what is told is kept in order for a while. It may lose what it has, and give it twice: each host
/// has what it told itself, and [`Node::sync`](crate::Node::sync) finds out.
pub trait Engine {
    /// Why it could not be asked.
    type Error;

    /// Appends what this host tells, and keeps the mark with it: both are there, or neither. Answers with
    /// the mark that was there before. The same records may be told again.
    ///
    /// # Errors
    ///
    /// Fails where the engine cannot be reached, or refuses it. It may have taken it all the same.
    fn push(&mut self, origin: &Host, push: &Push<'_>) -> Result<Mark, Self::Error>;

    /// What was told after the cursor, or that something between is no longer there.
    ///
    /// # Errors
    ///
    /// Fails where the engine cannot be reached, or refuses it.
    fn pull_since(&mut self, reader: &Host, cursor: &Cursor) -> Result<Pulled, Self::Error>;

    /// What holds by now, of one host or of all, and the cursor of an instant before it was read. Of
    /// each host at most so many lines need be given.
    ///
    /// # Errors
    ///
    /// Fails where the engine cannot be reached, or refuses it.
    fn snapshot(&mut self, of: Option<&Host>, most: usize) -> Result<Snapshot, Self::Error>;

    /// Appends the pardon of an administrator, in his own name.
    ///
    /// # Errors
    ///
    /// Fails where the engine cannot be reached, or refuses it. It may have taken it all the same.
    fn pardon(&mut self, admin: &Host, pardon: &Pardon) -> Result<(), Self::Error>;
}

/// What a host tells at a time.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    /// What is new.
    pub records: &'a [Record],
    /// What the host told before, and what is new makes needless: no snapshot needs to have it.
    pub gone: &'a [Record],
    /// Whether the records are all that the host has to tell: a snapshot needs no others of it.
    pub is_all: bool,
    /// The mark that this leaves.
    pub mark: Mark,
}

/// What all pushes of a host come to, one after the other: with another one before it, or without
/// one, a push leaves another mark. So a host sees when the engine has not what it told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark(u64);

impl Mark {
    /// The mark that was written as this number; 0 is that of nobody who has told anything.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number to write.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The one after a push of these records.
    pub(crate) fn after(self, records: &[Record]) -> Self {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        for record in records {
            record.to_string().hash(&mut hasher);
        }
        Self(hasher.finish())
    }
}

/// How far a host has read what each other one told; the positions are the engine's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor(BTreeMap<Host, String>);

impl Cursor {
    /// The position in what a host told; `None` before its begin.
    pub fn position(&self, origin: &Host) -> Option<&str> {
        self.0.get(origin).map(String::as_str)
    }

    /// Moves the position in what a host told.
    pub fn set(&mut self, origin: Host, position: String) {
        self.0.insert(origin, position);
    }

    /// All positions, by host.
    pub fn iter(&self) -> impl Iterator<Item = (&Host, &str)> {
        let positions = self.0.iter();
        positions.map(|(host, position)| (host, position.as_str()))
    }
}

/// A line that a host has told, as the engine keeps it: it may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who told it; the engine vouches for that.
    pub origin: Host,
    /// The text of a record, if its origin means well.
    pub line: Vec<u8>,
}

/// What was told after a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The lines, and how far they go; `None` where something between is no longer there, so that
    /// only a snapshot helps.
    pub news: Option<(Vec<Told>, Cursor)>,
    /// What the reader's own last push has left.
    pub mark: Mark,
}

/// What holds by an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The lines.
    pub told: Vec<Told>,
    /// How far they go at least.
    pub cursor: Cursor,
}
