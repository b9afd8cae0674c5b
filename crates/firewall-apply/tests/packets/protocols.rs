//! Services of several protocols, of many ports, of ICMP types, and those with names of their own.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use netns_testbed::{Failed, Packet};

use crate::config::Service;
use crate::fate::{ALLOWED, BLOCKED, IGNORED, LIMITED, PASSED};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("service_of_two_protocols", service_of_two_protocols),
    ("service_of_many_ports", service_of_many_ports),
    ("many_ports_have_one_budget", many_ports_have_one_budget),
    ("service_of_another_protocol", service_of_another_protocol),
    ("service_of_an_icmp_type", service_of_an_icmp_type),
    ("ready_made_services", ready_made_services),
];

fn service_of_two_protocols(case: Case) -> Result<(), Failed> {
    const BOTH: &[Service] = &[Service::Written(
        "name = \"both\"\nprotocol = [\"tcp\", \"udp\"]\nports = [\"8000-8100\", \"https-alt\"]",
    )];
    let mut ground = Ground::with_services(case, BOTH)?;
    let source = SocketAddr::new(ground.source(1), 40000);
    for (port, fate) in [
        (7999, BLOCKED),
        (8000, ALLOWED),
        (8100, ALLOWED),
        (8101, BLOCKED),
        (8443, ALLOWED),
    ] {
        ground.expect(&ground.connections(source.ip(), port, 1), fate)?;
        let packet = Packet::udp(source, ground.gateway(port), b"?");
        ground.expect(&[packet], fate)?;
    }
    Ok(())
}

/// Twenty ports and a range, which take two lists.
const MANY: &[Service] = &[Service::Written(
    "name = \"many\"\nprotocol = \"tcp\"\n\
     ports = [9001, 9002, 9003, 9004, 9005, 9006, 9007, 9008, 9009, 9010, 9011, 9012, 9013, 9014, 9015, 9016, 9017, \"9100:9110\"]",
)];

fn service_of_many_ports(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with_services(case, MANY)?;
    for (port, fate) in [
        (9000, BLOCKED),
        (9001, ALLOWED),
        (9015, ALLOWED),
        (9016, ALLOWED),
        (9017, ALLOWED),
        (9018, BLOCKED),
        (9100, ALLOWED),
        (9110, ALLOWED),
        (9111, BLOCKED),
    ] {
        ground.expect(&ground.connections(ground.source(1), port, 1), fate)?;
    }
    Ok(())
}

/// Whichever list a port is in: it is one service.
fn many_ports_have_one_budget(case: Case) -> Result<(), Failed> {
    const LIMITED_MANY: &[Service] = &[Service::Written(
        "name = \"many\"\nprotocol = [\"tcp\", \"udp\"]\nrate = \"1/hour\"\n\
         ports = [9001, 9002, 9003, 9004, 9005, 9006, 9007, 9008, 9009, 9010, 9011, 9012, 9013, 9014, 9015, 9016]",
    )];
    let mut ground = Ground::with_services(case, LIMITED_MANY)?;
    let source = ground.source(1);
    let mut packets = ground.connections(source, 9001, 2);
    packets.extend(ground.connections(source, 9016, 2));
    let datagram = |port| {
        let from = SocketAddr::new(source, 41000);
        Packet::udp(from, ground.gateway(port), b"?")
    };
    packets.extend([9001, 9016, 9002].map(datagram));
    packets.extend(ground.connections(source, 9003, 2));
    let hour = Duration::from_secs(3600);
    ground.expect_limit(&packets, hour, ALLOWED, LIMITED)
}

fn service_of_another_protocol(case: Case) -> Result<(), Failed> {
    const OTHERS: &[Service] = &[Service::Written(
        "name = \"others\"\nprotocol = [\"vrrp\", 253]",
    )];
    let mut ground = Ground::with_services(case, OTHERS)?;
    for (protocol, fate) in [(112, ALLOWED), (253, ALLOWED), (254, BLOCKED)] {
        // Nobody knows the protocol; what gets through is told so.
        let packet = Packet::of_protocol(
            ground.source(1),
            ground.gateway(0).ip(),
            protocol,
            b"????????",
        );
        ground.expect(&[packet], fate)?;
    }
    Ok(())
}

fn service_of_an_icmp_type(case: Case) -> Result<(), Failed> {
    const TYPES: &[Service] = &[Service::Written(
        "name = \"types\"\nprotocol = \"icmp\"\ntypes = [\"echo-request\"]",
    )];
    let mut ground = Ground::with_services(case, TYPES)?;
    ground.expect(&ground.echo_requests(ground.source(1), 2), ALLOWED)?;
    // A time stamp, or a node information query: nobody asked for it to be open.
    let kind = case.family.pick(13, 139);
    let other = Packet::icmp_of_type(
        ground.source(1),
        ground.gateway(0).ip(),
        (kind, 0),
        [0, 1, 0, 1],
        &[0; 12],
    );
    ground.expect(&[other], BLOCKED)
}

fn ready_made_services(case: Case) -> Result<(), Failed> {
    const READY: &[Service] = &[
        Service::Written("use = \"ping\"\nlog = false"),
        Service::Written("use = \"mdns\""),
        Service::Written(
            "name = \"admin\"\nuse = \"ssh\"\nsources = [\"198.51.100.1\", \"2001:db8:66::1\"]",
        ),
    ];
    let mut ground = Ground::with_services(case, READY)?;
    ground.expect(&ground.echo_requests(ground.source(2), 1), PASSED)?;
    ground.expect(&ground.connections(ground.source(1), 22, 1), ALLOWED)?;
    ground.expect(&ground.connections(ground.source(2), 22, 1), BLOCKED)?;
    // To the group and not to the host.
    let port = 5353;
    let from = SocketAddr::new(ground.world.attacker.address(case.family), port);
    let group: IpAddr = case.family.pick(
        [224, 0, 0, 251].into(),
        [0xff02, 0, 0, 0, 0, 0, 0, 0xfb_u16].into(),
    );
    // The host's own filter lets in what somebody listens to.
    let _member = ground.world.gateway.run(|| {
        let any: IpAddr = case.family.pick([0; 4].into(), [0_u16; 8].into());
        let socket = UdpSocket::bind(SocketAddr::new(any, port))?;
        match (group, ground.gateway(0).ip()) {
            (IpAddr::V4(group), IpAddr::V4(own)) => socket.join_multicast_v4(&group, &own)?,
            (IpAddr::V6(group), _) => {
                socket.join_multicast_v6(&group, ground.world.gateway.eth0().index)?;
            }
            _ => return Err("two families".into()),
        }
        Ok::<_, Failed>(socket)
    })?;
    let to_group = Packet::udp(from, SocketAddr::new(group, port), b"?");
    ground.expect(&[to_group], IGNORED)?;
    let rule = "--dport 5353 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT";
    assert_eq!(ground.counted(rule)?, 1);
    let to_host = Packet::udp(from, ground.gateway(port), b"?");
    ground.expect(&[to_host], BLOCKED)?;
    let print = ground.print()?;
    let group = case.family.pick("-d 224.0.0.251/32", "-d ff02::fb/128");
    let stands_for = format!("{group} -p udp -m udp --dport 5353 ");
    assert!(print.contains(&stands_for), "{print}");
    Ok(())
}
