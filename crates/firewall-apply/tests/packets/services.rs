//! The services, and their limits.

use std::time::Duration;

use netns_testbed::Failed;

use crate::config::{Config, Service};
use crate::fate::{ALLOWED, BLOCKED};
use crate::ground::Ground;
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
    ("service_without_limit", service_without_limit),
    ("icmp_service", icmp_service),
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
    ground.expect_limit(&packets, SSH_EVERY, ALLOWED, BLOCKED)
}

fn ssh_limit_is_per_source(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    for source in 1..=3 {
        let packets = ground.connections(ground.source(source), 22, 12);
        ground.expect_limit(&packets, SSH_EVERY, ALLOWED, BLOCKED)?;
    }
    Ok(())
}

fn https_within_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.expect(&ground.connections(ground.source(1), 443, 5), ALLOWED)
}

fn https_over_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let packets = ground.connections(ground.source(1), 443, 40);
    ground.expect_limit(&packets, HTTPS_EVERY, ALLOWED, BLOCKED)
}

fn https_limit_is_per_source(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    for source in 1..=3 {
        let packets = ground.connections(ground.source(source), 443, 40);
        ground.expect_limit(&packets, HTTPS_EVERY, ALLOWED, BLOCKED)?;
    }
    Ok(())
}

fn services_do_not_share_a_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    let packets = ground.connections(source, 22, 12);
    ground.expect_limit(&packets, SSH_EVERY, ALLOWED, BLOCKED)?;
    ground.expect(&ground.connections(source, 443, 5), ALLOWED)
}

fn service_without_limit(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(
        case,
        Config {
            services: &[Service::Unlimited],
            ..Config::default()
        },
    )?;
    ground.expect(&ground.connections(ground.source(1), 8443, 50), ALLOWED)?;
    // Services that are written down replace ssh and https.
    ground.expect(&ground.connections(ground.source(1), 22, 1), BLOCKED)
}

fn icmp_service(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(
        case,
        Config {
            services: &[Service::Icmp],
            ..Config::default()
        },
    )?;
    ground.expect(&ground.echo_requests(ground.source(1), 20), ALLOWED)
}

fn closed_ports(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.expect(&ground.connections(ground.source(1), 23, 10), BLOCKED)?;
    // Somebody listens there, but it is not a service.
    ground.expect(&ground.connections(ground.source(1), 8443, 1), BLOCKED)?;
    ground.expect(&ground.echo_requests(ground.source(1), 1), BLOCKED)
}
