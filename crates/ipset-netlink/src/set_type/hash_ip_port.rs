//! `hash:ip,port`: addresses with a port of a protocol each.

use super::{Definition, Dimension, Mask};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:ip,port",
    dimensions: &[Dimension::Ip, Dimension::Port],
    masks: &[Mask::Prefix, Mask::Bits],
};
