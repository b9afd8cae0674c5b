//! The TCP sockets of this host: whether one listens, and an end to the one that a connection ends
//! at.
//!
//! Where this side goes on sending, connection tracking takes the connection up again, as one that
//! was opened from here. So the socket goes first.

mod message;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use message::{Found, Request, Wanted};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr as NetlinkAddr};

/// A session with the kernel about sockets, in the network namespace of the thread that opened it.
pub(crate) struct Sockets {
    socket: Socket,
    /// The interfaces that sockets are bound to, once a connection has none that is bound to
    /// nothing.
    bound: Option<BTreeSet<u32>>,
}

impl Sockets {
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddr::new(0, 0))?;
        // The kernel answers before the request is sent; there is nothing to wait for.
        socket.set_non_blocking(true)?;
        Ok(Self {
            socket,
            bound: None,
        })
    }

    /// Ends the socket between the two, as if the network had; whether there was one.
    ///
    /// # Errors
    ///
    /// What the kernel says; [`io::ErrorKind::Unsupported`] where it cannot.
    pub(crate) fn end(&mut self, local: SocketAddr, remote: SocketAddr) -> io::Result<bool> {
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
    pub(crate) fn listens(&self, local: SocketAddr) -> io::Result<bool> {
        // No connection has these ends, so that the answer is about the one that would take it.
        let nobody: IpAddr = match local {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let request = Request {
            local,
            remote: SocketAddr::new(nobody, 0),
            interface: 0,
            wanted: Wanted::Answer,
        };
        let answer = self.ask(request, 0)?;
        Ok(matches!(answer, NetlinkPayload::InnerMessage(found) if found.listens))
    }

    /// The interfaces that sockets are bound to.
    fn bindings(&self) -> io::Result<BTreeSet<u32>> {
        let mut interfaces = BTreeSet::new();
        for family in [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()] {
            self.send(Request::all(family), NLM_F_DUMP)?;
            loop {
                let (answer, _) = self.socket.recv_from_full()?;
                let mut rest = answer.as_slice();
                let mut is_last = rest.is_empty();
                while !rest.is_empty() {
                    let (payload, length) = message(rest)?;
                    rest = rest.get(length..).unwrap_or_default();
                    match payload {
                        NetlinkPayload::InnerMessage(found) => {
                            interfaces.insert(found.interface);
                        }
                        _ => is_last = true,
                    }
                }
                if is_last {
                    break;
                }
            }
        }
        interfaces.remove(&0);
        Ok(interfaces)
    }

    /// Ends the socket if it is bound to this interface or to none.
    fn end_at(&self, interface: u32, local: SocketAddr, remote: SocketAddr) -> io::Result<bool> {
        let ask = |wanted, flags| {
            let request = Request {
                local,
                remote,
                interface,
                wanted,
            };
            self.ask(request, flags)
        };
        let NetlinkPayload::InnerMessage(found) = ask(Wanted::Answer, 0)? else {
            return Ok(false);
        };
        // Where there is no socket for the connection, the kernel answers with the one that listens
        // for others.
        if found.remote_port != remote.port() || found.listens {
            return Ok(false);
        }
        // With the number of this socket, it cannot be another by now.
        match ask(Wanted::End(found.cookie), NLM_F_ACK)? {
            NetlinkPayload::Error(error) if error.code.is_none() => Ok(true),
            _ => Ok(false),
        }
    }

    /// Sends a request; the first message of the answer, and nothing where there is no such socket.
    fn ask(&self, request: Request, flags: u16) -> io::Result<NetlinkPayload<Found>> {
        self.send(request, flags)?;
        let (answer, _) = self.socket.recv_from_full()?;
        message(&answer).map(|(payload, _)| payload)
    }

    fn send(&self, request: Request, flags: u16) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map(drop)
    }
}

/// The first message of an answer, nothing where there is no such socket, and how many bytes it
/// has.
fn message(answer: &[u8]) -> io::Result<(NetlinkPayload<Found>, usize)> {
    let message = NetlinkMessage::<Found>::deserialize(answer)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    let length = usize::try_from(message.header.length).unwrap_or(usize::MAX);
    let code = match &message.payload {
        NetlinkPayload::Error(error) => error.code.map_or(0, |code| code.get().wrapping_neg()),
        _ => 0,
    };
    match code {
        0 => Ok((message.payload, length.next_multiple_of(NLMSG_ALIGNTO))),
        ENOENT => Ok((NetlinkPayload::Noop, length)),
        EOPNOTSUPP => Err(io::ErrorKind::Unsupported.into()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

// linux/netlink.h
const NLMSG_ALIGNTO: usize = 4;
// asm-generic/errno-base.h, errno.h
const ENOENT: i32 = 2;
const EOPNOTSUPP: i32 = 95;
