//! A set as a whole.

mod create;
mod encode;
mod header;
mod options;

pub use create::CreateSet;
pub use header::{SetHeader, SetIndex};
pub use options::{BitmapRange, SetOptions};

use crate::Entry;

/// A set with everything in it, at the time it was listed.
///
/// The kernel lists a set piece by piece: entries that others add or delete meanwhile may or may
/// not be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Set {
    /// Name, type and options.
    pub header: SetHeader,
    /// The entries, in the kernel's order, which is no order.
    pub entries: Vec<Entry>,
}
