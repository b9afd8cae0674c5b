//! What can go wrong, told as operation, object and cause.

use std::fmt;

/// What was tried, on what, and why it failed.
#[derive(Debug)]
pub struct Error(());

macro_rules! predicates { ($($name:ident)*) => { impl Error { $(
    /// skeleton
    pub fn $name(&self) -> bool { todo!() }
)* } } }
predicates! {
    is_set_not_found is_set_exists is_set_full is_busy is_permission_denied is_entry_exists is_entry_missing
    is_family_mismatch is_type_mismatch is_type_unknown is_timeout_unsupported is_comment_unsupported is_counters_unsupported
}

impl fmt::Display for Error {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
impl std::error::Error for Error {}

/// An answer of the kernel that could not be understood.
#[derive(Debug)]
pub struct DecodeError(());
