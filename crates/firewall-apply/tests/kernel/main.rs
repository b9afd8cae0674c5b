//! The program against the kernel, read back with the stock tools.

#![allow(
    clippy::indexing_slicing,
    reason = "a trial that looks for what is not there has failed"
)]

mod block_lists;
mod confirm;
mod diff;
mod doctor;
mod early;
mod every_type;
mod fallback;
mod foreign;
mod host;
mod input;
mod killed;
mod lacking;
mod lists;
mod machine;
mod members;
mod metrics;
mod others;
mod restored;
mod rules;
mod saved;
mod sets;
mod status;
mod surroundings;
mod traced;
mod unchanged;
mod waiting;

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
            unchanged::trials(),
            diff::trials(),
            early::trials(),
            foreign::trials(),
            others::trials(),
            status::trials(),
            metrics::trials(),
            doctor::trials(),
            confirm::trials(),
            waiting::trials(),
            killed::trials(),
            lacking::trials(),
            lists::trials(),
            block_lists::trials(),
        ]
        .into_iter()
        .flatten()
        .collect(),
    )
}
