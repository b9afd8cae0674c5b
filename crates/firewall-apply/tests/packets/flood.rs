//! More sources than the kernel has room for: nobody is shut out without a word.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netns_testbed::{Failed, Packet};

use crate::cases::Sets;
use crate::config::{Config, Service};
use crate::fate::answers;
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("flood_of_forged_sources", flood_of_forged_sources),
    (
        "flood_from_a_throttled_network",
        flood_from_a_throttled_network,
    ),
];

/// More than a table of the kernel takes.
const SOURCES: u32 = 70_000;
/// Few lines: the counters of the rules say what became of the packets.
const QUIET: &str = "rate = \"1/minute\"";

/// Everybody pretends to be somebody else, or has a /48 and uses all of it.
fn flood_of_forged_sources(case: Case) -> Result<(), Failed> {
    let config = Config {
        log: QUIET,
        ..Config::default()
    };
    // The table of connections is not what is tried here, and not every machine has room in it.
    let mut ground = Ground::untracked(case, config)?;
    let sources = (0..SOURCES).map(|n| {
        case.family.pick(
            // Over some 24,000 networks of 16 bits.
            Ipv4Addr::from_bits(0x1400_0000 + n.wrapping_mul(60_013) % 0x6000_0000).into(),
            of_one_network(n),
        )
    });
    let sent = flood(&mut ground, sources, 443)?;
    assert_eq!(
        decided(&ground, 443)?,
        sent,
        "some were dropped without a word"
    );
    let stranger = case.family.pick(
        Ipv4Addr::new(198, 51, 100, 1).into(),
        Ipv6Addr::new(0x2a02, 1, 2, 3, 0, 0, 0, 4).into(),
    );
    assert!(
        gets_in(&mut ground, stranger, 443)?,
        "a stranger is shut out"
    );
    Ok(())
}

/// Who is throttled as one of a large network does not use up what others have.
fn flood_from_a_throttled_network(case: Case) -> Result<(), Failed> {
    // So large a network fits into no set of single addresses.
    let case = Case {
        sets: Sets::Net,
        ..case
    };
    let config = Config {
        log: QUIET,
        services: &[Service::Unlimited],
        ..Config::default()
    };
    // The table of connections is not what is tried here, and not every machine has room in it.
    let mut ground = Ground::untracked(case, config)?;
    ground.add(
        "throttle-hard",
        case.family.pick("20.0.0.0/8", "2001:db9:77::/48"),
        "",
    )?;
    let stranger = case.family.pick(
        Ipv4Addr::new(198, 51, 100, 1).into(),
        Ipv6Addr::new(0x2a02, 1, 2, 3, 0, 0, 0, 4).into(),
    );
    ground.add("throttle-hard", stranger, "")?;
    let sources = (0..SOURCES).map(|n| {
        case.family.pick(
            Ipv4Addr::from_bits(0x1400_0000 + n * 239).into(),
            of_one_network(n),
        )
    });
    let sent = flood(&mut ground, sources, 8443)?;
    assert_eq!(
        decided(&ground, 8443)?,
        sent,
        "some were dropped without a word"
    );
    assert!(
        gets_in(&mut ground, stranger, 8443)?,
        "it is within its limit"
    );
    Ok(())
}

fn of_one_network(n: u32) -> IpAddr {
    let [_, _, high, low] = n.to_be_bytes();
    Ipv6Addr::new(
        0x2001,
        0xdb9,
        0x77,
        u16::from_be_bytes([high, low]),
        0,
        0,
        0,
        1,
    )
    .into()
}

/// Sends the first packet of a connection from each source, and waits until all are decided; says
/// how many.
pub(crate) fn flood(
    ground: &mut Ground,
    sources: impl Iterator<Item = IpAddr>,
    port: u16,
) -> Result<u64, Failed> {
    let mut sent = 0;
    for source in sources {
        ground.cast(&Packet::tcp_syn(
            SocketAddr::new(source, 40_000),
            ground.gateway(port),
        ))?;
        sent += 1;
    }
    ground.settle()?;
    Ok(sent)
}

/// How many packets ended in a chain that accepts or drops, and would have been logged there.
pub(crate) fn decided(ground: &Ground, port: u16) -> Result<u64, Failed> {
    let mut sum = 0;
    for chain in ["LOG_AND_ACCEPT", "LOG_AND_DROP", "LOG_AND_DROP_LIMITED"] {
        let listing = ground.iptables(&["-vnxL", chain])?;
        let last = listing.lines().last().unwrap_or_default();
        let count: u64 = last
            .split_whitespace()
            .next()
            .and_then(|count| count.parse().ok())
            .ok_or_else(|| format!("no counter for port {port}:\n{listing}"))?;
        sum += count;
    }
    // The one that they were waited for with.
    Ok(sum - 1)
}

pub(crate) fn gets_in(ground: &mut Ground, source: IpAddr, port: u16) -> Result<bool, Failed> {
    let syn = Packet::tcp_syn(SocketAddr::new(source, 40_001), ground.gateway(port));
    ground.cast(&syn)?;
    let back = ground.settle()?;
    Ok(back
        .iter()
        .any(|answer| answers(answer, &syn) && answer.is_syn_ack()))
}
