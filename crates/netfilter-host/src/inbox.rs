//! What comes over a netlink socket unasked, taken without waiting for it.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};

/// What there was to receive.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A datagram, in the buffer.
    Datagram,
    /// Nothing at the moment.
    Nothing,
    /// The kernel had more than the socket could take, and dropped it.
    Overrun,
}

/// Room for one datagram.
#[derive(Debug)]
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    /// How much of it the last one takes.
    length: usize,
}

impl Inbox {
    /// For datagrams of up to so many bytes.
    pub(crate) fn new(longest: usize) -> Self {
        Self {
            buffer: vec![0; longest],
            length: 0,
        }
    }

    /// Takes the next datagram of a socket that does not block.
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<Received> {
        loop {
            match recv(
                socket.as_raw_fd(),
                &mut self.buffer,
                MsgFlags::MSG_TRUNC | MsgFlags::MSG_DONTWAIT,
            ) {
                // What did not fit is lost.
                Ok(length) if length > self.buffer.len() => return Ok(Received::Overrun),
                Ok(length) => {
                    self.length = length;
                    return Ok(Received::Datagram);
                }
                Err(Errno::EAGAIN) => return Ok(Received::Nothing),
                Err(Errno::ENOBUFS) => return Ok(Received::Overrun),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// The datagram received last.
    pub(crate) fn datagram(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

/// Makes room in the kernel for so many bytes that wait to be received; it takes twice the number.
/// Without the privilege to exceed the system's limit, as much as the limit allows.
pub(crate) fn widen(socket: &impl AsFd, bytes: usize) -> io::Result<()> {
    let widened = setsockopt(socket, sockopt::RcvBufForce, &bytes);
    let widened = widened.or_else(|_| setsockopt(socket, sockopt::RcvBuf, &bytes));
    widened.map_err(io::Error::from)
}
