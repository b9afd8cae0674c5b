//! The protocol without a kernel: against what the stock `ipset` says and hears, and against
//! answers that no kernel should give.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by panicking"
)]

#[cfg(target_endian = "little")]
mod every_type;
mod fake;
mod fuzz_corpus;
#[cfg(target_endian = "little")]
mod golden;
mod hostile;
#[cfg(target_endian = "little")]
#[path = "../lines/mod.rs"]
mod lines;
mod oracle;
mod round_trip;
mod script;
mod values;
