//! `hash:net,net`: pairs of networks.

use super::{Definition, Dimension, Mask};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:net,net",
    dimensions: &[Dimension::Net, Dimension::Net],
    masks: &[Mask::Prefix, Mask::Bits],
};
