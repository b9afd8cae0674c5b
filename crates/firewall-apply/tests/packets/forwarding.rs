//! Packets for others.

use std::net::SocketAddr;

use netns_testbed::{Failed, Packet, World};

use crate::config::Config;
use crate::fate::answers;
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("forwarded", forwarded),
    ("forwarded_from_whitelisted", forwarded_from_whitelisted),
    ("forwarding_before_apply", forwarding_before_apply),
    ("forwarding_untouched", forwarding_untouched),
];

fn forwarded(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    assert!(
        !reaches_server(&mut ground)?,
        "the policy of FORWARD is DROP"
    );
    Ok(())
}

/// The whitelist is about what is for this host.
fn forwarded_from_whitelisted(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.add("whitelist", ground.source(1), "")?;
    assert!(
        !reaches_server(&mut ground)?,
        "the policy of FORWARD is DROP"
    );
    Ok(())
}

/// The path is there: it is the firewall that closes it.
fn forwarding_before_apply(case: Case) -> Result<(), Failed> {
    let world = World::new()?;
    let mut server = world.server.tap("eth0")?;
    let mut attacker = world.attacker.tap("eth0")?;
    let packet = to_server(case, &world);
    attacker.send(&packet)?;
    attacker.receive_until(crate::ground::ENOUGH, |answer| answers(answer, &packet))?;
    assert_eq!(server.drain()?.len(), 1);
    Ok(())
}

fn forwarding_untouched(case: Case) -> Result<(), Failed> {
    let config = Config {
        policy: "forward = \"untouched\"",
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    assert!(reaches_server(&mut ground)?, "FORWARD is left alone");
    Ok(())
}

/// Whether a packet from outside gets to the server; neither way is logged.
fn reaches_server(ground: &mut Ground) -> Result<bool, Failed> {
    let mut server = ground.world.server.tap("eth0")?;
    let packet = to_server(ground.case, &ground.world);
    let seen = ground.send(std::slice::from_ref(&packet))?;
    assert_eq!(seen.logged, []);
    let arrived = !server.drain()?.is_empty();
    assert_eq!(
        arrived,
        seen.answers.iter().any(|answer| answers(answer, &packet))
    );
    Ok(arrived)
}

fn to_server(case: Case, world: &World) -> Packet {
    let server = SocketAddr::new(world.server.address(case.family), 80);
    Packet::tcp_syn(SocketAddr::new(case.family.stranger(1), 40000), server)
}
