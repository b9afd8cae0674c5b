//! Records of systemd's journal; the rules are those that
//! `crates/firewall-log/tests/fuzz_corpus.rs` replays the corpus with.
#![no_main]

#[path = "../../crates/firewall-log/tests/common/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|records: &[u8]| oracle::check_journal(records));
