//! The netlink socket.

use std::io;
use std::os::fd::AsRawFd;

use mnl::Bus;

use super::datagram::{Message, Messages};
use crate::ApplyError;

/// A netlink socket to netfilter that never waits: the kernel answers before a send returns.
pub(super) struct Socket {
    inner: mnl::Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    pub(super) fn open() -> Result<Self, ApplyError> {
        let failed = |source| ApplyError::Socket {
            operation: "open a netlink socket",
            source,
        };
        let inner = mnl::Socket::new(Bus::Netfilter).map_err(failed)?;
        set_nonblocking(&inner).map_err(failed)?;
        // Without it an error carries the whole refused message, and many of them overrun the
        // socket. Kernels before 4.3 lack it.
        let _ = set_option(&inner, libc::SOL_NETLINK, libc::NETLINK_CAP_ACK, 1);
        Ok(Self {
            inner,
            sequence: 0,
            buffer: vec![0; RECEIVE_BUFFER],
        })
    }

    /// Sequence numbers for so many messages, the first of them returned. Answers to anything else
    /// are not listened to.
    pub(super) fn reserve(&mut self, messages: usize) -> u32 {
        let count = u32::try_from(messages).unwrap_or(u32::MAX);
        // Not 0, which the kernel uses for what nobody asked for.
        let first = self
            .sequence
            .checked_add(count)
            .map_or(1, |_| self.sequence + 1);
        self.sequence = first.saturating_add(count).saturating_sub(1);
        first
    }

    /// Lets a datagram of `bytes` out and an error for each of `messages` in, as far as the system
    /// allows.
    pub(super) fn make_room(&self, bytes: usize, messages: usize) -> Result<(), ApplyError> {
        let wanted = c_int(bytes.saturating_add(SEND_OVERHEAD));
        // FORCE takes CAP_NET_ADMIN on the host; the other is capped by net.core.wmem_max and
        // rmem_max.
        if set_option(&self.inner, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, wanted).is_err() {
            let _ = set_option(&self.inner, libc::SOL_SOCKET, libc::SO_SNDBUF, wanted);
        }
        let answers = c_int(messages.saturating_mul(ANSWER_SIZE).max(RECEIVE_BUFFER));
        if set_option(&self.inner, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, answers).is_err() {
            let _ = set_option(&self.inner, libc::SOL_SOCKET, libc::SO_RCVBUF, answers);
        }
        let limit = option(&self.inner, libc::SOL_SOCKET, libc::SO_SNDBUF).map_err(|source| {
            ApplyError::Socket {
                operation: "read the size of the send buffer",
                source,
            }
        })?;
        let limit = usize::try_from(limit)
            .unwrap_or(0)
            .saturating_sub(SEND_OVERHEAD);
        if bytes > limit {
            Err(ApplyError::TooLarge { bytes, limit })
        } else {
            Ok(())
        }
    }

    /// One datagram, because the kernel takes a batch whole or not at all.
    pub(super) fn send(&self, datagram: &[u8], operation: &'static str) -> Result<(), ApplyError> {
        let sent = loop {
            match self.inner.send(datagram) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match sent {
            Ok(length) if length == datagram.len() => Ok(()),
            Ok(_) => Err(ApplyError::Socket {
                operation,
                source: io::Error::from(io::ErrorKind::WriteZero),
            }),
            Err(source) => Err(ApplyError::Socket { operation, source }),
        }
    }

    /// Everything that has been answered.
    pub(super) fn drain(&mut self, mut each: impl FnMut(Message<'_>)) -> Result<(), ApplyError> {
        loop {
            match self.receive() {
                Ok(Some(datagram)) => Messages(datagram).for_each(&mut each),
                Ok(None) => return Ok(()),
                // More answers than the socket holds: among those that are lost may be the one that
                // counts.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    return Err(ApplyError::OutcomeUnknown);
                }
                Err(source) => {
                    return Err(ApplyError::Socket {
                        operation: "read the kernel's answer",
                        source,
                    });
                }
            }
        }
    }

    /// Asks for a list and hands over its parts.
    ///
    /// One that changes meanwhile is read to its end all the same: until then the kernel begins no
    /// other on this socket.
    pub(super) fn dump(
        &mut self,
        request: &[u8],
        sequence: u32,
        operation: &'static str,
        mut each: impl FnMut(Message<'_>),
    ) -> Result<(), ApplyError> {
        self.send(request, operation)?;
        let mut changed = false;
        loop {
            let received = self.receive();
            let received = received.map_err(|source| ApplyError::Socket { operation, source })?;
            let Some(datagram) = received else {
                return Err(ApplyError::UnexpectedReply {
                    operation,
                    reason: "it ends in the middle",
                });
            };
            for message in Messages(datagram).filter(|message| message.sequence == sequence) {
                changed |= i32::from(message.flags) & libc::NLM_F_DUMP_INTR != 0;
                match message.errno() {
                    None => each(message),
                    Some(0) if changed => return Err(ApplyError::Stale { attempts: 1 }),
                    Some(0) => return Ok(()),
                    Some(errno) => {
                        return Err(ApplyError::Socket {
                            operation,
                            source: io::Error::from_raw_os_error(errno),
                        });
                    }
                }
            }
        }
    }

    /// The next datagram; `None` when there is no more.
    fn receive(&mut self) -> io::Result<Option<&[u8]>> {
        // libmnl wants the buffer aligned for struct nlmsghdr, which a Vec of bytes need not be.
        let offset = self
            .buffer
            .as_ptr()
            .align_offset(align_of::<libc::nlmsghdr>());
        let received = loop {
            let room = self.buffer.get_mut(offset..).unwrap_or_default();
            match self.inner.recv_raw(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match received {
            Ok(length) => Ok(self.buffer.get(offset..offset + length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn c_int(number: usize) -> libc::c_int {
    libc::c_int::try_from(number).unwrap_or(libc::c_int::MAX)
}

fn set_nonblocking(socket: &mnl::Socket) -> io::Result<()> {
    let fd = socket.as_raw_fd();
    // SAFETY: fcntl with F_GETFL and F_SETFL takes integers only, and the descriptor is open as
    // long as `socket` is.
    let done = unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        flags >= 0 && libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) >= 0
    };
    if done {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn set_option(
    socket: &mnl::Socket,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the kernel reads one int from `value`, which lives until the call returns; the
    // descriptor is open.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            SIZE_OF_INT,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn option(socket: &mnl::Socket, level: libc::c_int, name: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = SIZE_OF_INT;
    // SAFETY: the kernel writes at most `length` bytes, the size of `value`, and the true length;
    // both live until the call returns; the descriptor is open.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(value)
    } else {
        Err(io::Error::last_os_error())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the size of an int is 4")]
const SIZE_OF_INT: libc::socklen_t = size_of::<libc::c_int>() as libc::socklen_t;
/// The kernel's parts of a list are at most 32 KiB (`NLMSG_GOODSIZE` and `netlink_dump()`).
const RECEIVE_BUFFER: usize = 64 * 1024;
/// What `netlink_sendmsg()` keeps for itself of the send buffer.
const SEND_OVERHEAD: usize = 32;
/// What an error takes of the receive buffer, the kernel's own structure included.
const ANSWER_SIZE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_socket_can_send_is_told_before_it_is_tried() {
        // Needs no privilege, and sends nothing.
        let socket = Socket::open().expect("a netlink socket");
        let error = socket.make_room(5 << 30, 3).expect_err("too large");
        let text = error.to_string();
        assert!(
            text.starts_with(
                "the ruleset takes 5368709120 bytes, more than one message may have here ("
            ),
            "{text}"
        );
        assert!(
            text.ends_with("): raise the sysctl net.core.wmem_max"),
            "{text}"
        );
        assert!(socket.make_room(10_000, 3).is_ok());
    }

    #[test]
    fn no_two_requests_share_a_number_and_none_has_number_zero() {
        let mut socket = Socket::open().expect("a netlink socket");
        assert_eq!(
            [socket.reserve(3), socket.reserve(1), socket.reserve(2)],
            [1, 4, 5]
        );
        socket.sequence = u32::MAX - 1;
        assert_eq!([socket.reserve(3), socket.reserve(1)], [1, 4]);
    }
}
