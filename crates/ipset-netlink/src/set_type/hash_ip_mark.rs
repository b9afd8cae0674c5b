//! `hash:ip,mark`: addresses with a packet mark each.

use super::{Definition, Dimension, Mask};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:ip,mark",
    dimensions: &[Dimension::Ip, Dimension::Mark],
    masks: &[Mask::Mark],
};
