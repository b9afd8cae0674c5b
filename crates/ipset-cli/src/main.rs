//! The command line of `ipset`, over netlink.
#![forbid(unsafe_code)]

fn main() {}
