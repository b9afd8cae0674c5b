//! Sessions that were there before the firewall.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use iptables_ruleset::config::{Action, Service, ServiceSource, Who};
use iptables_ruleset::{Config, Family, Network, PortRange, SetName};
use netfilter_host::Protocol;
use netfilter_host::conntrack::{Conntrack, Error, Flow};
use netfilter_host::sockets::{State, table};

/// A session between an address of this host and another host.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Session {
    pub(super) protocol: Protocol,
    /// This host's end.
    pub(super) local: SocketAddr,
    /// The other one.
    pub(super) peer: SocketAddr,
    /// Whether the other end opened it: somebody here listens on the port.
    pub(super) inward: bool,
}

/// The sessions that the kernel's socket tables name, without those of this host with itself.
pub(super) fn live() -> Vec<Session> {
    let sockets = table();
    let of = |state| sockets.iter().filter(move |socket| socket.state == state);
    let listening: HashSet<u16> = of(State::Listening).map(|one| one.local.port()).collect();
    let ends: HashSet<(SocketAddr, SocketAddr)> =
        of(State::Open).map(|one| (one.local, one.peer)).collect();
    of(State::Open)
        .filter(|one| !one.peer.ip().is_loopback() && !ends.contains(&(one.peer, one.local)))
        .map(|one| Session {
            protocol: one.protocol,
            local: one.local,
            peer: one.peer,
            inward: one.protocol == Protocol::Tcp && listening.contains(&one.local.port()),
        })
        .collect()
}

/// Enters each session into connection tracking, before there are rules that ask it; returns how
/// many could not be, and why the first of them.
pub(super) fn enter(sessions: &[Session]) -> Result<(), (usize, Error)> {
    let mut conntrack = Conntrack::open().map_err(|error| (sessions.len(), error))?;
    let mut failed = sessions.iter().filter_map(|session| {
        let (from, to) = if session.inward {
            (session.peer, session.local)
        } else {
            (session.local, session.peer)
        };
        let protocol = session.protocol;
        conntrack.enter(&Flow { protocol, from, to }).err()
    });
    match failed.next() {
        None => Ok(()),
        Some(first) => Err((1 + failed.count(), first)),
    }
}

/// Whether a service lets the peer of an inward session in again: the first that is for it decides.
/// Of the interface it comes by nothing is known; `is_member` says whether the peer is in a set.
pub(super) fn is_covered(
    session: &Session,
    config: &Config,
    mut is_member: impl FnMut(&SetName) -> bool,
) -> bool {
    let peer = session.peer.ip();
    let whitelisted = config.required_sets().unwrap_or_default();
    let whitelisted = whitelisted
        .iter()
        .filter(|set| set.name.as_str().starts_with("whitelist"))
        .any(|set| set.members.iter().any(|network| is_in(peer, network)));
    if whitelisted {
        return true;
    }
    let mut deciding = config.services.iter().filter(|service| {
        let port = session.local.port();
        let is_for = |range: &PortRange| (range.first()..=range.last()).contains(&port);
        let mut destinations = service.destinations.iter();
        service.tcp_ports().iter().any(is_for)
            && (service.destinations.is_empty()
                || destinations.any(|network| is_in(session.local.ip(), network)))
            && is_for_peer(service, peer, &mut is_member)
    });
    let first = deciding.next();
    first.is_some_and(|service| service.action == Action::Accept)
}

fn is_for_peer(
    service: &Service,
    peer: IpAddr,
    is_member: &mut impl FnMut(&SetName) -> bool,
) -> bool {
    let mut holds = |source: &&ServiceSource| {
        if let Who::Network(network) = source.who() {
            return is_in(peer, network);
        }
        let set = source.set_name(Family::of(peer)).ok().flatten();
        set.is_some_and(|set| is_member(&set))
    };
    let (excluded, included): (Vec<_>, Vec<_>) = service
        .sources
        .iter()
        .partition(|source| source.is_excluded());
    (included.is_empty() || included.iter().any(&mut holds)) && !excluded.iter().any(holds)
}

fn is_in(address: IpAddr, network: &Network) -> bool {
    Network::new(address, network.prefix_length()).is_ok_and(|around| around == *network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_the_whitelist_cover() {
        let config = Config::parse(
            "[sets.members]\nwhitelist = [\"192.0.2.4\"]\n[[service]]\nname = \"a\"\nprotocol = \"tcp\"\nports = [22, \"80:90\"]\n\
             sources = [\"198.51.100.0/24\", \"!198.51.100.9\", \"set:office\"]\n[[service]]\nname = \"b\"\nprotocol = \"tcp\"\n\
             ports = [25]\naction = \"drop\"\nsources = [\"198.51.100.0/24\"]\n[[service]]\nname = \"c\"\n\
             protocol = [\"udp\", \"tcp\"]\nports = [25]\n",
        )
        .unwrap();
        let in_office: IpAddr = "203.0.113.9".parse().unwrap();
        let covered = |peer: &str, port: u16| {
            let session = Session {
                protocol: Protocol::Tcp,
                local: SocketAddr::new("203.0.113.1".parse().unwrap(), port),
                peer: SocketAddr::new(peer.parse().unwrap(), 40000),
                inward: true,
            };
            is_covered(&session, &config, |set| {
                set.as_str() == "office" && session.peer.ip() == in_office
            })
        };
        assert!(covered("198.51.100.7", 22) && covered("198.51.100.7", 85));
        assert!(!covered("198.51.100.7", 443) && !covered("198.51.101.7", 22));
        assert!(covered("192.0.2.4", 443) && !covered("2001:db8::1", 22));
        assert!(covered("203.0.113.9", 22) && !covered("198.51.100.9", 22));
        assert!(covered("203.0.113.9", 25) && !covered("198.51.100.7", 25));
    }
}
