//! The rules in a real kernel, read back with the stock tools: `iptables-save`, `ip6tables-save`,
//! `iptables-restore`, `nft`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test says what went wrong by panicking, and reads better short than fast"
)]

mod atomic;
mod changed;
mod checkpoint;
mod config_files;
mod fixture;
#[path = "../generate/mod.rs"]
mod generate;
mod golden;
mod limits;
mod nat;
mod ownership;
mod read_back;
mod removal;
mod requirements;
mod same_as_iptables;
mod tables;

fn main() -> std::process::ExitCode {
    let mut trials = same_as_iptables::trials();
    trials.extend(golden::trials());
    trials.extend(read_back::trials());
    trials.extend(config_files::trials());
    trials.extend(atomic::trials());
    trials.extend(changed::trials());
    trials.extend(ownership::trials());
    trials.extend(removal::trials());
    trials.extend(limits::trials());
    trials.extend(requirements::trials());
    trials.extend(checkpoint::trials());
    trials.extend(tables::trials());
    trials.extend(nat::trials());
    netns_testbed::run(trials)
}
