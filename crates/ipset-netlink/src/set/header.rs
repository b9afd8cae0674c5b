//! What the kernel says of a set besides its entries.

use super::SetOptions;
use crate::{Family, SetName, SetType};

/// Name, type and options of a set, and how full it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetHeader {
    /// The name.
    pub name: SetName,
    /// The type.
    pub set_type: SetType,
    /// The revision of the type, which is the kernel's version number for its options.
    pub revision: u8,
    /// The family of all its addresses.
    pub family: Family,
    /// What it was created with; the hash size is the present one.
    pub options: SetOptions,
    /// How many entries the kernel counts. Some of them may have run out and not be listed any
    /// more. Kernels before 4.9 do not say.
    pub elements: Option<u32>,
    /// How many rules and other sets refer to it.
    pub references: u32,
    /// The bytes it takes in the kernel.
    pub memory: u32,
}

/// What a rule that matches against a set carries instead of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SetIndex {
    /// The kernel's number for the set. It stays with the set when that is renamed, and with the
    /// name when two sets are swapped.
    pub index: u16,
    /// The family of the set's addresses.
    pub family: Family,
}
