//! The real program against the real kernel, each trial in a network namespace of its own. The
//! stock `ipset` makes the sets and reads them back.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a trial fails by panicking"
)]
#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "logs are short, and read better so"
)]
#![expect(
    clippy::unnecessary_wraps,
    reason = "every trial has the same signature"
)]

mod by_hand;
mod command_line;
mod compressed;
mod connected;
mod count;
mod cut;
mod day;
mod dirty;
mod events;
mod evidence;
mod exempt;
mod fill;
mod firewall;
mod follow;
mod follow_packets;
mod follow_peers;
mod following;
mod forged;
mod handshake;
mod lifted;
mod lines;
mod log_writer;
mod metrics;
mod neighbours;
mod networks;
mod notify;
mod overview;
mod ports;
mod progress;
mod protected;
mod read_back;
mod reason;
mod refuse;
mod repeat;
mod rotated;
mod rules;
mod seed;
mod share;
mod soak;
mod support;
mod time;
mod trial;

use std::process::ExitCode;

use netns_testbed::run;

fn main() -> ExitCode {
    let trials = [
        by_hand::trials(),
        command_line::trials(),
        compressed::trials(),
        connected::trials(),
        count::trials(),
        cut::trials(),
        day::trials(),
        dirty::trials(),
        events::trials(),
        evidence::trials(),
        exempt::trials(),
        fill::trials(),
        follow::trials(),
        follow_packets::trials(),
        follow_peers::trials(),
        forged::trials(),
        handshake::trials(),
        lifted::trials(),
        lines::trials(),
        metrics::trials(),
        neighbours::trials(),
        networks::trials(),
        notify::trials(),
        overview::trials(),
        ports::trials(),
        progress::trials(),
        protected::trials(),
        read_back::trials(),
        reason::trials(),
        refuse::trials(),
        repeat::trials(),
        rotated::trials(),
        rules::trials(),
        seed::trials(),
        share::trials(),
        soak::trials(),
        time::trials(),
        trial::trials(),
    ];
    run(trials.into_iter().flatten().collect())
}

/// Trials named after their module and function.
macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<netns_testbed::Trial> {
            let module = module_path!().rsplit("::").next().unwrap_or_default();
            vec![$(netns_testbed::trial(format!("{module}::{}", stringify!($name)), $name)),+]
        }
    };
}
use trials;
