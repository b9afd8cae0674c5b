//! Sessions that were there before the firewall.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr};

use iptables_ruleset::config::{Service, ServiceProtocol};
use iptables_ruleset::{Config, Network};

/// The transport of a session.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

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
    let mut sessions = Vec::new();
    let mut listening = HashSet::new();
    for (path, protocol) in TABLES {
        // Without the table of a family there are none of it.
        let Ok(file) = File::open(path) else { continue };
        let lines = BufReader::new(file.take(MAX_SIZE)).lines().skip(1);
        for socket in lines.map_while(Result::ok).filter_map(|line| socket(&line)) {
            let (local, peer, state) = socket;
            match (protocol, state) {
                (Protocol::Tcp, TCP_LISTEN) => drop(listening.insert(local.port())),
                (Protocol::Tcp, TCP_ESTABLISHED | TCP_CLOSE_WAIT)
                | (Protocol::Udp, TCP_ESTABLISHED) => sessions.push(Session {
                    protocol,
                    local,
                    peer,
                    inward: false,
                }),
                _ => {}
            }
        }
    }
    let ends: HashSet<(SocketAddr, SocketAddr)> =
        sessions.iter().map(|one| (one.local, one.peer)).collect();
    sessions.retain(|one| !one.peer.ip().is_loopback() && !ends.contains(&(one.peer, one.local)));
    for session in &mut sessions {
        session.inward =
            session.protocol == Protocol::Tcp && listening.contains(&session.local.port());
    }
    sessions
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

/// Both ends and the state of a line of the socket table.
fn socket(line: &str) -> Option<(SocketAddr, SocketAddr, u8)> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let local = end(words.next()?)?;
    let peer = end(words.next()?)?;
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    Some((local, peer, state))
}

/// `0100007F:0016`: words of four bytes as this machine has numbers, and the port.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut octets = [0; 16];
    let mut length = 0;
    for (place, word) in octets.chunks_exact_mut(4).zip(address.as_bytes().chunks(8)) {
        let word = std::str::from_utf8(word)
            .ok()
            .filter(|word| word.len() == 8)?;
        let word = u32::from_str_radix(word, 16).ok()?;
        place.copy_from_slice(&word.to_ne_bytes());
        length += 4;
    }
    let address: IpAddr = match length {
        4 => <[u8; 4]>::try_from(octets.get(..4)?).ok()?.into(),
        16 => IpAddr::from(octets).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

/// Of the network namespace of this process.
const TABLES: [(&str, Protocol); 4] = [
    ("/proc/self/net/tcp", Protocol::Tcp),
    ("/proc/self/net/tcp6", Protocol::Tcp),
    ("/proc/self/net/udp", Protocol::Udp),
    ("/proc/self/net/udp6", Protocol::Udp),
];
/// Bytes of a table: some hundred thousand sockets.
const MAX_SIZE: u64 = 64 << 20;
/// `net/tcp_states.h`.
const TCP_ESTABLISHED: u8 = 1;
const TCP_CLOSE_WAIT: u8 = 8;
const TCP_LISTEN: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_in_the_order_of_this_machine() {
        let hex = |octets: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(octets));
        let v4 = format!("{}:0016", hex([192, 0, 2, 1]));
        assert_eq!(end(&v4), Some("192.0.2.1:22".parse().unwrap()));
        let parts = [[0x20, 1, 0x0d, 0xb8], [0; 4], [0; 4], [0, 0, 0, 1]].map(hex);
        let v6 = format!("{}:FFFF", parts.concat());
        assert_eq!(end(&v6), Some("[2001:db8::1]:65535".parse().unwrap()));
        let parts = [[0; 4], [0; 4], [0, 0, 0xff, 0xff], [192, 0, 2, 1]].map(hex);
        let mapped = format!("{}:0001", parts.concat());
        assert_eq!(end(&mapped), Some("192.0.2.1:1".parse().unwrap()));
        for bad in ["", ":", "0100007F", "0100007F:10000", "0100:1", "é:1"] {
            assert_eq!(end(bad), None, "{bad}");
        }
        let line = format!("   0: {v4} {v6} 01 00000000:00000000 00:00000000");
        assert_eq!(socket(&line).map(|socket| socket.2), Some(1));
    }

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
