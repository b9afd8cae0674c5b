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
mod fail2ban;
mod imported;
mod ipset;
mod ufw;

use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = [
        csf::trials(),
        fail2ban::trials(),
        ipset::trials(),
        ufw::trials(),
    ];
    netns_testbed::run(trials.into_iter().flatten().collect())
}
