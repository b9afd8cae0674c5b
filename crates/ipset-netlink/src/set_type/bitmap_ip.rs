//! `bitmap:ip`: IPv4 addresses of one range, a bit each.

use super::{Definition, Dimension, Mask};

pub(super) static DEFINITION: Definition = Definition {
    name: "bitmap:ip",
    dimensions: &[Dimension::Ip],
    masks: &[Mask::Prefix],
};
