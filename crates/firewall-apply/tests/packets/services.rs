//! The services, and their limits.

use std::net::SocketAddr;
use std::time::Duration;

use netns_testbed::{Failed, Packet, connect};

use crate::config::Service;
use crate::fate::{ALLOWED, BLOCKED, LIMITED, Log};
use crate::ground::{ENOUGH, Ground};
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("ssh_within_limit", ssh_within_limit),
    ("ssh_over_limit", ssh_over_limit),
    ("ssh_limit_is_per_source", ssh_limit_is_per_source),
    ("https_within_limit", https_within_limit),
    ("https_over_limit", https_over_limit),
    ("https_limit_is_per_source", https_limit_is_per_source),
    (
        "services_do_not_share_a_limit",
        services_do_not_share_a_limit,
    ),
    ("a_network_has_one_budget", a_network_has_one_budget),
    ("service_without_limit", service_without_limit),
    ("icmp_service", icmp_service),
    ("udp_service", udp_service),
    ("service_for_some_sources", service_for_some_sources),
    ("service_from_inside", service_from_inside),
    ("closed_ports", closed_ports),
];

/// Ten a minute.
const SSH_EVERY: Duration = Duration::from_secs(6);
/// Sixty a minute.
const HTTPS_EVERY: Duration = Duration::from_secs(1);

fn ssh_within_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.expect(&ground.connections(ground.source(1), 22, 5), ALLOWED)
}

fn ssh_over_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let packets = ground.connections(ground.source(1), 22, 12);
    ground.expect_limit(&packets, SSH_EVERY, ALLOWED, LIMITED)
}

fn ssh_limit_is_per_source(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    for source in 1..=3 {
        let packets = ground.connections(ground.elsewhere(source), 22, 12);
        ground.expect_limit(&packets, SSH_EVERY, ALLOWED, LIMITED)?;
    }
    Ok(())
}

fn https_within_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.expect(&ground.connections(ground.source(1), 443, 60), ALLOWED)
}

fn https_over_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let packets = ground.connections(ground.source(1), 443, 100);
    ground.expect_burst(60, &packets, HTTPS_EVERY, ALLOWED, LIMITED)
}

fn https_limit_is_per_source(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    for source in 1..=3 {
        let packets = ground.connections(ground.elsewhere(source), 443, 100);
        ground.expect_burst(60, &packets, HTTPS_EVERY, ALLOWED, LIMITED)?;
    }
    Ok(())
}

fn services_do_not_share_a_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    let packets = ground.connections(source, 22, 12);
    ground.expect_limit(&packets, SSH_EVERY, ALLOWED, LIMITED)?;
    ground.expect(&ground.connections(source, 443, 60), ALLOWED)
}

/// Ten a minute and three at once for each /30 or /126.
fn a_network_has_one_budget(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Network])?;
    let every = Duration::from_secs(6);
    for first in [4, 8] {
        let packets: Vec<_> = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
            .iter()
            .zip(40_000..)
            .map(|(n, port)| {
                let source = SocketAddr::new(ground.source(first + n), port);
                Packet::tcp_syn(source, ground.gateway(8443))
            })
            .collect();
        ground.expect_burst(3, &packets, every, ALLOWED, LIMITED)?;
    }
    Ok(())
}

fn service_without_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Unlimited])?;
    ground.expect(&ground.connections(ground.source(1), 8443, 50), ALLOWED)?;
    // Services that are written down replace ssh and https.
    ground.expect(&ground.connections(ground.source(1), 22, 1), BLOCKED)
}

fn icmp_service(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Icmp])?;
    ground.expect(&ground.echo_requests(ground.source(1), 20), ALLOWED)
}

fn udp_service(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::Udp])?;
    let source = SocketAddr::new(ground.source(1), 40000);
    for (port, fate) in [
        (5299, BLOCKED),
        (5300, ALLOWED),
        (5399, ALLOWED),
        (5400, BLOCKED),
        (5500, ALLOWED),
    ] {
        // Nobody listens; what gets through is told so.
        let packet = Packet::udp(source, ground.gateway(port), b"?");
        ground.expect(&[packet], fate)?;
    }
    // TCP is another matter.
    ground.expect(&ground.connections(source.ip(), 5500, 1), BLOCKED)
}

fn service_for_some_sources(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::ForSome])?;
    ground.expect(&ground.connections(ground.source(15), 8443, 1), ALLOWED)?;
    ground.expect(&ground.connections(ground.source(16), 8443, 1), BLOCKED)
}

fn service_from_inside(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, &[Service::FromInside])?;
    ground.expect(&ground.connections(ground.source(1), 8443, 1), BLOCKED)?;
    let inside = ground.world.gateway.interface("eth1").address(case.family);
    let server = ground.world.server.address(case.family);
    let to = |port| {
        let source = SocketAddr::new(server, 0);
        ground
            .world
            .server
            .run(|| connect(source, SocketAddr::new(inside, port), ENOUGH))
    };
    to(8443)?;
    ground.expect_logged(&[(server, Log::Allowed)])
}

fn closed_ports(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.expect(&ground.connections(ground.source(1), 23, 10), BLOCKED)?;
    // Somebody listens there, but it is not a service.
    ground.expect(&ground.connections(ground.source(1), 8443, 1), BLOCKED)?;
    ground.expect(&ground.echo_requests(ground.source(1), 1), BLOCKED)
}
