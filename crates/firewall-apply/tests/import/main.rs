//! `import`: other firewalls' files against what those firewalls make of them.
//!
//! Each trial has the files of another firewall, the rules that it makes of them in one world, and
//! in another the configuration that was made of the same files: the same packets have the same
//! verdicts. Whatever is written is read by our own programs.
#![allow(
    clippy::indexing_slicing,
    reason = "a trial that looks for what is not there has failed"
)]

mod csf;
mod door;
mod imported;

use std::process::ExitCode;

fn main() -> ExitCode {
    netns_testbed::run([csf::trials()].into_iter().flatten().collect())
}
