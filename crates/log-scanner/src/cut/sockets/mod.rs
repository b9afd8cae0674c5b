//! The TCP sockets of this host: an end to the one that a connection ends at.
//!
//! Where this side goes on sending, connection tracking takes the connection up again, as one that was opened from here. So the
//! socket goes first.

mod message;

use std::io;
use std::net::SocketAddr;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr as NetlinkAddr};
use nix::net::if_::{Interface, if_nameindex};

use message::{Found, Request, Wanted};

/// A session with the kernel about sockets, in the network namespace of the thread that opened it.
pub(super) struct Sockets {
    socket: Socket,
    /// Where a socket may be bound to; the first is none.
    interfaces: Vec<u32>,
}

impl Sockets {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddr::new(0, 0))?;
        // The kernel answers before the request is sent; there is nothing to wait for.
        socket.set_non_blocking(true)?;
        let mut interfaces = vec![0];
        let named = if_nameindex()?;
        interfaces.extend(named.iter().map(Interface::index));
        Ok(Self { socket, interfaces })
    }

    /// Ends the socket between the two, as if the network had; whether there was one.
    ///
    /// # Errors
    ///
    /// What the kernel says; [`io::ErrorKind::Unsupported`] where it cannot.
    pub(super) fn end(&self, local: SocketAddr, remote: SocketAddr) -> io::Result<bool> {
        for interface in &self.interfaces {
            if self.end_at(*interface, local, remote)? {
                return Ok(true);
            }
        }
        Ok(false)
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
        // Where there is no socket for the connection, the kernel answers with the one that listens for others.
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
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        let (answer, _) = self.socket.recv_from_full()?;
        let answer = NetlinkMessage::<Found>::deserialize(&answer)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        let code = match &answer.payload {
            NetlinkPayload::Error(error) => error.code.map_or(0, |code| code.get().wrapping_neg()),
            _ => 0,
        };
        match code {
            0 => Ok(answer.payload),
            ENOENT => Ok(NetlinkPayload::Noop),
            EOPNOTSUPP => Err(io::ErrorKind::Unsupported.into()),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }
}

// asm-generic/errno-base.h, errno.h
const ENOENT: i32 = 2;
const EOPNOTSUPP: i32 = 95;
