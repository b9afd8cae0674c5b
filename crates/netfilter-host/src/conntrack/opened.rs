//! The connections that this host has opened, by their other ends.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::Connection;

/// TCP connections that this host has opened, kept by where they lead to, up to a number.
///
/// ```
/// use netfilter_host::conntrack::Opened;
///
/// let opened = Opened::new(1000);
/// assert!(opened.to([203, 0, 113, 7].into()).is_empty());
/// assert!(opened.is_whole());
/// ```
#[derive(Debug)]
pub struct Opened {
    most: usize,
    /// By where they lead to and where they come from. Two are alike in that where they are in
    /// different zones.
    by_ends: BTreeMap<(SocketAddr, SocketAddr), Vec<Connection>>,
    number: usize,
    /// Whether one was not taken in, because there are too many.
    overflowed: bool,
}

impl Opened {
    /// None yet, and no more than `most`. Each takes some 600 bytes.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            by_ends: BTreeMap::new(),
            number: 0,
            overflowed: false,
        }
    }

    /// Takes a connection in, unless it is there, was not opened from an address that is `own`, or
    /// leads to one.
    pub fn add(&mut self, connection: Connection, own: impl Fn(IpAddr) -> bool) {
        let Some((local, remote)) = connection.begun_from(&own) else {
            return;
        };
        if own(remote.ip()) || self.holds(&connection) {
            return;
        }
        if self.number >= self.most {
            self.overflowed = true;
            return;
        }
        self.number += 1;
        self.by_ends
            .entry((remote, local))
            .or_default()
            .push(connection);
    }

    /// Whether a connection is among them.
    pub fn holds(&self, connection: &Connection) -> bool {
        let ends = connection.begun_from(|_| true);
        let alike = ends.and_then(|(local, remote)| self.by_ends.get(&(remote, local)));
        alike.is_some_and(|alike| alike.iter().any(|known| known.is_same(connection)))
    }

    /// Those that lead to an address.
    pub fn to(&self, peer: IpAddr) -> Vec<Connection> {
        let lowest: IpAddr = match peer {
            IpAddr::V4(_) => [0; 4].into(),
            IpAddr::V6(_) => [0; 16].into(),
        };
        let first = (SocketAddr::new(peer, 0), SocketAddr::new(lowest, 0));
        let behind = self.by_ends.range(first..);
        let to = behind.take_while(|((remote, _), _)| remote.ip() == peer);
        to.flat_map(|(_, alike)| alike).cloned().collect()
    }

    /// Forgets one that is gone.
    pub fn forget(&mut self, gone: &Connection) {
        let Some((local, remote)) = gone.begun_from(|_| true) else {
            return;
        };
        let Some(alike) = self.by_ends.get_mut(&(remote, local)) else {
            return;
        };
        let before = alike.len();
        alike.retain(|known| !known.is_same(gone));
        self.number -= before - alike.len();
        if alike.is_empty() {
            self.by_ends.remove(&(remote, local));
        }
    }

    /// Whether none was left out because there were too many.
    pub fn is_whole(&self) -> bool {
        !self.overflowed
    }
}
