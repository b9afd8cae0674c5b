//! Services that drop or reject, what is not logged, and the order of the file.

use std::net::SocketAddr;
use std::time::Duration;

use netns_testbed::{Failed, Packet};

use crate::config::{Config, Service};
use crate::fate::{ALLOWED, BLOCKED, IGNORED, INVALID, Log, PASSED, REJECTED};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("the_first_service_decides", the_first_service_decides),
    (
        "a_later_service_decides_nothing",
        a_later_service_decides_nothing,
    ),
    (
        "what_is_dropped_opens_nothing_later",
        what_is_dropped_opens_nothing_later,
    ),
    (
        "a_rejected_connection_is_reset",
        a_rejected_connection_is_reset,
    ),
    (
        "a_rejected_datagram_is_answered",
        a_rejected_datagram_is_answered,
    ),
    ("a_rejection_without_a_line", a_rejection_without_a_line),
    ("services_without_a_line", services_without_a_line),
    ("connections_at_a_time", connections_at_a_time),
    ("connections_of_a_network", connections_of_a_network),
    (
        "lines_beyond_a_rate_are_counted",
        lines_beyond_a_rate_are_counted,
    ),
];

const DROPPED: Service = Service::Written(
    "name = \"dropped\"\nprotocol = \"tcp\"\nports = [8443]\naction = \"drop\"\n\
     sources = [\"198.51.100.3\", \"2001:db8:66::3\"]",
);

fn the_first_service_decides(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[DROPPED, Service::Unlimited])?;
    ground.expect(&ground.connections(ground.source(3), 8443, 2), BLOCKED)?;
    ground.expect(&ground.connections(ground.source(4), 8443, 2), ALLOWED)
}

fn a_later_service_decides_nothing(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Unlimited, DROPPED])?;
    ground.expect(&ground.connections(ground.source(3), 8443, 2), ALLOWED)
}

/// What looks like the middle of a connection is taken up by a service; not by one behind it.
fn what_is_dropped_opens_nothing_later(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[DROPPED, Service::Unlimited])?;
    let middle = |ground: &Ground, n| {
        let from = SocketAddr::new(ground.source(n), 40000);
        Packet::tcp(from, ground.gateway(8443), |tcp| tcp.ack = true, b"GET")
    };
    ground.expect(&[middle(&ground, 3)], INVALID)?;
    ground.expect(&[middle(&ground, 4)], ALLOWED)
}

const REJECTS: &[Service] = &[Service::Written(
    "name = \"rejected\"\nprotocol = [\"tcp\", \"udp\"]\nports = [8443]\naction = \"reject\"",
)];

fn a_rejected_connection_is_reset(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, REJECTS)?;
    // Somebody listens there.
    let packets = ground.connections(ground.source(1), 8443, 2);
    let seen = ground.send(&packets)?;
    assert!(
        seen.answers.len() == 2 && seen.answers.iter().all(Packet::is_reset),
        "{:?}",
        seen.answers
    );
    let prefixes: Vec<_> = seen
        .logged
        .iter()
        .map(|line| line.prefix.as_str())
        .collect();
    assert_eq!(prefixes, [Log::Blocked.prefix(case.family); 2]);
    // What opens nothing tells nothing of its sender, and is not answered.
    let from = SocketAddr::new(ground.source(1), 50000);
    let middle = Packet::tcp(from, ground.gateway(8443), |tcp| tcp.ack = true, b"GET");
    ground.expect(&[middle], INVALID)
}

fn a_rejected_datagram_is_answered(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, REJECTS)?;
    let from = SocketAddr::new(ground.source(1), 40000);
    let packet = Packet::udp(from, ground.gateway(8443), b"?");
    ground.expect(std::slice::from_ref(&packet), REJECTED)?;
    let seen = ground.send(&[packet])?;
    let kinds: Vec<_> = seen.answers.iter().filter_map(Packet::icmp).collect();
    assert_eq!(kinds, [case.family.pick((3, 3), (1, 4))]);
    Ok(())
}

fn a_rejection_without_a_line(case: Case) -> Result<(), Failed> {
    const UNLOGGED: &[Service] = &[Service::Written(
        "name = \"rejected\"\nprotocol = \"tcp\"\nports = [8443]\naction = \"reject\"\nlog = false",
    )];
    let mut ground = Ground::with_services(case, UNLOGGED)?;
    let seen = ground.send(&ground.connections(ground.source(1), 8443, 1))?;
    assert!(seen.answers.iter().all(Packet::is_reset) && seen.answers.len() == 1);
    assert_eq!(seen.logged, []);
    Ok(())
}

fn services_without_a_line(case: Case) -> Result<(), Failed> {
    const UNLOGGED: &[Service] = &[
        Service::Written(
            "name = \"drop\"\nprotocol = \"udp\"\nports = [5300]\naction = \"drop\"\nlog = false",
        ),
        Service::Written(
            "name = \"limited\"\nprotocol = \"tcp\"\nports = [443]\nrate = \"1/hour\"\nlog = false",
        ),
        Service::Written("name = \"open\"\nprotocol = \"tcp\"\nports = [8443]\nlog = false"),
    ];
    let mut ground = Ground::with_services(case, UNLOGGED)?;
    let source = ground.source(1);
    ground.expect(&ground.connections(source, 8443, 3), PASSED)?;
    let hour = Duration::from_secs(3600);
    let packets = ground.connections(source, 443, 8);
    ground.expect_limit(&packets, hour, PASSED, IGNORED)?;
    let datagram = Packet::udp(SocketAddr::new(source, 40000), ground.gateway(5300), b"?");
    ground.expect(&[datagram], IGNORED)?;
    // Another one still is.
    ground.expect(&ground.connections(source, 23, 1), BLOCKED)
}

fn connections_at_a_time(case: Case) -> Result<(), Failed> {
    const THREE: &[Service] = &[Service::Written(
        "name = \"three\"\nprotocol = \"tcp\"\nports = [8443]\nconnections = 3",
    )];
    let mut ground = Ground::with_services(case, THREE)?;
    for source in [ground.elsewhere(1), ground.elsewhere(2)] {
        let fates = ground.fates(&ground.connections(source, 8443, 5))?;
        let expected = [
            ALLOWED,
            ALLOWED,
            ALLOWED,
            crate::fate::LIMITED,
            crate::fate::LIMITED,
        ];
        assert_eq!(fates, expected);
    }
    // Those that are over count no more.
    ground.forget_connections()?;
    ground.expect(&ground.connections(ground.elsewhere(1), 8443, 3), ALLOWED)
}

fn connections_of_a_network(case: Case) -> Result<(), Failed> {
    const THREE: &[Service] = &[Service::Written(
        "name = \"three\"\nprotocol = \"tcp\"\nports = [8443]\nconnections = 3\nper-v4 = 30\nper-v6 = 126",
    )];
    let mut ground = Ground::with_services(case, THREE)?;
    for first in [4, 8] {
        let packets: Vec<Packet> = (0..4)
            .flat_map(|n| ground.connections(ground.source(first + n), 8443, 1))
            .collect();
        let fates = ground.fates(&packets)?;
        assert_eq!(fates, [ALLOWED, ALLOWED, ALLOWED, crate::fate::LIMITED]);
    }
    Ok(())
}

/// Five lines at once, and for the rest the counters of the rule that logs and the one behind it.
fn lines_beyond_a_rate_are_counted(case: Case) -> Result<(), Failed> {
    let config = Config {
        log: "blocked-rate = \"1/hour\"",
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    let closed = ground.connections(ground.source(1), 23, 12);
    let seen = ground.send(&closed)?;
    assert!(
        seen.logged.len() == 5 && seen.answers.is_empty(),
        "{:?}",
        seen.logged
    );
    let listing = ground.iptables(&["-vnxL", "LOG_AND_DROP"])?;
    let counted = |line: &str| line.split_whitespace().next().map(str::to_owned);
    let counts: Vec<_> = listing.lines().skip(2).filter_map(counted).collect();
    assert_eq!(counts, ["5", "12"], "{listing}");
    // What is let in has a rate of its own.
    ground.expect(&ground.connections(ground.source(1), 443, 20), ALLOWED)
}
