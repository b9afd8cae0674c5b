//! Every input the fuzzer starts from, through the fuzzer's own oracle, on a stable compiler.

#[path = "common/oracle.rs"]
mod oracle;

use std::fs;
use std::path::Path;

#[test]
fn every_input_of_the_corpus_keeps_the_rules() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/log_line");
    if !corpus.exists() {
        // Only the repository has it, not the published crate.
        eprintln!("skipped: there is no {}", corpus.display());
        return;
    }
    let mut inputs = 0;
    for entry in fs::read_dir(&corpus).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        oracle::check(&fs::read(&path).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 40, "only {inputs} inputs");
}
