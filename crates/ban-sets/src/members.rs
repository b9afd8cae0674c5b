//! What is in a set at an instant.

use std::ops::{Deref, DerefMut};

use jiff::Timestamp;

use crate::{Entry, Left, PrefixMap};

/// The entries of a set by their networks, as they were at an instant.
#[derive(Clone, Debug)]
pub struct Members {
    at: Timestamp,
    entries: PrefixMap<Entry>,
}

impl Members {
    /// These entries, at an instant.
    pub fn new(at: Timestamp, entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries = entries.into_iter().map(|entry| (entry.network, entry));
        Self {
            at,
            entries: entries.collect(),
        }
    }

    /// Nobody, at an instant.
    pub fn none(at: Timestamp) -> Self {
        Self::new(at, [])
    }

    /// When they were read.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// How long an entry of them had left then.
    pub fn left(&self, entry: &Entry) -> Left {
        entry.end.left(self.at)
    }
}

impl Deref for Members {
    type Target = PrefixMap<Entry>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl DerefMut for Members {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.entries
    }
}
