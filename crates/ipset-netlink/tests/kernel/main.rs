//! Against the real kernel, each trial in a network namespace of its own, and against the stock
//! `ipset`: what one writes the other reads back.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

mod errors;
mod every_type;
mod fake;
#[path = "../lines/mod.rs"]
mod lines;
mod many;
mod matching;
mod replace;
mod sets;
mod stock;
mod type_errors;

use std::process::ExitCode;

use ipset_netlink::{CreateSet, Entry, Family, IfExists, IpSet, Key, SetName, SetType, Timeout};
use netns_testbed::{Failed, Trial, skip};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(errors::WITHOUT_PRIVILEGE) {
        errors::try_without_privilege();
        return ExitCode::SUCCESS;
    }
    let mut trials = Vec::new();
    errors::trials(&mut trials);
    every_type::trials(&mut trials);
    fake::trials(&mut trials);
    many::trials(&mut trials);
    matching::trials(&mut trials);
    replace::trials(&mut trials);
    sets::trials(&mut trials);
    stock::trials(&mut trials);
    type_errors::trials(&mut trials);
    netns_testbed::run(trials)
}

/// Adds a trial that gets a session with the kernel.
fn with_session(trials: &mut Vec<Trial>, name: &str, body: fn(&mut IpSet) -> Result<(), Failed>) {
    trials.push(netns_testbed::trial(name, move || match IpSet::connect() {
        Ok(mut sets) => body(&mut sets),
        Err(error) if error.is_not_supported() => Err(skip(error.to_string())),
        Err(error) => Err(error.into()),
    }));
}

fn name(name: &str) -> SetName {
    name.parse().unwrap()
}

fn key(key: &str) -> Key {
    key.parse().unwrap()
}

fn entry(key_text: &str) -> Entry {
    Entry::new(key(key_text))
}

fn seconds(seconds: u32) -> Timeout {
    Timeout::from_secs(seconds).unwrap()
}

/// A set without options.
fn plain(set: &str, set_type: SetType, family: Family) -> CreateSet {
    CreateSet::new(name(set), set_type, family)
}

/// Makes a `hash:net` set of IPv4 without options.
fn make(sets: &mut IpSet, set: &str) -> SetName {
    sets.create(&plain(set, SetType::HashNet, Family::Inet), IfExists::Fail)
        .unwrap();
    name(set)
}
