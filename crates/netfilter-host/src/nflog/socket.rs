//! The netlink socket that an NFLOG group is read from.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use netlink_packet_netfilter::nflog::{ConfigCmd, ConfigFlags, ConfigMode, ConfigNla, Timeout};
use netlink_session::{NetlinkFamily, NetlinkSocket, Session};

use super::message::{Message, messages};
use crate::inbox::{Inbox, Received, widen};
use crate::nflog_groups;

/// How much of a packet the kernel copies. Its own logger reads anywhere in a packet, and extension
/// headers can push the transport header anywhere; so this is the most that an attribute holds,
/// which is all but the last four bytes of the longest IPv4 packet.
pub(super) const COPY_RANGE: usize = NFULNL_COPY_RANGE_MAX;
/// Packets that wait here while we write; a third of a second of a full gigabit link. The kernel
/// takes twice the number.
const RECEIVE_BUFFER: usize = 24 << 20;
/// Room for any datagram: the kernel may round its buffer up to the next power of two.
const DATAGRAM: usize = 512 << 10;

// net/netfilter/nfnetlink_log.c
const NFULNL_COPY_RANGE_MAX: usize = 0xffff - 4;

/// How many packets the kernel gathers before it hands them over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gathering {
    packets: u32,
    /// Room for them, in bytes. The kernel makes it anew each time, at most 128 KiB; a packet that
    /// is larger gets its own.
    bytes: u32,
    /// How long it waits for so many; the kernel counts hundredths of a second.
    time: Duration,
}

impl Gathering {
    /// Each packet by itself, at once: for who acts upon it.
    pub const NONE: Self = Self {
        packets: 1,
        bytes: 2 << 10,
        time: Duration::from_millis(10),
    };

    /// Up to 100 packets in up to 10 milliseconds: for who acts upon them in a flood.
    pub const SHORT: Self = Self {
        packets: 100,
        bytes: 32 << 10,
        time: Duration::from_millis(10),
    };

    /// Up to 1000 packets in up to 100 milliseconds: for who writes them down.
    pub const LONG: Self = Self {
        packets: 1000,
        bytes: 128 << 10,
        time: Duration::from_millis(100),
    };
}

/// Why a group cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system has no such socket, or does not do what was asked of it.
    #[error("cannot {operation} a netlink socket")]
    Socket {
        /// What was to be done.
        operation: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Another program reads the group.
    #[error(
        "cannot read NFLOG group {group}: another program reads it already (netlink port {port}, most often its pid)"
    )]
    Taken {
        /// The group.
        group: u16,
        /// The netlink port of who reads it.
        port: u32,
    },
    /// The process may not read groups here, or somebody reads it whom it cannot see.
    #[error(
        "cannot read NFLOG group {group}: this needs CAP_NET_ADMIN in the network namespace, and nobody else reading the group"
    )]
    Privilege {
        /// The group.
        group: u16,
    },
    /// The kernel says no.
    #[error("cannot read NFLOG group {group}")]
    Refused {
        /// The group.
        group: u16,
        /// Why.
        source: io::Error,
    },
}

/// An NFLOG group, from when it is bound.
#[derive(Debug)]
pub struct Group {
    session: Session,
    number: u16,
    inbox: Inbox,
}

impl Group {
    /// Reads the group from now on, in the network namespace of this thread.
    ///
    /// # Errors
    ///
    /// Another program reads it, or the process lacks `CAP_NET_ADMIN`.
    pub fn bind(group: u16, gathering: Gathering) -> Result<Self, Error> {
        let netlink = NetlinkSocket::connect(NetlinkFamily::Netfilter).map_err(failed("open"))?;
        widen(&netlink, RECEIVE_BUFFER).map_err(failed("size the buffer of"))?;
        let mut session = Session::new(netlink);
        // No PfBind: it would make us the logger of all that the namespace logs, not only of this
        // group.
        let mut settings = vec![
            ConfigCmd::Bind.into(),
            ConfigMode::new_packet(u32::try_from(COPY_RANGE).unwrap_or(u32::MAX)).into(),
            ConfigFlags::SEQ.into(),
        ];
        settings.extend(gathering.settings());
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
            number: group,
            inbox: Inbox::new(DATAGRAM),
        })
    }

    /// Has packets gathered otherwise from now on. The kernel's answer comes as an
    /// [`Item::Answer`](super::Item::Answer), which may be passed over.
    ///
    /// # Errors
    ///
    /// The request cannot be sent.
    pub fn gather(&mut self, gathering: Gathering) -> Result<(), Error> {
        self.send(gathering.settings().into()).map(drop)
    }

    fn send(&mut self, settings: Vec<ConfigNla>) -> Result<u32, Error> {
        nflog_groups::configure(self.number, settings)
            .and_then(|mut request| self.session.send(&mut request))
            .map_err(|error| failed("write to")(error.into()))
    }

    /// Asks for no more packets. The kernel then sends what it has gathered, and after
    /// that the answer to the request whose number this gives.
    ///
    /// # Errors
    ///
    /// The request cannot be sent.
    pub fn unbind(&mut self) -> Result<u32, Error> {
        self.send(vec![ConfigCmd::Unbind.into()])
    }

    /// Takes the next datagram, without waiting for one.
    ///
    /// # Errors
    ///
    /// What the system says; the group is read no longer.
    pub fn receive(&mut self) -> Result<Received, Error> {
        let received = self.inbox.receive(self.session.transport().as_fd());
        received.map_err(failed("read"))
    }

    /// The messages of the datagram received last.
    pub(super) fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        messages(self.inbox.datagram())
    }
}

impl Gathering {
    fn settings(self) -> [ConfigNla; 3] {
        [
            ConfigNla::NlBufSiz(self.bytes),
            ConfigNla::QThresh(self.packets),
            Timeout::from(self.time).into(),
        ]
    }
}

impl AsFd for Group {
    /// Readable when there is a datagram.
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
