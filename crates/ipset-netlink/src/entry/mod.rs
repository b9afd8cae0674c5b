//! What is in a set.

mod comment;
mod decode;
mod encode;
mod key;
mod skbinfo;

pub use comment::{Comment, CommentError};
pub use skbinfo::{SkbInfo, SkbMark};

use crate::{Key, SetName, Timeout};

/// One entry of a set: a [`Key`] and what the set keeps with it.
///
/// Read it through its fields, make it with [`Entry::new`] and the methods of the same names.
///
/// ```
/// use ipset_netlink::{Entry, Timeout};
///
/// let entry = Entry::new("192.0.2.0/24".parse()?)
///     .timeout(Timeout::from_secs(3600)?)
///     .comment("port scan".parse()?);
/// assert_eq!(entry.key.to_string(), "192.0.2.0/24");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Entry {
    /// What the entry matches.
    pub key: Key,
    /// How long it stays; in a listing, the time it has left. `None`: the set's default when
    /// adding; in a listing, a set without timeouts.
    pub timeout: Option<Timeout>,
    /// The comment, in a set with comments.
    pub comment: Option<Comment>,
    /// Packets and bytes that matched so far, in a set with counters.
    pub counters: Option<Counters>,
    /// What packets that match get from it, in a set with skbinfo.
    pub skbinfo: Option<SkbInfo>,
    /// An exception: what it covers does *not* match, even inside a larger network of the same set.
    /// Only in the types that hold networks.
    pub nomatch: bool,
    /// Its place among the entries of a `list:set`, where that is asked for; listings have it in
    /// the order of the entries.
    pub position: Option<Position>,
}

impl Entry {
    /// An entry with nothing but its key.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            timeout: None,
            comment: None,
            counters: None,
            skbinfo: None,
            nomatch: false,
            position: None,
        }
    }

    /// Stays this long. The set must have been created with timeouts.
    pub fn timeout(self, timeout: Timeout) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }

    /// With a comment. The set must have been created with comments.
    pub fn comment(self, comment: Comment) -> Self {
        Self {
            comment: Some(comment),
            ..self
        }
    }

    /// Starts counting from here. The set must have been created with counters. Without, an entry
    /// starts with zero, or where one left off that was deleted before: Linux does not clear its
    /// place.
    pub fn counters(self, counters: Counters) -> Self {
        Self {
            counters: Some(counters),
            ..self
        }
    }

    /// Gives packets that match it something. The set must have been created with skbinfo.
    pub fn skbinfo(self, skbinfo: SkbInfo) -> Self {
        Self {
            skbinfo: Some(skbinfo),
            ..self
        }
    }

    /// Puts it right before another entry of a `list:set`; when deleting or testing, asks for one
    /// that stands there.
    pub fn before(self, set: SetName) -> Self {
        Self {
            position: Some(Position::Before(set)),
            ..self
        }
    }

    /// Puts it right after another entry of a `list:set`; when deleting or testing, asks for one
    /// that stands there.
    pub fn after(self, set: SetName) -> Self {
        Self {
            position: Some(Position::After(set)),
            ..self
        }
    }

    /// Makes it an exception, see [`Entry::nomatch`](#structfield.nomatch).
    pub fn nomatch(self) -> Self {
        Self {
            nomatch: true,
            ..self
        }
    }
}

impl From<Key> for Entry {
    fn from(key: Key) -> Self {
        Self::new(key)
    }
}

/// A place among the entries of a `list:set`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// Right before this set.
    Before(SetName),
    /// Right after this set.
    After(SetName),
}

impl Position {
    /// The other entry, and whether the place is after it.
    pub(crate) fn parts(&self) -> (&SetName, bool) {
        match self {
            Self::Before(set) => (set, false),
            Self::After(set) => (set, true),
        }
    }
}

/// What matched an entry so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes, with the headers from the network layer up.
    pub bytes: u64,
}
