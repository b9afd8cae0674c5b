//! The same laws asked of each backend, and the same commands, drawn at random, of all: sets in
//! memory, and the kernel's in network namespaces of their own.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

mod bench;
mod drawn;
mod laws;

use std::process::ExitCode;

use bench::Bench;
use netns_testbed::Failed;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for (name, law) in laws::LAWS {
        trials.push(netns_testbed::trial(format!("memory::{name}"), move || {
            both_families(&mut Bench::memory(), law);
            Ok(())
        }));
        trials.push(netns_testbed::trial(format!("ipset::{name}"), move || {
            both_families(&mut Bench::ipset()?, law);
            Ok(())
        }));
    }
    trials.push(netns_testbed::trial(
        "memory_does_what_the_kernel_does",
        || {
            drawn::run(&mut Bench::ipset()?);
            Ok(())
        },
    ));
    netns_testbed::run(trials)
}

fn both_families(bench: &mut Bench, law: fn(&mut Bench, &laws::Cast)) {
    for cast in laws::CASTS {
        law(bench, &cast);
    }
}

/// What a trial returns.
type Done<T> = Result<T, Failed>;
