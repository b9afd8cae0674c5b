//! `hash:net`: networks of any prefix length but 0.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:net",
    dimensions: &[Dimension::Net],
    masks: &[],
};
