//! Groups: who asks for their members hears of us, and what is sent to a group is answered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use netns_testbed::{Failed, Packet};

use crate::fate::{BLOCKED, INVALID};
use crate::ground::{ENOUGH, Ground};
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("query_of_all_groups_is_answered", |case| {
        query_is_answered(case, false)
    }),
    ("query_of_our_group_is_answered", |case| {
        query_is_answered(case, true)
    }),
    (
        "query_of_a_blacklisted_router_is_answered",
        query_of_blacklisted_is_answered,
    ),
    (
        "answers_to_a_multicast_echo_come_in",
        answers_to_a_multicast_echo_come_in,
    ),
];

/// Of IPv6 alone: what RFC 4890 has besides.
pub(crate) const V6_ROWS: &[Row] = &[
    (
        "reports_of_neighbours_are_no_attack",
        reports_of_neighbours_are_no_attack,
    ),
    (
        "router_discovery_is_of_the_link",
        router_discovery_is_of_the_link,
    ),
];

/// Membership query and report of version 2 (RFC 2236).
const IGMP: u8 = 2;
const IGMP_QUERY: u8 = 0x11;
/// Listener query, report and done (RFC 2710); report of version 2 (RFC 3810).
const LISTENER_QUERY: u8 = 130;
const LISTENER_REPORT: u8 = 131;
const LISTENER_DONE: u8 = 132;
const LISTENER_REPORT_V2: u8 = 143;
/// A neighbour that is a router.
const NEIGHBOUR: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x99);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// A group that the gateway joins.
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 0x123);

/// A switch that snoops sends to a port what is for a group only while hosts there answer such
/// queries.
fn query_is_answered(case: Case, of_one_group: bool) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    answered(&mut ground, of_one_group)
}

/// Whoever asks, the host stays a member.
fn query_of_blacklisted_is_answered(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let router = case
        .family
        .pick(ground.world.attacker.address(case.family), NEIGHBOUR.into());
    ground.add("blacklist", router, "timeout 600")?;
    answered(&mut ground, false)
}

fn answered(ground: &mut Ground, of_one_group: bool) -> Result<(), Failed> {
    let family = ground.case.family;
    let _member = ground.world.gateway.run(|| {
        let socket = UdpSocket::bind(ground.gateway(5000))?;
        match ground.gateway(0).ip() {
            IpAddr::V4(own) => socket.join_multicast_v4(&GROUP_V4, &own)?,
            IpAddr::V6(_) => {
                socket.join_multicast_v6(&GROUP_V6, ground.world.gateway.eth0().index)?;
            }
        }
        Ok::<_, Failed>(socket)
    })?;
    let group = of_one_group.then(|| family.pick(GROUP_V4.into(), GROUP_V6.into()));
    let query = match ground.world.attacker.address(family) {
        IpAddr::V4(router) => membership_query(router, group),
        IpAddr::V6(_) => listener_query(group),
    };
    let mut wire = ground.world.attacker.tap("eth0")?;
    let seen = ground.send(&[query])?;
    assert_eq!(seen.logged, []);
    // Unasked, the gateway reports in the form of the latest version, which goes to all routers; a
    // query of the old version is answered to the group.
    wire.receive_until(ENOUGH, |packet| {
        packet.destination() == Some(family.pick(GROUP_V4.into(), GROUP_V6.into()))
            && family.pick(
                packet.protocol() == Some(IGMP),
                packet.icmp() == Some((LISTENER_REPORT, 0)),
            )
    })?;
    Ok(())
}

fn membership_query(router: Ipv4Addr, group: Option<IpAddr>) -> Packet {
    let group = match group {
        Some(IpAddr::V4(group)) => group,
        _ => Ipv4Addr::UNSPECIFIED,
    };
    let to = if group.is_unspecified() {
        Ipv4Addr::new(224, 0, 0, 1)
    } else {
        group
    };
    let [a, b, c, d] = group.octets();
    // A tenth of a second is time enough for the answer.
    let sum = [[IGMP_QUERY, 1], [a, b], [c, d]]
        .map(|pair| u32::from(u16::from_be_bytes(pair)))
        .iter()
        .sum::<u32>();
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or_default();
    let [high, low] = (!folded).to_be_bytes();
    let query = [IGMP_QUERY, 1, high, low, a, b, c, d];
    Packet::of_protocol(router.into(), to.into(), IGMP, &query)
}

fn listener_query(group: Option<IpAddr>) -> Packet {
    let group = match group {
        Some(IpAddr::V6(group)) => group,
        _ => Ipv6Addr::UNSPECIFIED,
    };
    let to = if group.is_unspecified() {
        ALL_NODES
    } else {
        group
    };
    listener(NEIGHBOUR, to, LISTENER_QUERY, &group.octets())
}

fn listener(from: Ipv6Addr, to: Ipv6Addr, kind: u8, payload: &[u8]) -> Packet {
    Packet::icmp_of_type(from.into(), to.into(), (kind, 0), [0, 1, 0, 0], payload)
        .with_router_alert()
}

/// A neighbour that comes up reports from the unspecified address.
fn reports_of_neighbours_are_no_attack(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let all_routers = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
    for from in [NEIGHBOUR, Ipv6Addr::UNSPECIFIED] {
        for kind in [LISTENER_REPORT, LISTENER_DONE, LISTENER_REPORT_V2] {
            let packet = listener(from, all_routers, kind, &GROUP_V6.octets());
            let seen = ground.send(&[packet])?;
            assert_eq!(seen.logged, [], "type {kind} from {from}");
        }
    }
    Ok(())
}

fn router_discovery_is_of_the_link(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    for kind in 151..=153 {
        let packet = |from: IpAddr| {
            Packet::icmp_of_type(from, ALL_NODES.into(), (kind, 0), [0; 4], &[]).with_router_alert()
        };
        let from_link = packet(NEIGHBOUR.into());
        let seen = ground.send(&[from_link])?;
        assert_eq!(seen.logged, [], "type {kind}");
        let from_afar = packet(ground.source(1));
        // Some kernels track the one or the other and find it invalid.
        let fates = ground.fates(&[from_afar])?;
        assert!(
            fates == [BLOCKED] || fates == [INVALID],
            "type {kind}: {fates:?}"
        );
    }
    Ok(())
}

/// A request to a group is answered by addresses that it was not sent to, so that connection
/// tracking knows nothing of the answers.
fn answers_to_a_multicast_echo_come_in(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let kind = case.family.pick(0, 129);
    let reply = |source| {
        Packet::icmp_of_type(
            source,
            ground.gateway(0).ip(),
            (kind, 0),
            [0, 1, 0, 1],
            b"here",
        )
    };
    let replies = [1, 2, 3].map(|n| reply(ground.source(n)));
    let seen = ground.send(&replies)?;
    assert_eq!(seen.logged, []);
    let rule = format!("{kind} -j ACCEPT");
    assert_eq!(ground.counted(&rule)?, 3);
    Ok(())
}
