//! `bitmap:ip,mac`: IPv4 addresses of one range, each with the card it must come from.

use super::{Definition, Dimension};

pub(super) static DEFINITION: Definition = Definition {
    name: "bitmap:ip,mac",
    dimensions: &[Dimension::SingleIp, Dimension::OptionalMac],
    masks: &[],
};
