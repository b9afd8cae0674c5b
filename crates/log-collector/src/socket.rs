//! The netlink socket that an NFLOG group is read from.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;
use std::{fs, io};

use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::nflog::{
    ConfigCmd, ConfigFlags, ConfigMode, ConfigNla, Timeout, config_request,
};
use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket as Netlink, SocketAddr};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, setsockopt, sockopt};

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
    netlink: Netlink,
    group: u16,
    sequence: u32,
    datagram: Vec<u8>,
}

impl Socket {
    pub(crate) fn bind(group: u16) -> Result<Self, Error> {
        let fail = |operation| move |source| Error::Socket { operation, source };
        let mut netlink = Netlink::new(NETLINK_NETFILTER).map_err(fail("open"))?;
        netlink.bind_auto().map_err(fail("bind"))?;
        // Without the privilege to exceed the system's limit, as much as the limit allows.
        if setsockopt(&netlink, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&netlink, sockopt::RcvBuf, &RECEIVE_BUFFER)
                .map_err(|errno| fail("size the buffer of")(errno.into()))?;
        }
        let mut socket = Self {
            netlink,
            group,
            sequence: 0,
            datagram: Vec::with_capacity(DATAGRAM),
        };
        // No PfBind: it would make us the logger of all that the namespace logs, not only of this
        // group.
        socket
            .configure(vec![
                ConfigCmd::Bind.into(),
                ConfigMode::new_packet(u32::try_from(COPY_RANGE).unwrap_or(u32::MAX)).into(),
                ConfigFlags::SEQ.into(),
                ConfigNla::NlBufSiz(GATHERED_BYTES),
                ConfigNla::QThresh(GATHERED_PACKETS),
                Timeout::from(GATHERED_FOR).into(),
            ])
            .map_err(fail("write to"))?;
        match socket.answer().map_err(fail("read"))? {
            0 => {}
            errno if errno == Errno::EPERM as i32 => return Err(refusal(group)),
            errno => {
                let source = io::Error::from_raw_os_error(errno);
                return Err(Error::Refused { group, source });
            }
        }
        socket
            .netlink
            .set_non_blocking(true)
            .map_err(fail("set up"))?;
        Ok(socket)
    }

    /// Asks for no more packets. The kernel then sends what it has gathered, and after that the
    /// answer to the request whose number this gives.
    pub(crate) fn unbind(&mut self) -> Result<u32, Error> {
        self.configure(vec![ConfigCmd::Unbind.into()])
            .map_err(|source| Error::Socket {
                operation: "write to",
                source,
            })?;
        Ok(self.sequence)
    }

    /// Takes the next datagram of the kernel.
    pub(crate) fn receive(&mut self) -> Result<Received, Error> {
        loop {
            self.datagram.clear();
            let received = self
                .netlink
                .recv_from(&mut self.datagram, MsgFlags::MSG_TRUNC.bits());
            match received {
                // Only the kernel is believed.
                Ok((_, from)) if from.port_number() != 0 => {}
                // Cannot be, by the sizes above; what did not fit is a gap in the numbers.
                Ok((length, _)) if length > self.datagram.len() => return Ok(Received::Overrun),
                Ok(_) => return Ok(Received::Datagram),
                Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                    Some(Errno::EAGAIN) => return Ok(Received::Nothing),
                    Some(Errno::ENOBUFS) => return Ok(Received::Overrun),
                    Some(Errno::EINTR) => {}
                    _ => {
                        return Err(Error::Socket {
                            operation: "read",
                            source: error,
                        });
                    }
                },
            }
        }
    }

    /// The messages of the datagram received last.
    pub(crate) fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        messages(&self.datagram)
    }

    fn configure(&mut self, settings: Vec<ConfigNla>) -> io::Result<()> {
        self.sequence += 1;
        let mut request = config_request(NetfilterProtoFamily::Unspec, self.group, settings);
        request.header.sequence_number = self.sequence;
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.netlink
            .send_to(&bytes, &SocketAddr::new(0, 0), 0)
            .map(drop)
    }

    /// The errno that the kernel answers the last request with; packets cannot come before it.
    fn answer(&mut self) -> io::Result<i32> {
        loop {
            self.datagram.clear();
            let (_, from) = self.netlink.recv_from(&mut self.datagram, 0)?;
            let answer = messages(&self.datagram).find_map(|message| match message {
                Message::Answer { sequence, errno } if sequence == self.sequence => Some(errno),
                _ => None,
            });
            if let (0, Some(errno)) = (from.port_number(), answer) {
                return Ok(errno);
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.netlink.as_fd()
    }
}

/// Tells apart the two reasons for which the kernel answers EPERM.
fn refusal(group: u16) -> Error {
    // Columns: group, port of its reader, and more. Only root of the namespace may read it.
    let bound = fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_log");
    let reader = bound.unwrap_or_default().lines().find_map(|line| {
        let mut columns = line.split_whitespace().map(str::parse);
        match (columns.next(), columns.next()) {
            (Some(Ok(bound)), Some(Ok(port))) if bound == u32::from(group) => Some(port),
            _ => None,
        }
    });
    match reader {
        Some(port) => Error::Taken { group, port },
        None => Error::Privilege { group },
    }
}
