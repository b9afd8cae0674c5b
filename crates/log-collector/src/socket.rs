//! The netlink socket that an NFLOG group is read from.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::time::Duration;

use netfilter_host::nflog_groups;
use netlink_packet_netfilter::nflog::{ConfigCmd, ConfigFlags, ConfigMode, ConfigNla, Timeout};
use netlink_session::{NetlinkFamily, NetlinkSocket, Session};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};

use crate::message::{Message, messages};

/// How much of a packet the kernel copies. Its own logger reads anywhere in a packet, and extension
/// headers can push the transport header anywhere; so this is the most that an attribute holds,
/// which is all but the last four bytes of the longest IPv4 packet.
pub(crate) const COPY_RANGE: usize = NFULNL_COPY_RANGE_MAX;
/// Packets that wait here while we write; a third of a second of a full gigabit link. The kernel
/// takes twice the number.
const RECEIVE_BUFFER: usize = 24 << 20;
/// What the kernel gathers before it sends a datagram: its largest buffer, so many packets, so
/// long.
const GATHERED_BYTES: u32 = 128 << 10;
const GATHERED_PACKETS: u32 = 1000;
const GATHERED_FOR: Duration = Duration::from_millis(100);
/// Room for any datagram: the kernel may round its buffer up to the next power of two.
const DATAGRAM: usize = 512 << 10;

// net/netfilter/nfnetlink_log.c
const NFULNL_COPY_RANGE_MAX: usize = 0xffff - 4;

/// Why a group cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot {operation} a netlink socket")]
    Socket {
        operation: &'static str,
        source: io::Error,
    },
    #[error(
        "cannot read NFLOG group {group}: another program reads it already (netlink port {port}, most often its pid)"
    )]
    Taken { group: u16, port: u32 },
    #[error(
        "cannot read NFLOG group {group}: this needs CAP_NET_ADMIN in the network namespace, and nobody else reading the group"
    )]
    Privilege { group: u16 },
    #[error("cannot read NFLOG group {group}")]
    Refused { group: u16, source: io::Error },
}

/// What there was to receive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A datagram, in the buffer.
    Datagram,
    /// Nothing at the moment.
    Nothing,
    /// The kernel had more than the socket could take, and dropped it.
    Overrun,
}

/// An NFLOG group, from when it is bound.
pub(crate) struct Socket {
    session: Session,
    group: u16,
    /// Room for any datagram.
    buffer: Vec<u8>,
    /// How much of it the last one takes.
    length: usize,
}

impl Socket {
    pub(crate) fn bind(group: u16) -> Result<Self, Error> {
        let netlink = NetlinkSocket::connect(NetlinkFamily::Netfilter).map_err(failed("open"))?;
        // Without the privilege to exceed the system's limit, as much as the limit allows.
        if setsockopt(&netlink, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&netlink, sockopt::RcvBuf, &RECEIVE_BUFFER)
                .map_err(|errno| failed("size the buffer of")(errno.into()))?;
        }
        let mut session = Session::new(netlink);
        // No PfBind: it would make us the logger of all that the namespace logs, not only of this
        // group.
        let settings = vec![
            ConfigCmd::Bind.into(),
            ConfigMode::new_packet(u32::try_from(COPY_RANGE).unwrap_or(u32::MAX)).into(),
            ConfigFlags::SEQ.into(),
            ConfigNla::NlBufSiz(GATHERED_BYTES),
            ConfigNla::QThresh(GATHERED_PACKETS),
            Timeout::from(GATHERED_FOR).into(),
        ];
        let bound = nflog_groups::configure(group, settings)
            .and_then(|mut request| session.acknowledge(&mut request));
        bound.map_err(|error| match error.code() {
            Some(EPERM) => refusal(group),
            _ => Error::Refused {
                group,
                source: error.into(),
            },
        })?;
        Ok(Self {
            session,
            group,
            buffer: vec![0; DATAGRAM],
            length: 0,
        })
    }

    /// Asks for no more packets. The kernel then sends what it has gathered, and after
    /// that the answer to the request whose number this gives.
    pub(crate) fn unbind(&mut self) -> Result<u32, Error> {
        nflog_groups::configure(self.group, vec![ConfigCmd::Unbind.into()])
            .and_then(|mut request| self.session.send(&mut request))
            .map_err(|error| failed("write to")(error.into()))
    }

    /// Takes the next datagram, without waiting for one.
    pub(crate) fn receive(&mut self) -> Result<Received, Error> {
        let file = self.as_fd().as_raw_fd();
        loop {
            match recv(file, &mut self.buffer, MsgFlags::MSG_TRUNC) {
                // Cannot be, by the sizes above; what did not fit is a gap in the numbers.
                Ok(length) if length > self.buffer.len() => return Ok(Received::Overrun),
                Ok(length) => {
                    self.length = length;
                    return Ok(Received::Datagram);
                }
                Err(Errno::EAGAIN) => return Ok(Received::Nothing),
                Err(Errno::ENOBUFS) => return Ok(Received::Overrun),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(failed("read")(errno.into())),
            }
        }
    }

    /// The messages of the datagram received last.
    pub(crate) fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        messages(self.buffer.get(..self.length).unwrap_or_default())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.session.transport().as_fd()
    }
}

fn failed(operation: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Socket { operation, source }
}

/// Tells apart the two reasons for which the kernel answers EPERM.
fn refusal(group: u16) -> Error {
    match nflog_groups::reader_of(group) {
        Some(port) => Error::Taken { group, port },
        None => Error::Privilege { group },
    }
}

// asm-generic/errno-base.h
const EPERM: u32 = 1;
