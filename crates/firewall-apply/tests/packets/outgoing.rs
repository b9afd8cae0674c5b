//! What the gateway itself sends. A line about it names no hardware address, so that only NFLOG tells
//! whose it is.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};

use netns_testbed::{Failed, Packet, World};

use crate::config::Config;
use crate::fate::ALLOWED;
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("sent_as_the_services_say", sent_as_the_services_say),
    ("answers_go_out", answers_go_out),
    ("untracked_answers_go_out", untracked_answers_go_out),
    ("some_things_are_not_sent", some_things_are_not_sent),
];

/// Names for everybody to ask, a port of those in a set, one that is refused, one that is logged.
const CLOSED: Config = Config {
    policy: "output = \"drop\"",
    more: "[[output.service]]\nuse = \"dns\"\n\
        [[output.service]]\nname = \"mirrors\"\nprotocol = \"udp\"\nports = [80]\ndestinations = [\"set:mirrors\"]\n\
        [[output.service]]\nname = \"mail\"\nprotocol = [\"tcp\", \"udp\"]\nports = [\"smtp\"]\naction = \"reject\"\n\
        [[output.service]]\nuse = \"syslog\"\nlog = true\n",
    services: &[],
    throttle: "",
    log: "",
};
/// Only some of what the host sends is nobody's.
const OPEN: Config = Config {
    policy: "",
    more: "[[output.service]]\nname = \"mail\"\nprotocol = \"udp\"\nports = [25]\naction = \"drop\"\n",
    ..CLOSED
};

fn sent_as_the_services_say(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, CLOSED)?;
    ground.add("whitelist", ground.source(3), "")?;
    for (stranger, port, arrives, log) in [
        (1, 53, true, None),
        (1, 80, false, Some("OUT-BLOCKED")),
        (3, 80, true, None),
        (1, 514, true, Some("OUT-ALLOWED")),
        (1, 25, false, Some("OUT-BLOCKED")),
    ] {
        expect(&mut ground, stranger, port, arrives, log)?;
    }
    ground.add("mirrors", ground.source(1), "")?;
    expect(&mut ground, 1, 80, true, None)?;
    // Whoever asks is told at once.
    let to = SocketAddr::new(ground.source(1), 25);
    let refused = ground.world.gateway.run(|| TcpStream::connect(to));
    let kind = refused.err().map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::ConnectionRefused));
    let seen = ground.send(&[])?;
    assert!(
        seen.logged
            .iter()
            .all(|line| line.prefix.contains("OUT-BLOCKED")),
        "{:?}",
        seen.logged
    );
    Ok(())
}

fn answers_go_out(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, CLOSED)?;
    ground.expect(&ground.connections(ground.source(1), 443, 3), ALLOWED)
}

fn untracked_answers_go_out(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::untracked(case, CLOSED)?;
    ground.expect(&ground.connections(ground.source(1), 443, 1), ALLOWED)
}

fn some_things_are_not_sent(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, OPEN)?;
    expect(&mut ground, 1, 25, false, Some("OUT-BLOCKED"))?;
    expect(&mut ground, 1, 80, true, None)
}

/// What becomes of a datagram from the gateway to a stranger's port.
fn expect(
    ground: &mut Ground,
    stranger: u8,
    port: u16,
    arrives: bool,
    log: Option<&str>,
) -> Result<(), Failed> {
    let to = SocketAddr::new(ground.source(stranger), port);
    let mut attacker = ground.world.attacker.tap("eth0")?;
    send(&ground.world, to)?;
    let seen = ground.send(&[])?;
    let received = attacker.drain()?;
    let mut ends = received.iter().filter_map(Packet::endpoints);
    let is_there = ends.any(|(_, destination)| destination == to);
    assert_eq!(is_there, arrives, "{to}");
    let prefix = ground.case.family.pick("IPTABLES", "IP6TABLES");
    let expected: Vec<String> = log
        .iter()
        .map(|word| format!("{prefix}-{word}: "))
        .collect();
    let logged: Vec<String> = seen.logged.into_iter().map(|line| line.prefix).collect();
    assert_eq!(logged, expected, "{to}");
    // As it is explained.
    let (address, port) = (to.ip().to_string(), to.port().to_string());
    let ask = [
        "--json", "explain", &address, "--proto", "udp", "--port", &port, "--out", "eth0",
    ];
    let said: serde_json::Value = serde_json::from_str(&ground.firewall_apply(&ask)?)?;
    let said_of = |pointer: &str| said.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(said_of("/verdict") == "accepted", arrives, "{said:#}");
    let prefix = expected.first().cloned();
    assert_eq!(
        said_of("/log_prefix"),
        serde_json::json!(prefix),
        "{said:#}"
    );
    assert_eq!(said_of("/packet/out_interface"), "eth0");
    Ok(())
}

fn send(world: &World, to: SocketAddr) -> Result<(), Failed> {
    let any: IpAddr = if to.is_ipv4() {
        [0; 4].into()
    } else {
        [0u16; 8].into()
    };
    world.gateway.run(|| -> Result<(), Failed> {
        // The kernel tells the sender of what is dropped on its way out.
        let sent = UdpSocket::bind((any, 0))?.send_to(b"x", to);
        match sent {
            Err(error) if error.kind() != ErrorKind::PermissionDenied => Err(error.into()),
            _ => Ok(()),
        }
    })
}
