//! The way to the kernel itself.

use std::any::Any;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE, NETLINK_SOCK_DIAG};
use netlink_sys::{Socket, SocketAddr};

use super::read_ahead::{ReadAhead, ends_dump};
use super::{PATIENCE, Transport};

/// What a netlink socket is for (`linux/netlink.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetlinkFamily {
    /// Interfaces, addresses and routes.
    Route,
    /// The sockets of the host.
    SockDiag,
    /// Sets, connection tracking, NFLOG and all else that is netfilter's.
    Netfilter,
}

impl NetlinkFamily {
    fn number(self) -> isize {
        match self {
            Self::Route => NETLINK_ROUTE,
            Self::SockDiag => NETLINK_SOCK_DIAG,
            Self::Netfilter => NETLINK_NETFILTER,
        }
    }
}

/// A socket to a part of the kernel, in the network namespace of the thread that opened it.
///
/// Its file descriptor can be waited for, and received from where nobody asks anything.
#[derive(Debug)]
pub struct NetlinkSocket {
    socket: Arc<Socket>,
    family: NetlinkFamily,
    port: u32,
    /// How long an answer is waited for.
    patience: Duration,
    /// Parts of a dump that came one after the other.
    parts: u32,
    ahead: Option<ReadAhead>,
    /// The network namespace it is in, where that can be known.
    namespace: Option<Namespace>,
}

/// Device and inode of a network namespace.
type Namespace = (u64, u64);

impl NetlinkSocket {
    /// Opens a socket that talks to the kernel only.
    ///
    /// # Errors
    ///
    /// What the system says. Opening needs no privilege.
    pub fn connect(family: NetlinkFamily) -> io::Result<Self> {
        Self::connect_from(family, None)
    }

    /// As [`NetlinkSocket::connect`], with a port of one's own choice, unless somebody has it.
    ///
    /// # Errors
    ///
    /// As [`NetlinkSocket::connect`].
    pub fn connect_from(family: NetlinkFamily, port: Option<u32>) -> io::Result<Self> {
        let mut socket = Socket::new(family.number())?;
        let mut bind = |port| socket.bind(&SocketAddr::new(port, 0)).ok().map(|()| port);
        let port = match port.and_then(&mut bind) {
            Some(port) => port,
            None => socket.bind_auto()?.port_number(),
        };
        // Connected to port 0, the socket takes datagrams of the kernel and of nobody else.
        socket.connect(&SocketAddr::new(0, 0))?;
        socket.set_non_blocking(true)?;
        Ok(Self {
            socket: Arc::new(socket),
            family,
            port,
            patience: PATIENCE,
            parts: 0,
            ahead: None,
            namespace: namespace_of_thread(),
        })
    }
}

impl NetlinkSocket {
    /// Has the kernel tell what happens of a kind: joins the multicast group of this number, such as
    /// `RTNLGRP_IPV4_IFADDR` (`linux/rtnetlink.h`) for IPv4 addresses that come and go.
    ///
    /// # Errors
    ///
    /// What the system says; there may be no such group, or it may ask for a privilege.
    pub fn join(&self, group: u32) -> io::Result<()> {
        self.socket.add_membership(group)
    }

    /// Takes out all that the kernel has told by now; whether that was anything, or may have been: a
    /// socket that was full has lost some of it.
    ///
    /// For who asks anew whatever it was that changed.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn drain(&mut self) -> io::Result<bool> {
        let mut any = false;
        let mut datagram = [0_u8; 256];
        loop {
            match self.socket.recv(&mut &mut datagram[..], 0) {
                Ok(_) => any = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(any),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(ENOBUFS) => any = true,
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for NetlinkSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Transport for NetlinkSocket {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.parts = 0;
        if let Some(ahead) = self.ahead.take() {
            ahead.finish();
        }
        let sent = retry(self.patience, || self.socket.send(request, 0))?;
        if sent != request.len() {
            return Err(io::Error::new(
                io::ErrorKind::WriteZero,
                format!("only {sent} of {} bytes were sent", request.len()),
            ));
        }
        Ok(())
    }

    fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()> {
        if let Some(ahead) = &mut self.ahead {
            if let Some(received) = ahead.next(datagram) {
                return received;
            }
            self.ahead = None;
        }
        receive(&self.socket, self.patience, datagram)?;
        self.parts += 1;
        if self.parts == PARTS_OF_A_LONG_DUMP && !ends_dump(datagram) {
            let (socket, patience) = (Arc::clone(&self.socket), self.patience);
            // Without a thread it is read as before.
            self.ahead = ReadAhead::start(move |part| receive(&socket, patience, part)).ok();
        }
        Ok(())
    }

    fn port(&self) -> u32 {
        self.port
    }

    fn claim_port(&self, port: u32) -> Option<Box<dyn Any>> {
        // A thread that has gone to another network namespace learns nothing of the ports of this
        // one.
        if self.namespace.is_none() || self.namespace != namespace_of_thread() {
            return None;
        }
        let mut socket = Socket::new(self.family.number()).ok()?;
        socket.bind(&SocketAddr::new(port, 0)).ok()?;
        Some(Box::new(socket))
    }
}

fn receive(socket: &Socket, patience: Duration, datagram: &mut Vec<u8>) -> io::Result<()> {
    datagram.clear();
    datagram.reserve(LARGEST_DATAGRAM);
    let length = retry(patience, || socket.recv(&mut *datagram, MSG_TRUNC))?;
    if length != datagram.len() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "the kernel's answer of {length} bytes did not fit into {}",
                datagram.len()
            ),
        ));
    }
    Ok(())
}

fn namespace_of_thread() -> Option<Namespace> {
    let namespace = fs::metadata("/proc/thread-self/ns/net").ok()?;
    Some((namespace.dev(), namespace.ino()))
}

/// Runs a call on the non-blocking socket until it is done.
///
/// The kernel answers a request before `send` returns, and prepares the next piece of a
/// listing before `recv` returns. So there is nothing to wait for, except on a kernel that no
/// longer does so; the wait is there to be sure of an end.
fn retry(patience: Duration, mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    let mut pause = Duration::from_micros(100);
    let mut deadline = None;
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                if Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + patience) {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("the kernel did not answer within {} s", patience.as_secs()),
                    ));
                }
                thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            done => return done,
        }
    }
}

/// After so many parts, each 32 KiB, a thread is worth its start.
const PARTS_OF_A_LONG_DUMP: u32 = 4;

/// Larger than anything the kernel sends: a piece of a dump is at most 32 KiB, and an error
/// quotes our own request, which is no larger.
const LARGEST_DATAGRAM: usize = 64 * 1024;

// asm-generic/errno.h
const ENOBUFS: i32 = 105;

// linux/socket.h; recv says the true length of what it had to cut.
const MSG_TRUNC: i32 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_never_answers_is_an_error_in_time() {
        for family in [
            NetlinkFamily::Route,
            NetlinkFamily::SockDiag,
            NetlinkFamily::Netfilter,
        ] {
            let mut socket = NetlinkSocket::connect(family).unwrap();
            assert_eq!(socket.patience, Duration::from_secs(10));
            socket.patience = Duration::from_millis(30);
            let started = Instant::now();
            let silence = socket.receive(&mut Vec::new()).unwrap_err();
            assert_eq!(silence.kind(), io::ErrorKind::TimedOut);
            assert!(started.elapsed() < Duration::from_secs(5));
        }
    }

    #[test]
    fn a_signal_interrupts_nothing() {
        let mut calls = 0;
        let read = retry(PATIENCE, || {
            calls += 1;
            match calls {
                3 => Ok(7),
                _ => Err(io::ErrorKind::Interrupted.into()),
            }
        });
        assert_eq!((read.unwrap(), calls), (7, 3));
    }

    #[test]
    fn a_port_is_taken_by_one_socket() {
        let family = NetlinkFamily::Netfilter;
        let port = Some(0x5200_1234);
        let first = NetlinkSocket::connect_from(family, port).unwrap();
        assert_eq!(Some(first.port()), port);
        let second = NetlinkSocket::connect_from(family, port).unwrap();
        assert_ne!(Some(second.port()), port);
        assert!(second.claim_port(first.port()).is_none());
        drop(first);
        let claim = second.claim_port(0x5200_1234);
        assert!(claim.is_some());
        assert!(second.claim_port(0x5200_1234).is_none());
    }
}
