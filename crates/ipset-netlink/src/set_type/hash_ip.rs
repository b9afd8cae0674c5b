//! `hash:ip`: single addresses.

use super::{Definition, Dimension, Mask};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:ip",
    dimensions: &[Dimension::Ip],
    masks: &[Mask::Prefix, Mask::Bits],
};
