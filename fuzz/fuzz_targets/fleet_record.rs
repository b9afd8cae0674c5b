//! What other hosts of a fleet tell; the rules are those that
//! `crates/ban-fleet/tests/fleet/fuzz_corpus.rs` replays the corpus with.
#![no_main]

#[path = "../../crates/ban-fleet/tests/common/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|told: &[u8]| oracle::check(told));
