//! The sets that decide on their own: whitelist and blacklist.

use std::thread;
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Tool};

use crate::fate::{ALLOWED, BLOCKED};
use crate::ground::{ENOUGH, Ground};
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("whitelisted_to_closed_port", whitelisted_to_closed_port),
    ("blacklisted_to_open_port", blacklisted_to_open_port),
    (
        "whitelist_wins_over_blacklist",
        whitelist_wins_over_blacklist,
    ),
    ("whitelist_wins_over_throttle", whitelist_wins_over_throttle),
    ("blacklist_is_of_sources", blacklist_is_of_sources),
    ("blacklisted_network", blacklisted_network),
    (
        "entry_whose_timeout_has_passed",
        entry_whose_timeout_has_passed,
    ),
];

fn whitelisted_to_closed_port(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add("whitelist", source, "")?;
    ground.expect(&ground.connections(source, 23, 1), ALLOWED)?;
    ground.expect(&ground.echo_requests(source, 1), ALLOWED)
}

fn blacklisted_to_open_port(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add("blacklist", source, "timeout 600")?;
    ground.expect(&ground.connections(source, 22, 1), BLOCKED)?;
    ground.expect(&ground.connections(source, 443, 1), BLOCKED)?;
    ground.expect(&ground.echo_requests(source, 1), BLOCKED)
}

fn whitelist_wins_over_blacklist(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add("blacklist", source, "timeout 600")?;
    ground.add("whitelist", source, "")?;
    ground.expect(&ground.connections(source, 22, 1), ALLOWED)?;
    ground.expect(&ground.connections(source, 23, 1), ALLOWED)
}

fn whitelist_wins_over_throttle(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add("throttle-hard", source, "timeout 600")?;
    ground.add("whitelist", source, "")?;
    ground.expect(&ground.connections(source, 22, 30), ALLOWED)
}

/// A blacklisted address is cut off as a source; that others send in its neighbourhood is none of
/// their fault.
fn blacklist_is_of_sources(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.add("blacklist", ground.source(1), "timeout 600")?;
    ground.add("blacklist", ground.gateway(0).ip(), "timeout 600")?;
    ground.expect(&ground.connections(ground.source(2), 22, 1), ALLOWED)
}

fn blacklisted_network(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.add_network("blacklist", ground.strangers(16, 28), &[], "timeout 600")?;
    ground.expect(&ground.connections(ground.source(16), 22, 1), BLOCKED)?;
    ground.expect(&ground.connections(ground.source(31), 22, 1), BLOCKED)?;
    ground.expect(&ground.connections(ground.source(15), 22, 1), ALLOWED)?;
    ground.expect(&ground.connections(ground.source(32), 22, 1), ALLOWED)
}

fn entry_whose_timeout_has_passed(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    // Long enough for the first packet, whatever the machine is doing.
    ground.add("blacklist", source, "timeout 600")?;
    ground.expect(&ground.connections(source, 22, 1), BLOCKED)?;

    ground.del("blacklist", source)?;
    ground.add("blacklist", source, "timeout 1")?;
    let ipset = Tool::require("ipset")?;
    let set = ground.set("blacklist");
    let deadline = Instant::now() + ENOUGH;
    while ground
        .world
        .gateway
        .run(|| ipset.run(&["list", &set]))?
        .contains(&source.to_string())
    {
        assert!(Instant::now() < deadline, "{source} is still in {set}");
        thread::sleep(Duration::from_millis(20));
    }
    ground.expect(&ground.connections(source, 22, 1), ALLOWED)
}
