//! Any bytes as an answer of the kernel; the rules are those that
//! `crates/ipset-netlink/tests/protocol` replays the corpus with.
#![no_main]

#[path = "../../crates/ipset-netlink/tests/protocol/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| oracle::check(datagram));
