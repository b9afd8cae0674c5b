//! What the firewall does with packets: one row, one test, for IPv4 and IPv6.
//!
//! A row sends packets from the attacker's side of a world of private namespaces and says of each
//! whether it got through and what was logged. `v4::…` and `v6::…` read the log through NFLOG,
//! which works everywhere; `log::v4::…` and `log::v6::…` are the same rows with the LOG target,
//! read from the kernel log by root. The same rows are run with bans before connection tracking
//! (`early::…`), sets of single addresses (`ip::…`) and throttled sources that are let in within
//! their limit (`accept::…`), as `cases.rs` has it.
#![forbid(unsafe_code)]

mod cases;
mod config;
mod fate;
mod ground;

mod boot;
mod connections;
mod early;
mod explained;
mod flood;
mod forwarding;
mod instant;
mod late;
mod limits;
mod lists;
mod local;
mod multicast;
mod neighbours;
mod others;
mod outgoing;
mod protocols;
mod quiet;
mod refused;
mod replaced;
mod router;
mod services;
mod sets;
mod sources;
mod throttle;
mod times;
mod tools;
mod typed_over;
mod untracked;

use std::process::ExitCode;

use netns_testbed::{Failed, run};

use crate::cases::{CASES, Case};
use crate::config::Target;

fn main() -> ExitCode {
    let rows = [
        boot::ROWS,
        connections::ROWS,
        explained::ROWS,
        forwarding::ROWS,
        instant::ROWS,
        late::ROWS,
        limits::ROWS,
        lists::ROWS,
        local::ROWS,
        multicast::ROWS,
        neighbours::ROWS,
        others::ROWS,
        protocols::ROWS,
        quiet::ROWS,
        refused::ROWS,
        router::ROWS,
        services::ROWS,
        sets::ROWS,
        sources::ROWS,
        throttle::ROWS,
        tools::ROWS,
        typed_over::ROWS,
        untracked::ROWS,
    ];
    let mut trials = Vec::new();
    for case in CASES {
        let of_this_family: &[&[Row]] =
            (case.family).pick(&[], &[multicast::V6_ROWS, neighbours::V6_ROWS]);
        // What becomes of many packets is counted, not logged.
        let counted: &[&[Row]] = match case.target {
            Target::Nflog => &[
                flood::ROWS,
                instant::FLOODS,
                outgoing::ROWS,
                replaced::ROWS,
                times::ROWS,
            ],
            Target::Log => &[],
        };
        let early: &[&[Row]] = if case.early { &[early::ROWS] } else { &[] };
        let rows = rows.iter().chain(of_this_family).chain(counted);
        let rows = rows.chain(early).copied().flatten();
        trials.extend(rows.map(|row| case.trial(*row)));
    }
    run(trials)
}

/// A row: its name, and what it does.
type Row = (&'static str, fn(Case) -> Result<(), Failed>);
