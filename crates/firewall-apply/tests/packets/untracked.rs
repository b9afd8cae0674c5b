//! Ports that connection tracking is kept away from (NOTRACK): every packet is UNTRACKED there.

use std::net::SocketAddr;

use netns_testbed::{Failed, Packet};

use crate::config::{Config, Service};
use crate::connections::Session;
use crate::fate::{ALLOWED, BLOCKED, INVALID, LIMITED, Log, PASSED};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("untracked_session", |case| session(case, 22)),
    ("untracked_session_without_limit", session_without_limit),
    ("untracked_session_of_whitelisted", |case| {
        session(case, 9999)
    }),
    ("untracked_over_limit", over_limit),
    ("untracked_throttled", throttled),
    ("untracked_closed_port", closed_port),
    ("untracked_udp", udp),
];

/// It is logged once, and what goes on costs nothing of the limit.
fn session(case: Case, port: u16) -> Result<(), Failed> {
    let mut ground = Ground::untracked(case, Config::default())?;
    let client = ground.world.attacker.address(case.family);
    if port == 9999 {
        ground.add("whitelist", client, "")?;
    }
    whole(&mut ground, port)
}

fn session_without_limit(case: Case) -> Result<(), Failed> {
    let config = Config {
        services: &[Service::Unlimited],
        ..Config::default()
    };
    whole(&mut Ground::untracked(case, config)?, 8443)
}

fn whole(ground: &mut Ground, port: u16) -> Result<(), Failed> {
    let mut session = Session::open(ground, &ground.world.attacker, ground.gateway(port))?;
    for _ in 0..20 {
        session.client_speaks()?;
        session.gateway_speaks()?;
    }
    let client = session.client.local_addr()?.ip();
    drop(session);
    ground.expect_logged(&[(client, Log::Allowed)])
}

fn over_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::untracked(case, Config::default())?;
    let source = ground.source(1);
    let packets = ground.connections(source, 22, 12);
    ground.expect_limit(
        &packets,
        std::time::Duration::from_secs(6),
        ALLOWED,
        LIMITED,
    )?;
    // What is let in goes on.
    let later = Packet::tcp(
        SocketAddr::new(source, 40_000),
        ground.gateway(22),
        |tcp| tcp.ack = true,
        b"SSH-2.0",
    );
    ground.expect(&[later], PASSED)
}

fn throttled(case: Case) -> Result<(), Failed> {
    let config = Config {
        services: &[Service::Unlimited],
        ..Config::default()
    };
    let mut ground = Ground::untracked(case, config)?;
    let source = ground.source(1);
    ground.add("throttle-hard", source, "timeout 600")?;
    let packets = ground.connections(source, 8443, 10);
    ground.expect_limit(
        &packets,
        std::time::Duration::from_secs(36),
        ALLOWED,
        BLOCKED,
    )
}

fn closed_port(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::untracked(case, Config::default())?;
    let source = ground.source(1);
    ground.expect(&ground.connections(source, 23, 1), BLOCKED)?;
    let late = Packet::tcp(
        SocketAddr::new(source, 40_001),
        ground.gateway(23),
        |tcp| tcp.ack = true,
        b"",
    );
    ground.expect(&[late], INVALID)
}

/// Nothing tells the first datagram from the next.
fn udp(case: Case) -> Result<(), Failed> {
    let config = Config {
        services: &[Service::Udp],
        ..Config::default()
    };
    let mut ground = Ground::untracked(case, config)?;
    let source = SocketAddr::new(ground.source(1), 40_000);
    let datagram = Packet::udp(source, ground.gateway(5300), b"?");
    ground.expect(&[datagram.clone(), datagram], ALLOWED)?;
    let elsewhere = Packet::udp(source, ground.gateway(5299), b"?");
    ground.expect(&[elsewhere], BLOCKED)
}
