//! `bitmap:port`: ports of one range, a bit each, whatever the protocol.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "bitmap:port",
    dimensions: &[Dimension::PortOfAnyProtocol],
    masks: &[],
};
