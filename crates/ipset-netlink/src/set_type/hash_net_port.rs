//! `hash:net,port`: networks with a port of a protocol each.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:net,port",
    dimensions: &[Dimension::Net, Dimension::Port],
    masks: &[],
};
