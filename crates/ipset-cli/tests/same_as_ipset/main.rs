//! Our program beside the stock `ipset`, each in a network namespace of its own: the same commands,
//! and after every one the same output, diagnostics and exit status; at the end of every case the
//! same sets in the kernel.
//!
//! The commands are those of `scripts/`, by theme, and those that `generated` makes up from fixed
//! seeds.
//!
//! | variable | |
//! |---|---|
//! | `IPSET_CLI` | another program to test than the one that cargo built |
//! | `IPSET_CLI_SEEDS` | how many generated scripts each set type gets; the committed number is for every day |
//! | `IPSET_CLI_FIRST_SEED` | the seed of the first of them |
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a trial fails by panicking"
)]

mod compare;
mod deliberate;
mod generated;
mod pair;
mod script;
mod themes;

use std::process::ExitCode;

use netns_testbed::run;

fn main() -> ExitCode {
    let mut trials = themes::trials();
    trials.extend(deliberate::trials());
    trials.extend(generated::trials());
    run(trials)
}
