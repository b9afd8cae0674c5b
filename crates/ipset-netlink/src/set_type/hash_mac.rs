//! `hash:mac`: MAC addresses.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:mac",
    dimensions: &[Dimension::Mac],
    masks: &[],
};
