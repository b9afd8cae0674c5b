//! Bans before connection tracking: what is the same, and where it is done.

use std::net::{SocketAddr, UdpSocket};

use netns_testbed::{Failed, Packet};

use crate::fate::BLOCKED;
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    (
        "dropped_before_connection_tracking",
        dropped_before_tracking,
    ),
    ("datagrams_for_a_server_are_dropped", datagrams_for_a_server),
];

/// INPUT has nothing left to drop; the counters are where the packets end.
fn dropped_before_tracking(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add("blacklist", source, "timeout 600")?;
    ground.expect(&ground.connections(source, 22, 3), BLOCKED)?;
    ground.expect(&ground.echo_requests(source, 2), BLOCKED)?;
    let counted = |table: &str| -> Result<Vec<String>, Failed> {
        let listing = ground.iptables(&["-t", table, "-vnxL", "LOG_AND_DROP"])?;
        let lines = listing.lines().skip(2);
        let counts = lines.filter_map(|line| line.split_whitespace().next());
        Ok(counts.map(str::to_owned).collect())
    };
    assert_eq!(counted("raw")?, ["5", "5"]);
    assert_eq!(counted("filter")?, ["0", "0"]);
    Ok(())
}

/// A socket that listens on all addresses waits for nobody in particular.
fn datagrams_for_a_server(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add("blacklist", source, "timeout 600")?;
    let any = case.family.pick("0.0.0.0:53", "[::]:53");
    let server = ground.world.gateway.run(|| UdpSocket::bind(any))?;
    let packet = Packet::udp(SocketAddr::new(source, 40000), ground.gateway(53), b"x");
    ground.expect(&[packet], BLOCKED)?;
    let raw = ground.iptables(&["-t", "raw", "-vnxL", "LOG_AND_DROP"])?;
    assert_eq!(
        raw.lines()
            .nth(2)
            .and_then(|line| line.split_whitespace().next()),
        Some("1")
    );
    drop(server);
    Ok(())
}
