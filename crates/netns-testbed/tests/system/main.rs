//! Whole systems: what the README has an administrator do, in a Debian with its own systemd.
//!
//! `./dev system` makes the root file systems and runs these. Each trial boots machines of its own,
//! on the gateway of a world of network namespaces; what they write is gone with them.
//!
//! | variable | value |
//! |---|---|
//! | `RAMPART_SYSTEMS` | directories of root file systems, separated by colons; without it there are no trials |
//! | `RAMPART_PACKAGE` | the `.deb` to be installed; without it that trial is skipped |

mod attack;
mod boot;
mod host;
mod log;
mod machine;
mod package;
mod pending;
mod scans;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, thread};

use netns_testbed::{Failed, Trial, run, trial};

/// How long anything may take on a machine that is busy, before the trial fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a trial is given: the root file system.
type Body = fn(&Path) -> Result<(), Failed>;

const TRIALS: [(&str, Body); 9] = [
    (
        "boot::the_bans_are_back_with_the_time_left",
        boot::the_bans_are_back,
    ),
    (
        "boot::a_new_host_is_as_it_was_until_it_is_told",
        boot::nothing_unasked,
    ),
    ("log::collector", log::collector),
    ("log::rsyslog_and_cron", log::rsyslog_and_cron),
    ("log::who_can_write_to_syslog_bans_nobody", log::forged),
    ("log::cuts_lose_nothing_and_count_nothing_twice", log::cuts),
    ("scans::live", scans::live),
    (
        "package::from_installation_to_purge",
        package::from_installation_to_purge,
    ),
    (
        "pending::taken_back_by_systemd",
        pending::taken_back_by_systemd,
    ),
];

fn main() -> std::process::ExitCode {
    let systems = env::var_os("RAMPART_SYSTEMS").unwrap_or_default();
    let systems: Vec<PathBuf> = env::split_paths(&systems)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if systems.is_empty() {
        println!("no whole systems are named by RAMPART_SYSTEMS: `./dev system` makes them");
    }
    run(systems.iter().flat_map(|root| trials_of(root)).collect())
}

fn trials_of(root: &Path) -> Vec<Trial> {
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    TRIALS
        .iter()
        .map(|&(what, body)| {
            let root = root.to_owned();
            trial(format!("{name}::{what}"), move || body(&root))
        })
        .collect()
}

/// Waits until `done` says yes.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) -> Result<(), Failed> {
    let end = Instant::now() + PATIENCE;
    while !done() {
        if Instant::now() > end {
            return Err(format!("waited {PATIENCE:?} for {what}").into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
