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
];

/// What becomes of a datagram to a group, and of those to all hosts of the link, which IPv4 has.
fn noise(case: Case, log: &'static str, to_group: Fate, to_all: Fate) -> Result<(), Failed> {
    let config = Config {
        log,
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    let from = SocketAddr::new(ground.world.attacker.address(case.family), 40000);
    let datagram = |to: IpAddr| Packet::udp(from, SocketAddr::new(to, 1900), b"?");
    // A group that every host is in: no other gets past the host's own filter of groups.
    let group: IpAddr = case.family.pick(
        [224, 0, 0, 1].into(),
        [0xff02, 0, 0, 0, 0, 0, 0, 1_u16].into(),
    );
    ground.expect(&[datagram(group)], to_group)?;
    if from.is_ipv4() {
        for all in [[255, 255, 255, 255], [203, 0, 113, 3]] {
            ground.expect(&[datagram(all.into())], to_all)?;
        }
    }
    // What is for this host is logged as ever.
    let to_host = Packet::udp(from, ground.gateway(1900), b"?");
    ground.expect(&[to_host], BLOCKED)?;
    ground.expect(&ground.connections(ground.source(1), 22, 1), ALLOWED)
}
