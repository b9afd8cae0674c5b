//! Who a service is for: sets, everybody but some, and the addresses of this host; and interfaces
//! that are trusted whole.

use std::net::SocketAddr;

use netns_testbed::{Failed, connect};

use crate::config::{Config, Service};
use crate::fate::{ALLOWED, BLOCKED, Log};
use crate::ground::{ENOUGH, Ground};
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("service_for_a_set", service_for_a_set),
    ("service_for_all_but_some", service_for_all_but_some),
    ("service_at_one_address", service_at_one_address),
    ("trusted_interface", trusted_interface),
];

fn service_for_a_set(case: Case) -> Result<(), Failed> {
    const OFFICE: &[Service] = &[Service::Written(
        "name = \"office\"\nprotocol = \"tcp\"\nports = [8443]\nsources = [\"set:office\", \"198.51.100.9\", \"2001:db8:66::9\", \"!set:bad\"]",
    )];
    let mut ground = Ground::with_services(case, OFFICE)?;
    ground.add("office", ground.source(3), "")?;
    ground.add("office", ground.source(4), "timeout 600")?;
    ground.add("bad", ground.source(4), "")?;
    for (source, fate) in [(3, ALLOWED), (4, BLOCKED), (5, BLOCKED), (9, ALLOWED)] {
        ground.expect(&ground.connections(ground.source(source), 8443, 1), fate)?;
    }
    ground.add("bad", ground.source(9), "")?;
    ground.del("office", ground.source(3))?;
    for source in [3, 9] {
        let packets = ground.connections(ground.source(source), 8443, 1);
        ground.forget_connections()?;
        ground.expect(&packets, BLOCKED)?;
    }
    // With the others they are ours to keep over a reboot.
    let saved = ground.firewall_apply(&["save", "--file", "-"])?;
    let name = ground.set("office");
    let entry = format!("add {name} {} timeout ", ground.source(4));
    assert!(saved.contains(&entry), "{saved}");
    Ok(())
}

fn service_for_all_but_some(case: Case) -> Result<(), Failed> {
    const BUT: &[Service] = &[
        Service::Written(
            "name = \"some\"\nprotocol = \"tcp\"\nports = [443]\n\
             sources = [\"198.51.100.0/24\", \"2001:db8:66::/64\", \"!198.51.100.4/30\", \"!2001:db8:66::4/126\", \
             \"!198.51.100.9\", \"!2001:db8:66::9\"]",
        ),
        Service::Written(
            "name = \"all\"\nprotocol = \"tcp\"\nports = [8443]\n\
             sources = [\"!198.51.100.4/30\", \"!2001:db8:66::4/126\"]",
        ),
    ];
    let mut ground = Ground::with_services(case, BUT)?;
    for (source, some, all) in [
        (3, ALLOWED, ALLOWED),
        (4, BLOCKED, BLOCKED),
        (7, BLOCKED, BLOCKED),
        (8, ALLOWED, ALLOWED),
        (9, BLOCKED, ALLOWED),
    ] {
        ground.expect(&ground.connections(ground.source(source), 443, 1), some)?;
        ground.expect(&ground.connections(ground.source(source), 8443, 1), all)?;
    }
    Ok(())
}

fn service_at_one_address(case: Case) -> Result<(), Failed> {
    const HERE: &[Service] = &[
        Service::Written(
            "name = \"here\"\nprotocol = \"tcp\"\nports = [8443]\ndestinations = [\"203.0.113.1\", \"2001:db8:1::1\"]",
        ),
        Service::Written(
            "name = \"there\"\nprotocol = \"tcp\"\nports = [443]\ndestinations = [\"192.0.2.1\", \"2001:db8:2::1\"]",
        ),
    ];
    let mut ground = Ground::with_services(case, HERE)?;
    ground.expect(&ground.connections(ground.source(1), 8443, 1), ALLOWED)?;
    ground.expect(&ground.connections(ground.source(1), 443, 1), BLOCKED)
}

/// From inside everything comes in, from outside nothing more than before.
fn trusted_interface(case: Case) -> Result<(), Failed> {
    let config = Config {
        policy: "trusted-interfaces = [\"eth1\"]",
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    let inside = ground.world.gateway.interface("eth1").address(case.family);
    let server = ground.world.server.address(case.family);
    ground.add("blacklist", server, "")?;
    let source = SocketAddr::new(server, 0);
    ground
        .world
        .server
        .run(|| connect(source, SocketAddr::new(inside, 9999), ENOUGH))?;
    let none: [(_, Log); 0] = [];
    ground.expect_logged(&none)?;
    ground.expect(&ground.connections(ground.source(1), 9999, 1), BLOCKED)
}
