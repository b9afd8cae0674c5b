//! The world of a firewall test: an attacker outside, a gateway that the firewall is for, a server
//! inside.

mod host;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

pub use host::Host;
use libtest_mimic::Failed;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::interface::{Family, Interface};
use crate::namespace::{Namespace, set_sysctl};
use crate::route::{End, Routing};

/// Three hosts in a row, each in a network namespace of its own.
///
/// ```text
///            203.0.113.2   203.0.113.1    192.0.2.1   192.0.2.2
/// attacker eth0 ────────── eth0  gateway  eth1 ────────── eth0 server
///         2001:db8:1::2   2001:db8:1::1  2001:db8:2::1  2001:db8:2::2
/// ```
///
/// The attacker stands for the whole internet: the gateway's default route leads to it, so that it
/// can send from any address and gets the answers. The gateway forwards. Nothing has to be resolved
/// and no host says anything unasked, so what arrives is what the test sent. MAC addresses are
/// unique on the machine while this process lives; a line of the kernel log can be told by them.
///
/// Packets are handled in the order in which they are sent, across all hosts: the thread that makes
/// a world, and the threads that it starts afterwards, stay on one CPU.
#[derive(Debug)]
pub struct World {
    /// Outside.
    pub attacker: Host,
    /// Between the two; `eth0` is outside, `eth1` inside.
    pub gateway: Host,
    /// Inside, behind the gateway.
    pub server: Host,
}

impl World {
    /// A world in which every host knows its neighbours.
    ///
    /// # Errors
    ///
    /// When the host does not allow it, or [`run`](crate::run) has not been called.
    pub fn new() -> Result<Self, Failed> {
        Self::build(true)
    }

    /// A world in which neighbours have to be found with ARP and IPv6 neighbour discovery.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn without_neighbours() -> Result<Self, Failed> {
        Self::build(false)
    }

    fn build(neighbours: bool) -> Result<Self, Failed> {
        stay_on_one_cpu()?;
        let [attacker, gateway, server] = [Namespace::new()?, Namespace::new()?, Namespace::new()?];
        for namespace in [&attacker, &gateway, &server] {
            namespace.run(quiet)?;
        }
        gateway.run(forwarding)?;

        let [outer, outside, inside, inner] = [
            interface("eth0", 2, outside(2)),
            interface("eth0", 2, outside(1)),
            interface("eth1", 3, inside(1)),
            interface("eth0", 2, inside(2)),
        ];
        let (outer, outside) = wire((outer, &attacker), (outside, &gateway))?;
        let (inside, inner) = wire((inside, &gateway), (inner, &server))?;
        let ends: [(&Namespace, &[&Interface]); 3] = [
            (&attacker, &[&outer]),
            (&gateway, &[&outside, &inside]),
            (&server, &[&inner]),
        ];
        for (namespace, own) in ends {
            namespace.run(|| {
                own.iter()
                    .try_for_each(|interface| configure(interface, neighbours))
            })?;
        }
        for (namespace, own) in ends {
            namespace.run(|| {
                let mut routing = Routing::open()?;
                own.iter().try_for_each(|interface| {
                    routing.wait_until_it_sends(interface.index)?;
                    Family::BOTH
                        .into_iter()
                        .try_for_each(|family| routing.wait_until_local(interface.address(family)))
                })
            })?;
        }
        let default = |interface: &Interface| {
            let mut routing = Routing::open()?;
            Family::BOTH.into_iter().try_for_each(|family| {
                routing.add_default_route(interface.index, interface.peer_address(family))
            })
        };
        attacker.run(|| default(&outer))?;
        gateway.run(|| default(&outside))?;
        server.run(|| default(&inner))?;

        Ok(Self {
            attacker: Host::new(attacker, vec![outer]),
            gateway: Host::new(gateway, vec![outside, inside]),
            server: Host::new(server, vec![inner]),
        })
    }
}

/// How many addresses each side of a wire has in its network: 203.0.113.0/30 and so on.
///
/// A small network, so that everything else goes to the neighbour by the default route.
const NETWORK: (u8, u8) = (30, 126);

fn outside(host: u8) -> [IpAddr; 2] {
    [
        Ipv4Addr::new(203, 0, 113, host).into(),
        Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, host.into()).into(),
    ]
}

fn inside(host: u8) -> [IpAddr; 2] {
    [
        Ipv4Addr::new(192, 0, 2, host).into(),
        Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, host.into()).into(),
    ]
}

fn interface(name: &'static str, index: u32, [v4, v6]: [IpAddr; 2]) -> Interface {
    Interface {
        name,
        index,
        mac: unique_mac(),
        peer_mac: [0; 6],
        addresses: (v4, v6),
        peer_addresses: (v4, v6),
    }
}

/// A locally administered MAC address made of the process's number and a counter.
fn unique_mac() -> [u8; 6] {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let [_, p1, p2, p3] = process::id().to_be_bytes();
    let [_, _, n1, n2] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    [0x02, p1, p2, p3, n1, n2]
}

fn wire(
    (mut a, in_a): (Interface, &Namespace),
    (mut b, in_b): (Interface, &Namespace),
) -> Result<(Interface, Interface), Failed> {
    in_a.run(|| {
        let mut routing = Routing::open()?;
        routing.add_veth(
            &End {
                name: a.name,
                index: a.index,
                mac: a.mac,
                namespace: in_a,
            },
            &End {
                name: b.name,
                index: b.index,
                mac: b.mac,
                namespace: in_b,
            },
        )
    })?;
    (a.peer_mac, a.peer_addresses) = (b.mac, b.addresses);
    (b.peer_mac, b.peer_addresses) = (a.mac, a.addresses);
    Ok((a, b))
}

fn configure(interface: &Interface, neighbours: bool) -> Result<(), Failed> {
    let mut routing = Routing::open()?;
    let (v4, v6) = interface.addresses;
    routing.add_address(interface.index, v4, NETWORK.0)?;
    routing.add_address(interface.index, v6, NETWORK.1)?;
    routing.up(interface.index)?;
    if neighbours {
        for family in Family::BOTH {
            routing.add_neighbour(
                interface.index,
                interface.peer_address(family),
                interface.peer_mac,
            )?;
        }
    }
    Ok(())
}

/// Nothing is sent that no test asked for, and nothing that one asked for is held back.
fn quiet() -> Result<(), Failed> {
    [
        ("net/ipv6/conf/all/accept_ra", "0"),
        ("net/ipv6/conf/default/accept_ra", "0"),
        ("net/ipv6/conf/default/router_solicitations", "0"),
        ("net/ipv6/conf/default/accept_dad", "0"),
        ("net/ipv6/conf/default/dad_transmits", "0"),
        // The limits on ICMP errors are per destination and second: a test must not depend on the
        // one before.
        ("net/ipv4/icmp_ratelimit", "0"),
        ("net/ipv6/icmp/ratelimit", "0"),
        ("net/ipv4/conf/all/rp_filter", "0"),
        ("net/ipv4/conf/default/rp_filter", "0"),
    ]
    .into_iter()
    .try_for_each(|(name, value)| set_sysctl(name, value))
}

fn forwarding() -> Result<(), Failed> {
    set_sysctl("net/ipv4/ip_forward", "1")?;
    set_sysctl("net/ipv6/conf/all/forwarding", "1")
}

/// Keeps the calling thread, and those it starts later, on one of the CPUs that it may use.
///
/// A veth packet waits in a queue of the CPU that sent it; packets sent from two CPUs can overtake
/// each other.
fn stay_on_one_cpu() -> Result<(), Failed> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let this = Pid::from_raw(0);
    let fail = |error| format!("cannot choose a CPU: {error}");
    let allowed = sched_getaffinity(this).map_err(fail)?;
    let usable: Vec<usize> = (0..CpuSet::count())
        .filter(|&cpu| allowed.is_set(cpu).unwrap_or(false))
        .collect();
    if usable.len() < 2 {
        return Ok(());
    }
    let mut one = CpuSet::new();
    for &cpu in usable
        .iter()
        .cycle()
        .skip(NEXT.fetch_add(1, Ordering::Relaxed) % usable.len())
        .take(1)
    {
        one.set(cpu).map_err(fail)?;
    }
    Ok(sched_setaffinity(this, &one).map_err(fail)?)
}
