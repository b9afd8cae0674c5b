//! Why a set could not be asked, filled or emptied.

use std::error::Error as StdError;
use std::fmt;

/// What was tried on which set and entry, and why it failed: `cannot add 203.0.113.7 to set
/// "banned": the set is full (maxelem 65536)`.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    cause: Box<dyn StdError + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Missing,
    Full,
    There,
    Other,
}

impl Error {
    pub(crate) fn new(kind: Kind, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            kind,
            cause: cause.into(),
        }
    }

    /// One of a backend's own, which is none of those that callers decide on.
    pub fn other(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Kind::Other, cause)
    }

    /// Whether there is no set of that name.
    pub fn is_set_missing(&self) -> bool {
        self.kind == Kind::Missing
    }

    /// Whether the set is full.
    pub fn is_set_full(&self) -> bool {
        self.kind == Kind::Full
    }

    /// Whether the entry is there already.
    pub fn is_entry_there(&self) -> bool {
        self.kind == Kind::There
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}

impl From<ipset_netlink::Error> for Error {
    fn from(error: ipset_netlink::Error) -> Self {
        let kind = if error.is_set_not_found() {
            Kind::Missing
        } else if error.is_set_full() {
            Kind::Full
        } else if error.is_entry_exists() {
            Kind::There
        } else {
            Kind::Other
        };
        Self::new(kind, error)
    }
}
