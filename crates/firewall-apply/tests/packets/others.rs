//! What is neither TCP nor ICMP, and what comes in parts.

use std::net::SocketAddr;

use netns_testbed::{Failed, Packet};

use crate::fate::{ALLOWED, BLOCKED, IGNORED, Log};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("udp_to_nothing", udp_to_nothing),
    ("unknown_protocol", unknown_protocol),
    ("first_fragment_alone", first_fragment_alone),
    ("later_fragment_alone", later_fragment_alone),
    (
        "fragments_of_a_blocked_packet",
        fragments_of_a_blocked_packet,
    ),
    (
        "fragments_of_an_allowed_packet",
        fragments_of_an_allowed_packet,
    ),
];

/// For experiments: RFC 3692.
const EXPERIMENT: u8 = 253;

fn udp_to_nothing(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let packet = udp(&ground, 1);
    ground.expect(&[packet], BLOCKED)?;
    // Allowed, it would have been answered.
    ground.add("whitelist", ground.source(2), "")?;
    let packet = udp(&ground, 2);
    ground.expect(&[packet], ALLOWED)
}

fn unknown_protocol(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let packet = |ground: &Ground, n| {
        Packet::of_protocol(ground.source(n), ground.gateway(0).ip(), EXPERIMENT, b"?")
    };
    let blocked = packet(&ground, 1);
    ground.expect(&[blocked], BLOCKED)?;
    ground.add("whitelist", ground.source(2), "")?;
    let allowed = packet(&ground, 2);
    ground.expect(&[allowed], ALLOWED)
}

/// Nothing is decided before the packet is whole.
fn first_fragment_alone(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let [first, _] = udp(&ground, 1).in_two_fragments(1, 77);
    ground.expect(&[first], IGNORED)
}

fn later_fragment_alone(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let [_, later] = udp(&ground, 1).in_two_fragments(1, 77);
    ground.expect(&[later], IGNORED)
}

/// One packet, one verdict, one line, in whatever order its parts come.
fn fragments_of_a_blocked_packet(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let [first, later] = udp(&ground, 1).in_two_fragments(1, 77);
    for parts in [[first.clone(), later.clone()], [later, first]] {
        let seen = ground.send(&parts)?;
        assert_eq!(seen.answers, []);
        let logged: Vec<_> = seen
            .logged
            .iter()
            .map(|line| (line.prefix.as_str(), line.source))
            .collect();
        assert_eq!(
            logged,
            [(Log::Blocked.prefix(case.family), ground.source(1))]
        );
    }
    Ok(())
}

fn fragments_of_an_allowed_packet(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add("whitelist", source, "")?;
    let whole = udp(&ground, 1);
    let seen = ground.send(&whole.in_two_fragments(1, 77))?;
    let [answer] = seen.answers.as_slice() else {
        return Err(format!("not one answer: {:?}", seen.answers).into());
    };
    let quoted = answer
        .quoted()
        .ok_or_else(|| format!("not an ICMP error: {answer}"))?;
    assert_eq!(quoted.endpoints(), whole.endpoints());
    let logged: Vec<_> = seen
        .logged
        .iter()
        .map(|line| (line.prefix.as_str(), line.source))
        .collect();
    assert_eq!(logged, [(Log::Allowed.prefix(case.family), source)]);
    Ok(())
}

/// To a port that nobody listens on.
fn udp(ground: &Ground, source: u8) -> Packet {
    let source = SocketAddr::new(ground.source(source), 40000);
    Packet::udp(source, ground.gateway(5353), b"in more than eight bytes")
}
