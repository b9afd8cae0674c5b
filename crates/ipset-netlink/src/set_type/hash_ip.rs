//! `hash:ip`: single addresses.

use super::{Definition, address_key};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:ip",
    // 6 is bitmask (Linux 6.3), which is not used here; none of the options used needs more than 4.
    revision: 6,
    decode_key: address_key,
    holds_networks: false,
    has_netmask: true,
};
