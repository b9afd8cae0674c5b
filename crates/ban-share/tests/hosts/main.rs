//! The programs on hosts, each a network namespace with its own sets, that meet at the server from
//! the distribution. The stock `ipset` makes the sets and reads them back.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod host;
mod scan;
#[path = "../ban_share/server.rs"]
#[allow(dead_code, reason = "the tests of the engine use the rest")]
mod server;
mod sync;
mod trouble;

use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = [sync::trials(), scan::trials(), trouble::trials()];
    netns_testbed::run(trials.into_iter().flatten().collect())
}
