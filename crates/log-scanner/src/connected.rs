//! Peers: addresses that this host has opened a connection to. A peer is named and not banned,
//! because anybody can write a peer's address into a packet.
//!
//! Only connections that were opened from here count. Nobody becomes a peer by connecting to this
//! host, nor by having connection tracking forget the connection: one that it takes up again in the
//! middle seems to be opened from here, but leads to a port that listens.

use std::net::IpAddr;

use ipset_netlink::Network;
use netfilter_host::conntrack::Conntrack;
use netfilter_host::sockets::Sockets;

use crate::error::chain;
use crate::exempt::{Exemptions, Part};
use crate::prefix_map::PrefixMap;
use crate::source::Source;

/// The other ends of connections that this host has opened.
#[derive(Debug, Default)]
pub(crate) struct Peers(PrefixMap<()>);

impl Peers {
    /// Asks the kernel.
    ///
    /// # Errors
    ///
    /// Why the kernel does not tell.
    pub(crate) fn of_this_host(exemptions: &Exemptions) -> Result<Self, String> {
        let mut conntrack = Conntrack::open().map_err(|error| chain(&error))?;
        let own = |address| exemptions.is_own(address);
        let opened = conntrack.connections(|connection| connection.opened_from(own).is_some());
        let opened = opened.map_err(|error| chain(&error))?;
        if opened.is_empty() {
            return Ok(Self::default());
        }
        let mut sockets = Sockets::open().map_err(|error| error.to_string())?;
        let mut peers = PrefixMap::default();
        for (local, remote) in opened
            .iter()
            .filter_map(|connection| connection.opened_from(own))
        {
            let peer = Network::from(remote.ip());
            if peers.get(peer).is_some() || exemptions.is_own(remote.ip()) {
                continue;
            }
            if !sockets.listens(local).map_err(|error| error.to_string())? {
                peers.insert(peer, ());
            }
        }
        Ok(Self(peers))
    }

    /// Whether a network holds a peer.
    pub(crate) fn any_in(&self, network: Network) -> bool {
        self.0.within(network).next().is_some()
    }

    /// The peers in `source`.
    pub(crate) fn parts_of(&self, source: Source) -> impl Iterator<Item = Part> {
        let within = self.0.within(source.network());
        within.map(move |(peer, ())| Part::new(peer, CONNECTED).of(source))
    }
}

impl FromIterator<IpAddr> for Peers {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(peers: I) -> Self {
        Self(peers.into_iter().map(|peer| (peer.into(), ())).collect())
    }
}

/// The kernel's answer to whom this host has opened connections, once it has been asked.
pub(crate) struct Connected<'a> {
    exemptions: &'a Exemptions,
    ask: fn(&Exemptions) -> Result<Peers, String>,
    peers: Option<Peers>,
    failed: Option<String>,
}

impl<'a> Connected<'a> {
    /// The kernel is not asked yet; `ask` asks it.
    pub(crate) fn new(
        exemptions: &'a Exemptions,
        ask: fn(&Exemptions) -> Result<Peers, String>,
    ) -> Self {
        Self {
            exemptions,
            ask,
            peers: None,
            failed: None,
        }
    }

    /// The peers; none where the kernel does not answer.
    pub(crate) fn peers(&mut self) -> &Peers {
        self.peers.get_or_insert_with(|| {
            (self.ask)(self.exemptions).unwrap_or_else(|why| {
                self.failed = Some(format!(
                    "cannot tell to whom this host has opened connections, so that nobody is let go for one: {why}"
                ));
                Peers::default()
            })
        })
    }

    /// What to say where the kernel did not answer.
    pub(crate) fn warning(self) -> Option<String> {
        self.failed
    }
}

/// As in "203.0.113.7 is …".
pub(crate) const CONNECTED: &str = "the other end of a connection that this host has opened";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_a_network() {
        let peers = [
            "192.0.2.0",
            "192.0.2.9",
            "192.0.3.1",
            "2001:db8::9",
            "2001:db8:0:1::",
        ];
        let peers: Peers = peers.iter().map(|peer| peer.parse().expect(peer)).collect();
        let within = |network| {
            let source = Source::from(crate::rule::network(network).expect(network));
            let parts = peers
                .parts_of(source)
                .map(|part| part.network.address().to_string());
            parts.collect::<Vec<_>>()
        };
        assert_eq!(within("192.0.2.0/24"), ["192.0.2.0", "192.0.2.9"]);
        assert_eq!(within("192.0.2.9"), ["192.0.2.9"]);
        assert_eq!(within("2001:db8::/64"), ["2001:db8::9"]);
        for nobody in [
            "192.0.2.8",
            "192.0.4.0/24",
            "0.0.0.0/9",
            "2001:db8:0:2::/64",
        ] {
            assert!(within(nobody).is_empty(), "{nobody}");
        }
    }
}
