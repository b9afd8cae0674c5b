//! `hash:net`: networks of any prefix length but 0.

use super::{Definition, address_key};

pub(super) static DEFINITION: Definition = Definition {
    name: "hash:net",
    // 7 is bucketsize (Linux 5.12), which is not used here; none of the options used needs more than 5.
    revision: 7,
    decode_key: address_key,
    holds_networks: true,
    has_netmask: false,
};
