//! `hash:ip,port,ip`: an address, a port of a protocol and a second address.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:ip,port,ip",
    dimensions: &[Dimension::Ip, Dimension::Port, Dimension::SingleIp],
    masks: &[],
};
