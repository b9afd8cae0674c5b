//! The sockets of this host: whether a TCP socket listens, an end to the one that a connection ends
//! at, and the table of all.
//!
//! Where this side goes on sending, connection tracking takes a deleted connection up again, as one
//! that was opened from here. So the socket goes first.

mod table;

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, TCP_LISTEN};
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags,
};
use netlink_packet_sock_diag::{SockDiagDestroy, SockDiagMessage};
use netlink_session::{Error, NetlinkFamily, NetlinkSocket, Session, Transport, request};
pub use table::{State, TableEntry, table};

/// A session with the kernel about TCP sockets, in the network namespace of the thread that opened
/// it.
#[derive(Debug)]
pub struct Sockets<T: Transport = NetlinkSocket> {
    session: Session<T>,
    /// The interfaces that sockets are bound to, once a connection has none that is bound to
    /// nothing.
    bound: Option<BTreeSet<u32>>,
}

impl Sockets {
    /// Opens a socket, which needs no privilege.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn open() -> io::Result<Self> {
        NetlinkSocket::connect(NetlinkFamily::SockDiag).map(Self::with_transport)
    }
}

impl<T: Transport> Sockets<T> {
    /// Over a transport of one's own.
    pub fn with_transport(transport: T) -> Self {
        Self {
            session: Session::new(transport),
            bound: None,
        }
    }

    /// Ends the socket between the two, as if the network had; whether there was one.
    ///
    /// # Errors
    ///
    /// What the kernel says; [`io::ErrorKind::Unsupported`] where it cannot.
    pub fn end(&mut self, local: SocketAddr, remote: SocketAddr) -> io::Result<bool> {
        if self.end_at(0, local, remote)? {
            return Ok(true);
        }
        // Most connections without such a socket have none at all, and somebody may open very many.
        let bound = match self.bound.take() {
            Some(bound) => bound,
            None => self.bindings()?,
        };
        let mut tried = bound
            .iter()
            .map(|interface| self.end_at(*interface, local, remote));
        let ended = tried.find(|tried| !matches!(tried, Ok(false)));
        self.bound = Some(bound);
        ended.unwrap_or(Ok(false))
    }

    /// Whether a socket waits for connections to this address and port.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn listens(&mut self, local: SocketAddr) -> io::Result<bool> {
        // No connection has these ends, so that the answer is about the one that would take it.
        let mut nobody = local;
        nobody.set_port(0);
        nobody.set_ip(match local {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        });
        let found = self.find(&about(local, nobody, 0))?;
        Ok(found.is_some_and(|found| found.state == TCP_LISTEN))
    }

    /// The interfaces that sockets are bound to.
    fn bindings(&mut self) -> io::Result<BTreeSet<u32>> {
        let mut interfaces = BTreeSet::new();
        for family in [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()] {
            let any = SocketAddr::new(family, 0);
            let mut all = about(any, any, 0);
            all.states = StateFlags::all();
            all.socket_id.cookie = Default::default();
            let mut all = request(&SockDiagMessage::InetRequest(all), 0)?;
            let bound = self.session.dump_whole(&mut all, |found| {
                Ok(header(found).map(|found| found.socket_id.interface_id))
            });
            interfaces.extend(existing(bound)?.unwrap_or_default());
        }
        interfaces.remove(&0);
        Ok(interfaces)
    }

    /// Ends the socket if it is bound to this interface or to none.
    fn end_at(
        &mut self,
        interface: u32,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> io::Result<bool> {
        let mut socket = about(local, remote, interface);
        // Where there is no socket for the connection, the kernel answers with the one that listens
        // for others.
        let is_it = |found: &InetResponseHeader| {
            found.socket_id.destination_port == remote.port() && found.state != TCP_LISTEN
        };
        let Some(found) = self.find(&socket)?.filter(is_it) else {
            return Ok(false);
        };
        // With the number of this socket, it cannot be another by now.
        socket.socket_id.cookie = found.socket_id.cookie;
        let end = SockDiagDestroy::new(SockDiagMessage::InetRequest(socket));
        let ended = self.session.acknowledge(&mut request(&end, 0)?);
        Ok(existing(ended)?.is_some())
    }

    fn find(&mut self, socket: &InetRequest) -> io::Result<Option<InetResponseHeader>> {
        let question = SockDiagMessage::InetRequest(socket.clone());
        let found = existing(self.session.ask(&mut request(&question, 0)?))?;
        Ok(found.and_then(header))
    }
}

/// A question about the TCP socket between two ends, bound to this interface or to none.
fn about(local: SocketAddr, remote: SocketAddr, interface_id: u32) -> InetRequest {
    InetRequest {
        family: if local.is_ipv4() { AF_INET } else { AF_INET6 },
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        // Of no meaning where there is one socket to find.
        states: StateFlags::empty(),
        socket_id: SocketId {
            source_port: local.port(),
            destination_port: remote.port(),
            source_address: local.ip(),
            destination_address: remote.ip(),
            interface_id,
            cookie: INET_DIAG_NOCOOKIE,
        },
    }
}

fn header(found: SockDiagMessage) -> Option<InetResponseHeader> {
    match found {
        SockDiagMessage::InetResponse(found) => Some(found.header),
        _ => None,
    }
}

/// The answer; `None` where there is no such socket.
fn existing<R>(answer: Result<R, Error>) -> io::Result<Option<R>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.code() {
            Some(ENOENT) => Ok(None),
            Some(EOPNOTSUPP) => Err(io::ErrorKind::Unsupported.into()),
            _ => Err(error.into()),
        },
    }
}

// linux/inet_diag.h: the cookie of any socket, two times ~0
const INET_DIAG_NOCOOKIE: [u8; 8] = [0xff; 8];
// asm-generic/errno-base.h, errno.h
const ENOENT: u32 = 2;
const EOPNOTSUPP: u32 = 95;

#[cfg(test)]
mod tests;
