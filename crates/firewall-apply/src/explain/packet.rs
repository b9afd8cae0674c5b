//! The packet that the command line describes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use iptables_ruleset::explain::Packet;
use iptables_ruleset::{Family, UnixTime};

use crate::args::ExplainArgs;
use crate::own_addresses::{addresses_of, own_addresses};

/// The packet, coming now.
///
/// # Errors
///
/// What is asked for that no packet can be.
pub(super) fn described(args: &ExplainArgs) -> Result<Packet, String> {
    let named = args.address.to_canonical();
    let family = Family::of(named);
    let own = own_addresses();
    let (source, way) = match &args.out_interface {
        Some(interface) => {
            let source = own_source(family, named, interface);
            let packet = Packet::new(source).to(named).sent();
            (source, packet.leaving_by(interface))
        }
        None => (named, Packet::new(named)),
    };
    let mut packet = way.at(UnixTime::from(SystemTime::now()));
    let protocol = match (args.proto, args.port) {
        (Some(protocol), _) => Some(protocol.number(family)),
        (None, Some(_)) => Some(TCP),
        (None, None) => None,
    };
    if let Some(number) = protocol {
        packet = packet.protocol(number);
        if number == icmp(family) {
            // What people call a ping.
            let echo = match family {
                Family::Ipv4 => ECHO_REQUEST_V4,
                Family::Ipv6 => ECHO_REQUEST_V6,
            };
            packet = packet.icmp(echo, 0);
        }
    }
    if let Some(port) = args.port {
        if !protocol.is_some_and(|number| WITH_PORTS.contains(&number)) {
            return Err(
                "--port is for tcp, udp, sctp, dccp and udplite: other protocols have no ports"
                    .to_owned(),
            );
        }
        packet = packet.port(port);
    }
    if let Some(to) = args.to.map(|to| to.to_canonical()) {
        if Family::of(to) != family {
            return Err(format!(
                "no packet goes from {source} to {to}: they are of different families"
            ));
        }
        packet = packet.to(to);
        if !is_here(to, &own) {
            packet = packet.passed_on();
        }
    }
    match &args.in_interface {
        Some(interface) => packet = packet.over(interface),
        None if args.out_interface.is_some() => {}
        // Packets of a host to itself come in there, whatever the address.
        None if source.is_loopback() || own.iter().any(|(address, _)| *address == source) => {
            packet = packet.over("lo");
        }
        None => {}
    }
    Ok(packet)
}

/// The address that this host sends from by an interface: one of the interface, as far as it has
/// one.
fn own_source(family: Family, to: IpAddr, interface: &str) -> IpAddr {
    let is_of_link = |address: &IpAddr| match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let mut own = addresses_of(interface);
    own.retain(|address| Family::of(*address) == family);
    let same = |address: &&IpAddr| is_of_link(address) == is_of_link(&to);
    let best = own.iter().find(same).or(own.first());
    best.copied().unwrap_or(match family {
        Family::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
    })
}

/// Whether what goes there comes to this host.
fn is_here(to: IpAddr, own: &[(IpAddr, Option<IpAddr>)]) -> bool {
    let everybody = match to {
        IpAddr::V4(v4) => v4.is_broadcast(),
        IpAddr::V6(_) => false,
    };
    let named =
        |(address, broadcast): &(IpAddr, Option<IpAddr>)| *address == to || *broadcast == Some(to);
    everybody || to.is_loopback() || to.is_multicast() || own.iter().any(named)
}

fn icmp(family: Family) -> u8 {
    match family {
        Family::Ipv4 => 1,
        Family::Ipv6 => 58,
    }
}

/// linux/in.h.
const TCP: u8 = 6;
/// TCP, UDP, DCCP, SCTP, UDP-Lite.
const WITH_PORTS: [u8; 5] = [TCP, 17, 33, 132, 136];
/// linux/icmp.h, linux/icmpv6.h.
const ECHO_REQUEST_V4: u8 = 8;
const ECHO_REQUEST_V6: u8 = 128;
