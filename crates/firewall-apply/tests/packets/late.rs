//! What belongs to no connection and opens none: the end of one that tracking has forgotten, and
//! what looks like it.

use std::net::SocketAddr;

use netns_testbed::{Failed, Packet, TcpHeader};

use crate::config::Config;
use crate::connections::Session;
use crate::fate::{ALLOWED, BLOCKED, Fate, IGNORED, INVALID, LIMITED, Log};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("late_end_of_a_connection", late_end_of_a_connection),
    ("late_reset_of_a_connection", late_reset_of_a_connection),
    ("everything_forgotten", everything_forgotten),
    ("what_opens_nothing_at_a_closed_port", at_a_closed_port),
    ("what_opens_nothing_at_a_service", at_a_service),
    ("what_opens_nothing_from_blacklisted", from_blacklisted),
    ("what_opens_nothing_unlogged", unlogged),
    ("late_packets_over_a_limit", over_a_limit),
];

/// A packet of TCP with these flags, and its name.
type Kind = (&'static str, fn(&mut TcpHeader));

/// What no connection begins with.
const KINDS: [Kind; 8] = [
    ("FIN ACK", |tcp| (tcp.fin, tcp.ack) = (true, true)),
    ("RST", |tcp| tcp.rst = true),
    ("RST ACK", |tcp| (tcp.rst, tcp.ack) = (true, true)),
    ("SYN ACK", |tcp| (tcp.syn, tcp.ack) = (true, true)),
    ("FIN", |tcp| tcp.fin = true),
    ("no flag", |_| {}),
    ("FIN PSH URG", |tcp| {
        (tcp.fin, tcp.psh, tcp.urg) = (true, true, true);
    }),
    ("SYN FIN", |tcp| (tcp.syn, tcp.fin) = (true, true)),
];
/// The one that connection tracking takes for a connection that it has not seen begin.
const ACK: Kind = ("ACK", |tcp| tcp.ack = true);

/// How often an end is tried: where the machine is busy, an acknowledgement that was put off is
/// sent after tracking has forgotten the connection, and has it taken up again before it ends.
const TRIES: usize = 8;

/// A browser closes an idle connection after tracking has given it up.
fn late_end_of_a_connection(case: Case) -> Result<(), Failed> {
    ends_late(case, |_, session| session.client_speaks())
}

/// It closes with something unread, and so resets.
fn late_reset_of_a_connection(case: Case) -> Result<(), Failed> {
    ends_late(case, |ground, session| {
        session.gateway_speaks()?;
        std::io::Write::write_all(&mut session.gateway, b"unread")?;
        ground.send(&[])?;
        Ok(())
    })
}

/// The end is seen, maybe more than once, and nobody can be banned for it.
fn ends_late(
    case: Case,
    mut speak: impl FnMut(&mut Ground, &mut Session) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let prefix = Log::Invalid.prefix(case.family);
    for n in 0..TRIES {
        let mut session = Session::open(&ground, &ground.world.attacker, ground.gateway(443))?;
        let client = session.client.local_addr()?.ip();
        let seen = ground.send(&[])?.logged;
        let (ends, begun): (Vec<_>, Vec<_>) =
            seen.into_iter().partition(|line| line.prefix == prefix);
        let begun: Vec<_> = begun
            .iter()
            .map(|line| (line.source, &*line.prefix))
            .collect();
        assert_eq!(begun, [(client, Log::Allowed.prefix(case.family))]);
        // The end of the last try, which was under way for longer than was waited for.
        if n > 0 && !ends.is_empty() {
            return Ok(());
        }
        assert!(ends.is_empty(), "{ends:#?}");
        speak(&mut ground, &mut session)?;
        ground.forget_connections()?;
        drop(session.client);
        let seen = ground.send(&[])?;
        for line in &seen.logged {
            assert_eq!((line.prefix.as_str(), line.source), (prefix, client));
        }
        if !seen.logged.is_empty() {
            return Ok(());
        }
    }
    Err("the end was not seen".into())
}

/// 150 clients are in the middle of their connections to https: they go on, and none of them is
/// blocked.
fn everything_forgotten(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    for n in 1..=150 {
        let from = SocketAddr::new(ground.elsewhere(n), 40_000);
        let [data, end] =
            [ACK, KINDS[0]].map(|(_, flags)| Packet::tcp(from, ground.gateway(443), flags, b"GET"));
        let [fate, _] = ground.fates(&[data, end])?[..] else {
            return Err("two packets have two fates".into());
        };
        assert_eq!(fate, ALLOWED);
    }
    for chain in ["LOG_AND_DROP", "LOG_AND_DROP_LIMITED"] {
        let listing = ground.iptables(&["-vnxL", chain])?;
        let counted = |line: &str| line.split_whitespace().next().map(str::to_owned);
        let counts: Vec<_> = listing.lines().skip(2).filter_map(counted).collect();
        assert_eq!(counts, ["0", "0"], "{listing}");
    }
    Ok(())
}

fn at_a_closed_port(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    for kind in KINDS.into_iter().chain([ACK]) {
        expect(&mut ground, 1, 23, kind, INVALID)?;
    }
    // A scan that finds out anything is still one.
    ground.expect(&ground.connections(ground.source(1), 23, 1), BLOCKED)
}

fn at_a_service(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    for kind in KINDS {
        expect(&mut ground, 1, 443, kind, INVALID)?;
    }
    expect(&mut ground, 1, 443, ACK, ALLOWED)
}

/// What a banned source sends is blocked, whatever it is.
fn from_blacklisted(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.add("blacklist", ground.source(1), "timeout 600")?;
    for kind in KINDS.into_iter().chain([ACK]) {
        expect(&mut ground, 1, 443, kind, BLOCKED)?;
    }
    Ok(())
}

fn unlogged(case: Case) -> Result<(), Failed> {
    let config = Config {
        log: "invalid = false",
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    for kind in KINDS.into_iter().chain([ACK]) {
        expect(&mut ground, 1, 23, kind, IGNORED)?;
    }
    ground.expect(&ground.connections(ground.source(1), 23, 1), BLOCKED)
}

/// A limit is one of connections: what opens none is not over it.
fn over_a_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let late: Vec<_> = (0..8)
        .map(|n| packet(&ground, (1, 41_000 + n), 22, ACK))
        .collect();
    let fates = ground.fates(&late)?;
    let (first, over) = fates.split_at(5);
    assert_eq!(first, [ALLOWED; 5]);
    // Time may have given one back.
    assert!(over.iter().all(|fate| [ALLOWED, INVALID].contains(fate)));
    assert!(over.contains(&INVALID), "{over:?}");
    let fates = ground.fates(&ground.connections(ground.source(1), 22, 2))?;
    assert!(fates.contains(&LIMITED), "{fates:?}");
    Ok(())
}

fn packet(ground: &Ground, (source, port): (u8, u16), to: u16, (_, flags): Kind) -> Packet {
    let from = SocketAddr::new(ground.source(source), port);
    Packet::tcp(from, ground.gateway(to), flags, b"")
}

fn expect(
    ground: &mut Ground,
    source: u8,
    port: u16,
    kind: Kind,
    fate: Fate,
) -> Result<(), Failed> {
    // Each is one of its own, not a part of what was before.
    let from = KINDS
        .iter()
        .zip(42_000..)
        .find(|((name, _), _)| *name == kind.0)
        .map_or(42_099, |(_, port)| port);
    let packet = packet(ground, (source, from), port, kind);
    let fates = ground.fates(&[packet])?;
    assert_eq!(fates, [fate], "{} to port {port}", kind.0);
    Ok(())
}
