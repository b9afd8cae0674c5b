//! The program against the kernel, read back with the stock tools.

#![allow(
    clippy::indexing_slicing,
    reason = "a trial that looks for what is not there has failed"
)]

mod every_type;
mod fallback;
mod host;
mod input;
mod members;
mod restored;
mod rules;
mod saved;
mod sets;
mod surroundings;

fn main() -> std::process::ExitCode {
    netns_testbed::run(
        [
            rules::trials(),
            sets::trials(),
            saved::trials(),
            restored::trials(),
            every_type::trials(),
            input::trials(),
            fallback::trials(),
            members::trials(),
            surroundings::trials(),
        ]
        .into_iter()
        .flatten()
        .collect(),
    )
}
