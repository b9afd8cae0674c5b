//! Peers: addresses that this host has opened a connection to. A peer is named and not banned,
//! because anybody can write a peer's address into a packet.
//!
//! Only connections that were opened from here count. Nobody becomes a peer by connecting to this
//! host, nor by having connection tracking forget the connection: one that it takes up again in the
//! middle seems to be opened from here, but leads to a port that listens.

//!
//! A scan reads the kernel's table of connections once. `follow` has a [`Mirror`] of what that table
//! says of this host, because reading it takes longer than all else that a ban takes.

mod mirror;

use std::net::{IpAddr, SocketAddr};

use ban_sets::{Network, PrefixMap};
pub(crate) use mirror::Mirror;
use netfilter_host::conntrack::{Connection, Conntrack};
use netfilter_host::sockets::Sockets;

use crate::error::chain;
use crate::exempt::{Exemptions, Part};
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
        Self::of(&opened, exemptions)
    }

    /// Those of some connections.
    fn of(connections: &[Connection], exemptions: &Exemptions) -> Result<Self, String> {
        let own = |address| exemptions.is_own(address);
        let opened = connections.iter();
        let opened = opened.filter_map(|connection| connection.opened_from(own));
        let mut peers = Self::default();
        let mut sockets = None;
        for (local, remote) in opened {
            let peer = Network::from(remote.ip());
            if peers.0.get(peer).is_none() && is_peer(&mut sockets, exemptions, local, remote)? {
                peers.0.insert(peer, ());
            }
        }
        Ok(peers)
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

/// Whether the other end of a connection that was opened from here is a peer.
fn is_peer(
    sockets: &mut Option<Sockets>,
    exemptions: &Exemptions,
    local: SocketAddr,
    remote: SocketAddr,
) -> Result<bool, String> {
    if exemptions.is_own(remote.ip()) {
        return Ok(false);
    }
    let sockets = match sockets {
        Some(sockets) => sockets,
        None => sockets.insert(Sockets::open().map_err(|error| error.to_string())?),
    };
    let listens = sockets.listens(local).map_err(|error| error.to_string())?;
    Ok(!listens)
}

/// Who tells to whom this host has opened connections.
pub(crate) trait Peering {
    /// The peers that there are in a network, and perhaps others.
    ///
    /// # Errors
    ///
    /// Why it cannot be told.
    fn peers(&mut self, network: Network, exemptions: &Exemptions) -> Result<&Peers, String>;
}

/// The kernel's table, read once somebody asks.
pub(crate) struct Table {
    read: fn(&Exemptions) -> Result<Peers, String>,
    peers: Option<Peers>,
}

impl Table {
    /// It is not read yet; `read` reads it.
    pub(crate) fn new(read: fn(&Exemptions) -> Result<Peers, String>) -> Self {
        Self { read, peers: None }
    }
}

impl Peering for Table {
    fn peers(&mut self, _: Network, exemptions: &Exemptions) -> Result<&Peers, String> {
        match &mut self.peers {
            Some(peers) => Ok(peers),
            peers => Ok(peers.insert((self.read)(exemptions)?)),
        }
    }
}

/// To whom this host has opened connections, for the bans of one run or round.
pub(crate) struct Connected<'a> {
    exemptions: &'a Exemptions,
    peering: &'a mut dyn Peering,
    nobody: Peers,
    failed: Option<String>,
}

impl<'a> Connected<'a> {
    /// Nobody is asked yet.
    pub(crate) fn new(exemptions: &'a Exemptions, peering: &'a mut dyn Peering) -> Self {
        Self {
            exemptions,
            peering,
            nobody: Peers::default(),
            failed: None,
        }
    }

    /// The peers in a network, and perhaps others; none where it cannot be told.
    pub(crate) fn peers(&mut self, network: Network) -> &Peers {
        if self.failed.is_some() {
            return &self.nobody;
        }
        match self.peering.peers(network, self.exemptions) {
            Ok(peers) => peers,
            Err(why) => {
                self.failed = Some(format!(
                    "cannot tell to whom this host has opened connections, so that nobody is let go for one: {why}"
                ));
                &self.nobody
            }
        }
    }

    /// What to say where it could not be told.
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
