//! `hash:ip,mac`: addresses with a MAC address each.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:ip,mac",
    dimensions: &[Dimension::SingleIp, Dimension::Mac],
    masks: &[],
};
