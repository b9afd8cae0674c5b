//! What can go wrong, told as operation, object and cause.

mod by_type;
mod kernel;
mod operation;

use std::{fmt, io};

pub(crate) use kernel::KernelError;
use netlink_session::DecodeError;
pub(crate) use operation::Operation;

use crate::{Key, SetType};

/// What was tried, on what, and why it failed:
/// `cannot add 203.0.113.7 to set "blacklist": the set is full (maxelem 65536)`.
///
/// The text is whole; there is no `source()` to print after it. To decide what to do, ask the
/// methods: the kernel's own error numbers mean different things for different commands and types
/// of sets, and are told apart here.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    operation: Operation,
    cause: Cause,
    /// The kernel's number.
    code: Option<u32>,
    /// A change was asked for, and the answer did not come or makes no sense.
    outcome_unknown: bool,
}

/// Why, by who is to blame.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) enum Cause {
    /// The caller: refused before the kernel was asked.
    Input(#[from] InputError),
    /// The kernel, for a reason it gives.
    Kernel(#[from] KernelError),
    /// The way to the kernel and back.
    Transport(io::Error),
    /// The kernel, or whoever answered in its place.
    Decode(#[from] DecodeError),
}

/// A request that no kernel would take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InputError {
    #[error("{set_type} sets have no {option}")]
    Option {
        set_type: SetType,
        option: &'static str,
    },
    #[error("a {0} set needs a range of what it holds")]
    Range(SetType),
    #[error("{key} is not an entry of a {set_type} set")]
    NotOfType { key: Key, set_type: SetType },
    #[error("{key} is not one entry of a {set_type} set")]
    NotOneEntry { key: Key, set_type: SetType },
    #[error("the request of {0} bytes is longer than a message can be")]
    TooLong(usize),
    #[error("it is longer than the kernel takes")]
    EntryTooLong,
}

impl Error {
    pub(crate) fn new(operation: Operation, cause: impl Into<Cause>) -> Self {
        Self(Box::new(Inner {
            operation,
            cause: cause.into(),
            code: None,
            outcome_unknown: false,
        }))
    }

    pub(crate) fn with_outcome_unknown(mut self) -> Self {
        self.0.outcome_unknown = true;
        self
    }

    pub(crate) fn with_code(mut self, code: u32) -> Self {
        self.0.code = Some(code);
        self
    }

    /// The kernel's number, where it is the kernel that refused: of `errno.h` below 4096, of
    /// `linux/netfilter/ipset/ip_set.h` from there on. Above 4352 it depends on the type of the
    /// set.
    pub fn kernel_code(&self) -> Option<u32> {
        self.0.code
    }

    /// There is no set of that name, or of that index; in a swap, one of the two.
    pub fn is_set_not_found(&self) -> bool {
        matches!(
            self.kernel(),
            Some(KernelError::NoSuchSet(_) | KernelError::NoSuchIndex(_))
        )
    }

    /// There is a set of that name already, when creating or renaming.
    pub fn is_set_exists(&self) -> bool {
        matches!(
            self.kernel(),
            Some(KernelError::SetExists { .. } | KernelError::NameTaken)
        )
    }

    /// The set holds as many entries as it can, or the bucket the entry belongs to does.
    pub fn is_set_full(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::SetFull { .. }))
    }

    /// The set is in use: by a rule, by another set, or by a listing that takes too long. For a
    /// listing, the operation was tried for about a second.
    pub fn is_busy(&self) -> bool {
        matches!(
            self.kernel(),
            Some(KernelError::Busy | KernelError::InUse { .. })
        )
    }

    /// `CAP_NET_ADMIN` is missing.
    pub fn is_permission_denied(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::Permission))
    }

    /// The entry is in the set already.
    pub fn is_entry_exists(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::EntryExists))
    }

    /// The entry is not in the set.
    pub fn is_entry_missing(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::EntryMissing))
    }

    /// The set holds addresses of the other family, or its type does not know the family.
    pub fn is_family_mismatch(&self) -> bool {
        matches!(
            self.kernel(),
            Some(KernelError::FamilyMismatch(_) | KernelError::Family)
        )
    }

    /// The key is not one that a set of this type can have, or stands for many entries where one is
    /// asked for. The kernel was not asked to change anything.
    pub fn is_key_mismatch(&self) -> bool {
        matches!(
            &self.0.cause,
            Cause::Input(InputError::NotOfType { .. } | InputError::NotOneEntry { .. })
        )
    }

    /// The entry is outside the range that the bitmap was created with.
    pub fn is_out_of_range(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::OutOfRange { .. }))
    }

    /// The set that should be an entry of a `list:set` does not exist.
    pub fn is_entry_set_not_found(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::NoSuchEntrySet(_)))
    }

    /// The set that an entry of a `list:set` should stand before or after does not exist, or is not
    /// there.
    pub fn is_position_not_found(&self) -> bool {
        matches!(
            self.kernel(),
            Some(KernelError::NoSuchNeighbour | KernelError::NotThere)
        )
    }

    /// A change was asked for and nobody knows whether it was made, because the answer was lost: it
    /// did not come in time, the kernel had no room for it (`ENOBUFS`), or it makes no sense. Look
    /// at the set before trying again.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// The two sets to be swapped are not of the same type and family.
    pub fn is_type_mismatch(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::TypeMismatch))
    }

    /// The kernel does not have the type of set, or not for this family.
    pub fn is_type_unknown(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::UnknownType(..)))
    }

    /// The entry has a timeout and the set was created without.
    pub fn is_timeout_unsupported(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::NoTimeouts))
    }

    /// The entry has a comment and the set was created without.
    pub fn is_comment_unsupported(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::NoComments))
    }

    /// The entry has counters and the set was created without.
    pub fn is_counters_unsupported(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::NoCounters))
    }

    /// The entry has skbinfo and the set was created without.
    pub fn is_skbinfo_unsupported(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::NoSkbinfo))
    }

    /// The kernel has no ipsets, or its module is not loaded and cannot be loaded.
    pub fn is_not_supported(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::NoIpsets))
    }

    /// The set is in the way of nobody but a listing, which ends by itself.
    pub(crate) fn is_being_listed(&self) -> bool {
        matches!(self.kernel(), Some(KernelError::Busy))
    }

    fn kernel(&self) -> Option<&KernelError> {
        match &self.0.cause {
            Cause::Kernel(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.0.operation, self.0.cause)?;
        if self.0.outcome_unknown {
            f.write_str("; what became of it is not known")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
