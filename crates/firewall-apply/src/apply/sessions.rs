//! Sessions that were there before the firewall.

use std::collections::HashSet;
use std::net::SocketAddr;

use iptables_ruleset::config::{Service, ServiceProtocol};
use iptables_ruleset::{Config, Network};
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

/// Whether a service lets the peer of an inward session in again. Of the interface it comes by
/// nothing is known.
pub(super) fn is_covered(session: &Session, config: &Config) -> bool {
    let peer = session.peer.ip();
    let within = |network: &Network| {
        Network::new(peer, network.prefix_length()).is_ok_and(|of_peer| of_peer == *network)
    };
    let opens = |service: &Service| {
        let ServiceProtocol::Tcp(ports) = &service.protocol else {
            return false;
        };
        let port = session.local.port();
        let ports = ports
            .iter()
            .any(|range| (range.first()..=range.last()).contains(&port));
        ports && (service.sources.is_empty() || service.sources.iter().any(within))
    };
    let whitelisted = config.required_sets().unwrap_or_default();
    let whitelisted = whitelisted
        .iter()
        .filter(|set| set.name.as_str().starts_with("whitelist"))
        .any(|set| set.members.iter().any(within));
    whitelisted || config.services.iter().any(opens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_the_whitelist_cover() {
        let config = Config::parse(
            "[sets.members]\nwhitelist = [\"192.0.2.4\"]\n[[service]]\nname = \"a\"\nprotocol = \"tcp\"\nports = [22, \"80:90\"]\n\
             sources = [\"198.51.100.0/24\"]\n",
        )
        .unwrap();
        let covered = |peer: &str, port: u16| {
            let session = Session {
                protocol: Protocol::Tcp,
                local: SocketAddr::new("203.0.113.1".parse().unwrap(), port),
                peer: SocketAddr::new(peer.parse().unwrap(), 40000),
                inward: true,
            };
            is_covered(&session, &config)
        };
        assert!(covered("198.51.100.7", 22) && covered("198.51.100.7", 85));
        assert!(!covered("198.51.100.7", 443) && !covered("198.51.101.7", 22));
        assert!(covered("192.0.2.4", 443) && !covered("2001:db8::1", 22));
    }
}
