//! What was tried, for the text of an error.

use std::fmt;

use crate::{Family, Key, SetName, SetType};

/// What was tried, and on what.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Connect,
    Protocol,
    Revisions {
        set_type: SetType,
        family: Family,
    },
    Create {
        set: SetName,
        set_type: SetType,
        family: Family,
    },
    Add {
        key: Key,
        set: SetName,
    },
    AddAll {
        set: SetName,
        accepted: u64,
    },
    Delete {
        key: Key,
        set: SetName,
    },
    DeleteAll {
        set: SetName,
        accepted: u64,
    },
    Test {
        key: Key,
        set: SetName,
    },
    Header(SetName),
    Headers,
    List(SetName),
    ListAll,
    Names,
    Index(SetName),
    Name(u16),
    TypeOf(SetName),
    Flush(SetName),
    FlushAll,
    Swap(SetName, SetName),
    Rename {
        from: SetName,
        to: SetName,
    },
    Destroy(SetName),
    DestroyAll,
}

impl Operation {
    /// The set it is about; of two, the first.
    pub(crate) fn set(&self) -> Option<&SetName> {
        match self {
            Self::Connect
            | Self::Protocol
            | Self::Revisions { .. }
            | Self::Headers
            | Self::ListAll
            | Self::Names
            | Self::Name(_)
            | Self::FlushAll
            | Self::DestroyAll => None,
            Self::Create { set, .. }
            | Self::Add { set, .. }
            | Self::AddAll { set, .. }
            | Self::Delete { set, .. }
            | Self::DeleteAll { set, .. }
            | Self::Test { set, .. }
            | Self::Header(set)
            | Self::List(set)
            | Self::Index(set)
            | Self::TypeOf(set)
            | Self::Flush(set)
            | Self::Swap(set, _)
            | Self::Rename { from: set, .. }
            | Self::Destroy(set) => Some(set),
        }
    }

    /// The key it is about.
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Add { key, .. } | Self::Delete { key, .. } | Self::Test { key, .. } => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => write!(f, "open a socket to the kernel's netfilter"),
            Self::Protocol => write!(f, "ask the kernel for its ipset protocol"),
            Self::Revisions { set_type, family } => {
                write!(
                    f,
                    "ask the kernel about sets of type {set_type} and family {family}"
                )
            }
            Self::Create { set, .. } => write!(f, "create set {}", set.quoted()),
            Self::Add { key, set } => write!(f, "add {key} to set {}", set.quoted()),
            Self::AddAll { set, accepted } => {
                write!(f, "add entries to set {}{}", set.quoted(), after(*accepted))
            }
            Self::Delete { key, set } => write!(f, "delete {key} from set {}", set.quoted()),
            Self::DeleteAll { set, accepted } => {
                write!(
                    f,
                    "delete entries from set {}{}",
                    set.quoted(),
                    after(*accepted)
                )
            }
            Self::Test { key, set } => write!(f, "look for {key} in set {}", set.quoted()),
            Self::Header(set) => write!(f, "read the header of set {}", set.quoted()),
            Self::Headers => write!(f, "read the headers of all sets"),
            Self::List(set) => write!(f, "list set {}", set.quoted()),
            Self::ListAll => write!(f, "list all sets"),
            Self::Names => write!(f, "list the names of all sets"),
            Self::Index(set) => write!(f, "find the index of set {}", set.quoted()),
            Self::Name(index) => write!(f, "find the set with the index {index}"),
            Self::TypeOf(set) => write!(f, "ask for the type of set {}", set.quoted()),
            Self::Flush(set) => write!(f, "flush set {}", set.quoted()),
            Self::FlushAll => write!(f, "flush all sets"),
            Self::Swap(a, b) => write!(f, "swap sets {} and {}", a.quoted(), b.quoted()),
            Self::Rename { from, to } => {
                write!(f, "rename set {} to {}", from.quoted(), to.quoted())
            }
            Self::Destroy(set) => write!(f, "destroy set {}", set.quoted()),
            Self::DestroyAll => write!(f, "destroy all sets"),
        }
    }
}

fn after(accepted: u64) -> String {
    if accepted == 0 {
        String::new()
    } else {
        format!(" after the first {accepted}")
    }
}
