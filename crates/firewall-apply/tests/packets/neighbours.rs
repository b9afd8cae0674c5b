//! The neighbours are still found: nothing works without.

use std::net::{SocketAddr, TcpListener};

use netns_testbed::{Failed, Family, Packet, World, connect};

use crate::config::Config;
use crate::fate::Log;
use crate::ground::{ENOUGH, Ground};
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("neighbour_finds_us", neighbour_finds_us),
    ("we_find_neighbour", |case| we_find_neighbour(case, false)),
    ("we_find_blacklisted_neighbour", |case| {
        we_find_neighbour(case, true)
    }),
];

/// ICMPv6 types of RFC 4861.
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

fn neighbour_finds_us(case: Case) -> Result<(), Failed> {
    let mut ground = unresolved(case)?;
    let mut wire = ground.world.gateway.tap("eth0")?;
    let attacker = &ground.world.attacker;
    let source = attacker.address(case.family);
    attacker.run(|| connect(SocketAddr::new(source, 0), ground.gateway(22), ENOUGH))?;
    ground.expect_logged(&[(source, Log::Allowed)])?;
    came_in(case, &wire.drain()?, NEIGHBOUR_SOLICITATION);
    Ok(())
}

fn we_find_neighbour(case: Case, blacklisted: bool) -> Result<(), Failed> {
    let mut ground = unresolved(case)?;
    let mut wire = ground.world.gateway.tap("eth0")?;
    let attacker = &ground.world.attacker;
    let remote = SocketAddr::new(attacker.address(case.family), 80);
    if blacklisted {
        ground.add("blacklist", remote.ip(), "timeout 600")?;
    }
    let _listener = attacker.run(|| TcpListener::bind(remote))?;
    ground
        .world
        .gateway
        .run(|| connect(ground.gateway(0), remote, ENOUGH))?;
    ground.expect_logged(&[])?;
    came_in(case, &wire.drain()?, NEIGHBOUR_ADVERTISEMENT);
    Ok(())
}

fn unresolved(case: Case) -> Result<Ground, Failed> {
    let ground = Ground::before_apply(World::without_neighbours()?, case, Config::default())?;
    ground.apply()?;
    Ok(ground)
}

/// The row is worth something: such a packet did go through the firewall. (ARP does not; there IPv4 has nothing to
/// fear.)
fn came_in(case: Case, packets: &[Packet], kind: u8) {
    let found = packets
        .iter()
        .any(|packet| packet.icmp() == Some((kind, 0)));
    assert!(
        found || case.family == Family::V4,
        "no ICMPv6 type {kind} in {packets:#?}"
    );
}
