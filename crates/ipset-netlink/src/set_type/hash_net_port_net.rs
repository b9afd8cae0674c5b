//! `hash:net,port,net`: a network, a port of a protocol and a second network.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:net,port,net",
    dimensions: &[Dimension::Net, Dimension::Port, Dimension::Net],
    masks: &[],
};
