//! Throttled sources, within and over their limits.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Packet};

use crate::cases::Within;
use crate::config::Service;
use crate::fate::{ALLOWED, BLOCKED, INVALID};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("throttle_soft_tcp", |case| tcp(case, SOFT)),
    ("throttle_hard_tcp", |case| tcp(case, HARD)),
    ("throttle_soft_tcp_limit_is_per_source", |case| {
        tcp_per_source(case, SOFT)
    }),
    ("throttle_hard_tcp_limit_is_per_source", |case| {
        tcp_per_source(case, HARD)
    }),
    ("throttle_soft_tcp_never_falls_through", |case| {
        never_falls_through(case, SOFT)
    }),
    ("throttle_hard_tcp_never_falls_through", |case| {
        never_falls_through(case, HARD)
    }),
    ("throttle_soft_to_closed_port", |case| {
        to_closed_port(case, SOFT)
    }),
    ("throttle_hard_to_closed_port", |case| {
        to_closed_port(case, HARD)
    }),
    ("throttle_hard_counts_what_opens", counts_what_opens),
    ("throttle_soft_icmp", |case| icmp(case, SOFT)),
    ("throttle_hard_icmp", |case| icmp(case, HARD)),
    ("throttle_soft_icmp_service", |case| {
        icmp_service(case, SOFT)
    }),
    ("throttle_hard_icmp_service", |case| {
        icmp_service(case, HARD)
    }),
    ("throttle_soft_within_limit_accept", |case| {
        within_limit_accept(case, SOFT)
    }),
    ("throttle_hard_within_limit_accept", |case| {
        within_limit_accept(case, HARD)
    }),
];

/// A throttle set, how often its limits give one packet back, and how many packets are enough for a
/// burst.
#[derive(Clone, Copy)]
struct Throttle {
    set: &'static str,
    tcp_every: Duration,
    icmp_every: Duration,
    tcp_packets: u16,
}

/// 100 a minute, and 100 an hour.
const SOFT: Throttle = Throttle {
    set: "throttle-soft",
    tcp_every: Duration::from_millis(600),
    icmp_every: Duration::from_secs(36),
    tcp_packets: 60,
};
/// 100 an hour, and 1 a minute.
const HARD: Throttle = Throttle {
    set: "throttle-hard",
    tcp_every: Duration::from_secs(36),
    icmp_every: Duration::from_secs(60),
    tcp_packets: 10,
};
const ICMP_PACKETS: u16 = 8;

/// The service has no limit: what is dropped is over the throttle's.
fn tcp(case: Case, throttle: Throttle) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Unlimited])?;
    let source = ground.source(1);
    ground.add(throttle.set, source, "timeout 600")?;
    let packets = ground.connections(source, 8443, throttle.tcp_packets);
    ground.expect_limit(&packets, throttle.tcp_every, ALLOWED, BLOCKED)
}

fn tcp_per_source(case: Case, throttle: Throttle) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Unlimited])?;
    for source in 1..=3 {
        let source = ground.elsewhere(source);
        ground.add(throttle.set, source, "timeout 600")?;
        let packets = ground.connections(source, 8443, throttle.tcp_packets);
        ground.expect_limit(&packets, throttle.tcp_every, ALLOWED, BLOCKED)?;
    }
    // Who is in no set is not throttled.
    ground.expect(
        &ground.connections(ground.source(4), 8443, throttle.tcp_packets),
        ALLOWED,
    )
}

/// Over its limit, a throttled source is dropped also where a service would still let it in.
fn never_falls_through(case: Case, throttle: Throttle) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Unlimited])?;
    let source = ground.source(1);
    ground.add(throttle.set, source, "timeout 600")?;
    let since = Instant::now();
    let packets = ground.connections(source, 23, throttle.tcp_packets);
    expect_no_service(&mut ground, &packets, throttle.tcp_every)?;
    let packets = ground.connections(source, 8443, throttle.tcp_packets);
    ground.expect_used_up(&packets, since, throttle.tcp_every, ALLOWED, BLOCKED)
}

/// The end of a connection that tracking has forgotten costs nothing and is no attack.
fn counts_what_opens(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Unlimited])?;
    let source = ground.source(1);
    ground.add(HARD.set, source, "timeout 600")?;
    let late: Vec<_> = (50_000..50_010)
        .map(|port| {
            let from = SocketAddr::new(source, port);
            Packet::tcp(from, ground.gateway(23), |tcp| tcp.ack = true, b"")
        })
        .collect();
    ground.expect(&late, INVALID)?;
    let packets = ground.connections(source, 8443, HARD.tcp_packets);
    ground.expect_limit(&packets, HARD.tcp_every, ALLOWED, BLOCKED)
}

/// Who is throttled goes on to the services while within the limit: no service, no entry. Whoever
/// is let in there and then, as `within-limit = "accept"` has it, asks for none.
fn expect_no_service(
    ground: &mut Ground,
    packets: &[Packet],
    every: Duration,
) -> Result<(), Failed> {
    match ground.case.within {
        Within::Continue => ground.expect(packets, BLOCKED),
        Within::Accept => ground.expect_limit(packets, every, ALLOWED, BLOCKED),
    }
}

fn to_closed_port(case: Case, throttle: Throttle) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add(throttle.set, source, "timeout 600")?;
    let packets = ground.connections(source, 23, throttle.tcp_packets);
    expect_no_service(&mut ground, &packets, throttle.tcp_every)
}

fn icmp(case: Case, throttle: Throttle) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add(throttle.set, source, "timeout 600")?;
    let packets = ground.echo_requests(source, ICMP_PACKETS);
    expect_no_service(&mut ground, &packets, throttle.icmp_every)
}

fn icmp_service(case: Case, throttle: Throttle) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Icmp])?;
    for source in 1..=2 {
        let source = ground.elsewhere(source);
        ground.add(throttle.set, source, "timeout 600")?;
        let packets = ground.echo_requests(source, ICMP_PACKETS);
        ground.expect_limit(&packets, throttle.icmp_every, ALLOWED, BLOCKED)?;
    }
    Ok(())
}

/// The seed's literal words, for those who ask for them.
fn within_limit_accept(case: Case, throttle: Throttle) -> Result<(), Failed> {
    let case = Case {
        within: Within::Accept,
        ..case
    };
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add(throttle.set, source, "timeout 600")?;
    let packets = ground.connections(source, 23, throttle.tcp_packets);
    ground.expect_limit(&packets, throttle.tcp_every, ALLOWED, BLOCKED)?;
    let packets = ground.echo_requests(source, ICMP_PACKETS);
    ground.expect_limit(&packets, throttle.icmp_every, ALLOWED, BLOCKED)
}
