//! Every input the fuzzer starts from, through the fuzzer's own oracle, on a stable compiler.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

#[path = "common/oracle.rs"]
mod oracle;

use std::fs;
use std::path::Path;

/// Every file of a target's corpus; how many there were.
fn replay(target: &str, check: impl Fn(&[u8])) -> Option<usize> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    if !corpus.exists() {
        // Only the repository has it, not the published crate.
        eprintln!("skipped: there is no {}", corpus.display());
        return None;
    }
    let mut inputs = 0;
    for entry in fs::read_dir(&corpus).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        check(&fs::read(&path).unwrap());
        inputs += 1;
    }
    Some(inputs)
}

#[test]
fn every_input_of_the_corpus_keeps_the_rules() {
    for (target, least, check) in [
        ("log_line", 40, oracle::check as fn(&[u8])),
        ("log_line", 40, oracle::check_stream),
        ("log_stream", 3, oracle::check_stream),
        ("log_time", 8, oracle::check_times),
        ("log_journal", 3, oracle::check_journal),
    ] {
        let inputs = replay(target, check);
        assert!(
            inputs.is_none_or(|inputs| inputs >= least),
            "{target}: {inputs:?}"
        );
    }
}
