//! The program against the kernel, read back with the stock tools.

#![allow(
    clippy::indexing_slicing,
    reason = "a trial that looks for what is not there has failed"
)]

mod host;
mod input;
mod restored;
mod rules;
mod saved;
mod sets;

fn main() -> std::process::ExitCode {
    netns_testbed::run(
        [
            rules::trials(),
            sets::trials(),
            saved::trials(),
            restored::trials(),
            input::trials(),
        ]
        .into_iter()
        .flatten()
        .collect(),
    )
}
