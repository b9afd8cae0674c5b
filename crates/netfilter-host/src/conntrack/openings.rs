//! Connections as they come: the kernel tells of each when its first packet goes out or in.

use std::fs::File;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt as _;

use netlink_packet_core::{
    NLA_TYPE_MASK, NetlinkBuffer, NetlinkDeserializable as _, NetlinkHeader, NlaBuffer,
    NlasIterator, Parseable as _,
};
use netlink_packet_netfilter::NetfilterMessage;
use netlink_session::{DecodeError, NetlinkFamily, NetlinkSocket};

use super::{Connection, Error};
use crate::inbox::{Inbox, Received, widen};

/// Tells of the connections of the network namespace that come.
///
/// ```no_run
/// use netfilter_host::conntrack::{Conntrack, Heard, Openings};
///
/// # fn main() -> Result<(), netfilter_host::conntrack::Error> {
/// let from_here = |address: std::net::IpAddr| address.is_loopback();
/// // Before the table is read, so that no connection comes in between.
/// let mut openings = Openings::watch()?;
/// let mut all = Conntrack::open()?.connections(|connection| from_here(connection.source()))?;
/// if openings.read(from_here, |new| all.push(new))? == Heard::Part {
///     // some are missing: the table has to be read again
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Openings {
    socket: NetlinkSocket,
    inbox: Inbox,
    /// Whether the kernel tells of anything.
    switch: File,
}

/// How much was heard of what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Heard {
    /// All of it.
    All,
    /// More came than could wait, or something that cannot be read.
    Part,
}

impl Openings {
    /// Watches from now on, in the network namespace of this thread.
    ///
    /// # Errors
    ///
    /// The kernel does not tell ([`Error::Silent`]), or the privilege is missing.
    pub fn watch() -> Result<Self, Error> {
        Self::watch_with(RECEIVE_BUFFER)
    }

    /// As [`watch`](Self::watch), with room for so many bytes of what waits to be read. One
    /// connection takes about a thousand.
    ///
    /// # Errors
    ///
    /// As [`watch`](Self::watch).
    pub fn watch_with(room: usize) -> Result<Self, Error> {
        let socket = NetlinkSocket::connect(NetlinkFamily::Netfilter).map_err(Error::Transport)?;
        widen(&socket, room).map_err(Error::Transport)?;
        // Joining has the kernel load what tells, and with it the switch.
        socket
            .join(NFNLGRP_CONNTRACK_NEW)
            .map_err(Error::Transport)?;
        let switch = File::open(SWITCH).map_err(|_| Error::Silent)?;
        let openings = Self {
            socket,
            inbox: Inbox::new(DATAGRAM),
            switch,
        };
        openings.is_on().then_some(openings).ok_or(Error::Silent)
    }

    /// Hands over the connections that have come since this was asked last and whose first sender
    /// is one that is `wanted`, in their order. Nothing is waited for.
    ///
    /// # Errors
    ///
    /// What the system says, and [`Error::Silent`] from when the kernel does not tell any longer.
    pub fn read(
        &mut self,
        wanted: impl Fn(IpAddr) -> bool,
        mut each: impl FnMut(Connection),
    ) -> Result<Heard, Error> {
        let mut heard = Heard::All;
        // Where more come than can be read, nothing is kept up with.
        for _ in 0..AT_ONCE {
            let received = self.inbox.receive(self.socket.as_fd());
            match received.map_err(Error::Transport)? {
                Received::Nothing => {
                    return if self.is_on() {
                        Ok(heard)
                    } else {
                        Err(Error::Silent)
                    };
                }
                Received::Overrun => heard = Heard::Part,
                Received::Datagram => {
                    if tell(self.inbox.datagram(), &wanted, &mut each).is_err() {
                        heard = Heard::Part;
                    }
                }
            }
        }
        Ok(Heard::Part)
    }

    fn is_on(&self) -> bool {
        let mut digit = [b'0'];
        self.switch
            .read_at(&mut digit, 0)
            .is_ok_and(|length| length == 1)
            && digit != [b'0']
    }
}

impl AsFd for Openings {
    /// Readable when a connection has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn tell(
    datagram: &[u8],
    wanted: impl Fn(IpAddr) -> bool,
    each: &mut impl FnMut(Connection),
) -> Result<(), DecodeError> {
    for message in netlink_session::messages(datagram) {
        let message = message?;
        if message.message_type() != NEW_CONNECTION {
            continue;
        }
        // Those of others may be very many.
        if source(message.payload()).is_some_and(|source| !wanted(source)) {
            continue;
        }
        each_of(&message, each)?;
    }
    Ok(())
}

fn each_of(
    message: &NetlinkBuffer<&[u8]>,
    each: &mut impl FnMut(Connection),
) -> Result<(), DecodeError> {
    let header = NetlinkHeader::parse(message)?;
    let decoded = NetfilterMessage::deserialize(&header, message.payload());
    let decoded = decoded.map_err(|error| DecodeError::new(error.to_string()))?;
    if let Some(connection) = Connection::decode(decoded)? {
        each(connection);
    }
    Ok(())
}

/// Who sent the first packet, read in place.
fn source(payload: &[u8]) -> Option<IpAddr> {
    let tuple = within(payload.get(NFGENMSG..)?, CTA_TUPLE_ORIG)?;
    let addresses = within(tuple, CTA_TUPLE_IP)?;
    if let Some(v4) = within(addresses, CTA_IP_V4_SRC) {
        return Some(<[u8; 4]>::try_from(v4).ok()?.into());
    }
    let v6 = within(addresses, CTA_IP_V6_SRC)?;
    Some(<[u8; 16]>::try_from(v6).ok()?.into())
}

/// The value of the first attribute of a kind.
fn within(attributes: &[u8], kind: u16) -> Option<&[u8]> {
    let mut attributes = NlasIterator::new(attributes).map_while(Result::ok);
    let found = attributes.find(|attribute| attribute.kind() & NLA_TYPE_MASK == kind)?;
    let length = usize::from(found.length());
    NlaBuffer::into_inner(found).get(NLA_HEADER..length)
}

/// What comes is read within milliseconds; so this is some ten thousand connections in them.
const RECEIVE_BUFFER: usize = 8 << 20;
/// Larger than what is told of any connection.
const DATAGRAM: usize = 16 << 10;
/// So many are read before nobody believes any longer that they can be kept up with.
const AT_ONCE: usize = 65_536;
const SWITCH: &str = "/proc/sys/net/netfilter/nf_conntrack_events";
const NLA_HEADER: usize = 4;
const NFGENMSG: usize = 4;
// linux/netfilter/nfnetlink_compat.h, nfnetlink.h: groups, subsystems
const NFNLGRP_CONNTRACK_NEW: u32 = 1;
const NFNL_SUBSYS_CTNETLINK: u16 = 1;
// linux/netfilter/nfnetlink_conntrack.h: enum cntl_msg_types, ctattr_type, ctattr_tuple, ctattr_ip
const IPCTNL_MSG_CT_NEW: u16 = 0;
const NEW_CONNECTION: u16 = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_IP: u16 = 1;
const CTA_IP_V4_SRC: u16 = 1;
const CTA_IP_V6_SRC: u16 = 3;
