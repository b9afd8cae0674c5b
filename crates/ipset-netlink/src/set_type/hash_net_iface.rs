//! `hash:net,iface`: networks with a network interface each.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:net,iface",
    dimensions: &[Dimension::Net, Dimension::Interface],
    masks: &[],
};
