//! The inputs of the fuzz target `ipset_message`, on a stable compiler.

use std::fs;
use std::path::Path;

use crate::oracle;

#[test]
fn the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/ipset_message");
    let mut inputs = 0;
    for input in fs::read_dir(corpus).unwrap() {
        oracle::check(&fs::read(input.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 30, "only {inputs} inputs");
}
