//! The library from outside: what it promises of any records, hosts, faults and bytes.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod drawn;
mod exact_rule;
mod fuzz_corpus;
mod laws;
#[path = "../common/oracle.rs"]
mod oracle;
mod outbox;
mod rest;
mod trust;
