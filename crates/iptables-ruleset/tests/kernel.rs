//! The rules in a real kernel, read back with the stock tools: `iptables-save`, `ip6tables-save`,
//! `iptables-restore`, `nft`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test says what went wrong by panicking, and reads better short than fast"
)]

#[path = "kernel/atomic.rs"]
mod atomic;
#[path = "kernel/config_files.rs"]
mod config_files;
#[path = "kernel/fixture.rs"]
mod fixture;
mod generate;
#[path = "kernel/golden.rs"]
mod golden;
#[path = "kernel/limits.rs"]
mod limits;
#[path = "kernel/ownership.rs"]
mod ownership;
#[path = "kernel/read_back.rs"]
mod read_back;
#[path = "kernel/removal.rs"]
mod removal;
#[path = "kernel/same_as_iptables.rs"]
mod same_as_iptables;

fn main() -> std::process::ExitCode {
    let mut trials = same_as_iptables::trials();
    trials.extend(golden::trials());
    trials.extend(read_back::trials());
    trials.extend(config_files::trials());
    trials.extend(atomic::trials());
    trials.extend(ownership::trials());
    trials.extend(removal::trials());
    trials.extend(limits::trials());
    netns_testbed::run(trials)
}
