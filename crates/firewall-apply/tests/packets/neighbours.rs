//! The neighbours are still found: nothing works without.

use std::net::{Ipv6Addr, SocketAddr, TcpListener};

use netns_testbed::{Failed, Family, Packet, Tool, World, connect};

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

/// Of IPv6 alone: IPv4 has no such thing.
pub(crate) const V6_ROWS: &[Row] = &[("router_is_heard", router_is_heard)];

/// ICMPv6 types of RFC 4861.
const ROUTER_ADVERTISEMENT: u8 = 134;
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

/// A router says that it is one.
fn router_is_heard(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    // Also where the host forwards, as this one does.
    ground
        .world
        .gateway
        .set_sysctl("net.ipv6.conf.eth0.accept_ra", "2")?;
    let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x99);
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let [high, low] = 1800_u16.to_be_bytes();
    let advertisement = Packet::icmp_of_type(
        router.into(),
        all_nodes.into(),
        (ROUTER_ADVERTISEMENT, 0),
        [64, 0, high, low],
        &[0; 8],
    );
    let seen = ground.send(&[advertisement.from_neighbour()])?;
    assert_eq!(seen.logged, []);
    let ip = Tool::require("ip")?;
    let listing = ground
        .world
        .gateway
        .run(|| ip.run(&["-6", "route", "show", "default"]))?;
    assert!(listing.contains(&format!("via {router} ")), "{listing}");
    Ok(())
}

fn unresolved(case: Case) -> Result<Ground, Failed> {
    let ground = Ground::before_apply(World::without_neighbours()?, case, Config::default())?;
    ground.apply()?;
    Ok(ground)
}

/// The row is worth something: such a packet did go through the firewall. (ARP does not; there IPv4
/// has nothing to fear.)
fn came_in(case: Case, packets: &[Packet], kind: u8) {
    let found = packets
        .iter()
        .any(|packet| packet.icmp() == Some((kind, 0)));
    assert!(
        found || case.family == Family::V4,
        "no ICMPv6 type {kind} in {packets:#?}"
    );
}
