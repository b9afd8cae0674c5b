//! Strangers, and what they send.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use netns_testbed::{Failed, Family, Packet, World, connect};

/// A port that nothing listens on and no service is configured for.
const CLOSED: u16 = 8081;
/// How long a dropped connection is waited for; one that is let in takes no time.
const SILENCE: Duration = Duration::from_secs(1);

/// An address that nobody else sends from while this machine is up, whatever its kernel's log still
/// holds of others.
pub(crate) fn stranger(family: Family) -> IpAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [_, _, high, low] = process::id().to_be_bytes();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    match family {
        Family::V4 => {
            let [_, next] = next.to_be_bytes();
            // The shared address space of RFC 6598, by process and number.
            Ipv4Addr::new(100, 64 | (high & 63), low, next).into()
        }
        Family::V6 => {
            let process = u16::from_be_bytes([high, low]);
            Ipv6Addr::new(0x2001, 0xdb8, 0x5157, process, 0, 0, 0, next).into()
        }
    }
}

/// Both families' strangers.
pub(crate) fn strangers() -> [IpAddr; 2] {
    Family::BOTH.map(stranger)
}

/// Sends `count` attempts at a closed port of the gateway from `source`, by TCP.
pub(crate) fn knock(world: &World, source: IpAddr, count: u16) -> Result<(), Failed> {
    let mut tap = world.attacker.tap("eth0")?;
    let target = SocketAddr::new(world.gateway.address(family_of(source)), CLOSED);
    for port in 0..count {
        let source = SocketAddr::new(source, 20_000 + port);
        tap.send(&Packet::tcp_syn(source, target))?;
    }
    Ok(())
}

/// Sends one datagram to a closed port of the gateway from `source`.
pub(crate) fn datagram(world: &World, source: IpAddr) -> Result<(), Failed> {
    let mut tap = world.attacker.tap("eth0")?;
    let target = SocketAddr::new(world.gateway.address(family_of(source)), CLOSED);
    tap.send(&Packet::udp(SocketAddr::new(source, 20_000), target, b"?"))
}

/// Whether a connection from `source` to `port` of the gateway, where something listens, is made.
pub(crate) fn gets_in(world: &World, source: IpAddr, port: u16) -> Result<bool, Failed> {
    let target = SocketAddr::new(world.gateway.address(family_of(source)), port);
    let made = world
        .attacker
        .run(|| connect(SocketAddr::new(source, 0), target, SILENCE));
    match made {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::TimedOut => Ok(false),
        Err(error) => Err(format!("{source} to {target}: {error}").into()),
    }
}

fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() {
        Family::V4
    } else {
        Family::V6
    }
}
