//! What is sent to many and dropped without a line.

use std::net::{IpAddr, SocketAddr};

use netns_testbed::{Failed, Packet};

use crate::config::Config;
use crate::fate::{ALLOWED, BLOCKED, Fate, IGNORED};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("noise_is_logged_unless_asked_otherwise", |case| {
        noise(case, "", BLOCKED, BLOCKED)
    }),
    ("quiet_multicast", |case| {
        noise(case, "quiet = [\"multicast\"]", IGNORED, BLOCKED)
    }),
    ("quiet_broadcast_and_multicast", |case| {
        noise(
            case,
            "quiet = [\"broadcast\", \"multicast\"]",
            IGNORED,
            IGNORED,
        )
    }),
    (
        "noise_of_who_is_blacklisted_is_logged",
        noise_of_who_is_blacklisted,
    ),
];

/// Who is banned is told of first, as of all that he sends.
fn noise_of_who_is_blacklisted(case: Case) -> Result<(), Failed> {
    let config = Config {
        log: "quiet = [\"broadcast\", \"multicast\"]",
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    let from = SocketAddr::new(ground.world.attacker.address(case.family), 40000);
    ground.add("blacklist", from.ip(), "timeout 600")?;
    for to in to_many(case) {
        let datagram = Packet::udp(from, SocketAddr::new(to, 1900), b"?");
        ground.expect(&[datagram], BLOCKED)?;
    }
    Ok(())
}

/// What becomes of a datagram to a group, and of those to all hosts of the link, which IPv4 has.
fn noise(case: Case, log: &'static str, to_group: Fate, to_all: Fate) -> Result<(), Failed> {
    let config = Config {
        log,
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    let from = SocketAddr::new(ground.world.attacker.address(case.family), 40000);
    let datagram = |to: IpAddr| Packet::udp(from, SocketAddr::new(to, 1900), b"?");
    for to in to_many(case) {
        let fate = if to.is_multicast() { to_group } else { to_all };
        ground.expect(&[datagram(to)], fate)?;
    }
    // What is for this host is logged as ever.
    let to_host = Packet::udp(from, ground.gateway(1900), b"?");
    ground.expect(&[to_host], BLOCKED)?;
    ground.expect(&ground.connections(ground.source(1), 22, 1), ALLOWED)
}

/// A group that every host is in, because no other gets past the host's own filter of groups, and
/// all hosts of the link, which IPv4 has.
fn to_many(case: Case) -> Vec<IpAddr> {
    case.family.pick(
        vec![
            [224, 0, 0, 1].into(),
            [255, 255, 255, 255].into(),
            [203, 0, 113, 3].into(),
        ],
        vec![[0xff02, 0, 0, 0, 0, 0, 0, 1_u16].into()],
    )
}
