//! `list:set`: other sets, asked one after the other.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "list:set",
    dimensions: &[Dimension::Set],
    masks: &[],
};
