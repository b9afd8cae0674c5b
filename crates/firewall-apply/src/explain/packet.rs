//! The packet that the command line describes.

use std::net::IpAddr;
use std::time::SystemTime;

use iptables_ruleset::explain::Packet;
use iptables_ruleset::{Family, UnixTime};

use crate::args::ExplainArgs;
use crate::own_addresses::own_addresses;

/// The packet, coming now.
///
/// # Errors
///
/// What is asked for that no packet can be.
pub(super) fn described(args: &ExplainArgs) -> Result<Packet, String> {
    let source = args.address.to_canonical();
    let family = Family::of(source);
    let own = own_addresses();
    let mut packet = Packet::new(source).at(UnixTime::from(SystemTime::now()));
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
        // Packets of a host to itself come in there, whatever the address.
        None if source.is_loopback() || own.iter().any(|(address, _)| *address == source) => {
            packet = packet.over("lo");
        }
        None => {}
    }
    Ok(packet)
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
