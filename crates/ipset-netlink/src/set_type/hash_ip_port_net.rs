//! `hash:ip,port,net`: an address, a port of a protocol and a network.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:ip,port,net",
    dimensions: &[Dimension::Ip, Dimension::Port, Dimension::Net],
    masks: &[],
};
