//! What the firewall does with packets: one row, one test, for IPv4 and IPv6.
//!
//! A row sends packets from the attacker's side of a world of private namespaces and says of each
//! whether it got through and what was logged. `v4::…` and `v6::…` read the log through NFLOG,
//! which works everywhere; `log::v4::…` and `log::v6::…` are the same rows with the LOG target,
//! read from the kernel log by root. `early::…` are the rows in which somebody who is banned sends,
//! with bans before connection tracking.
#![forbid(unsafe_code)]

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
mod untracked;

use std::process::ExitCode;

use netns_testbed::{Failed, Family, Trial, run, trial};

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
        untracked::ROWS,
    ];
    let mut trials = Vec::new();
    for target in [Target::Nflog, Target::Log] {
        for family in Family::BOTH {
            let case = Case {
                family,
                target,
                early: false,
            };
            let of_this_family: &[&[Row]] =
                family.pick(&[], &[multicast::V6_ROWS, neighbours::V6_ROWS]);
            // What becomes of many packets is counted, not logged.
            let counted: &[&[Row]] = match target {
                Target::Nflog => &[
                    flood::ROWS,
                    instant::FLOODS,
                    outgoing::ROWS,
                    replaced::ROWS,
                    times::ROWS,
                ],
                Target::Log => &[],
            };
            let rows = rows.iter().chain(of_this_family).chain(counted);
            let rows: Vec<Row> = rows.copied().flatten().copied().collect();
            trials.extend(rows.iter().map(|row| case.trial(*row)));
            let early = Case {
                early: true,
                ..case
            };
            let of_bans = rows
                .iter()
                .filter(|(name, _)| early::is_of_bans(name, target));
            let of_bans = of_bans.chain(early::ROWS);
            trials.extend(of_bans.map(|row| early.trial(*row)));
        }
    }
    run(trials)
}

/// A row: its name, and what it does.
type Row = (&'static str, fn(Case) -> Result<(), Failed>);

/// How a row is run.
#[derive(Clone, Copy, Debug)]
struct Case {
    family: Family,
    target: Target,
    /// Whether bans hold before connection tracking.
    early: bool,
}

impl Case {
    fn trial(self, (name, row): Row) -> Trial {
        let group = match self.target {
            Target::Nflog => "",
            Target::Log => "log::",
        };
        let early = if self.early { "early::" } else { "" };
        trial(
            format!("{early}{group}{}::{name}", self.family.pick("v4", "v6")),
            move || row(self),
        )
    }
}
