//! Every input the fuzzer starts from, through the fuzzer's own oracle, on a stable compiler.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::oracle;

#[test]
fn every_input_of_the_corpus_keeps_the_rules() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/fleet_record");
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
    assert!(inputs >= 6, "{inputs}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Records with bytes exchanged, cut and joined: nearly right is where a parser goes wrong.
    #[test]
    fn what_is_nearly_a_record_keeps_the_rules(
        records in prop::collection::vec(crate::drawn::record(), 1..20),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let lines: Vec<_> = records.iter().map(ToString::to_string).collect();
        let mut bytes = lines.join("\n").into_bytes();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        for cut in cuts {
            let place = cut.index(bytes.len());
            bytes.insert(place, b'\n');
        }
        oracle::check(&bytes);
    }
}
