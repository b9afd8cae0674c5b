//! Reading an NFLOG group.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use netlink_packet_core::{NLMSG_DONE, NetlinkDeserializable as _, NetlinkHeader, Parseable as _};
use netlink_packet_netfilter::nflog::{
    ConfigCmd, ConfigMode, ConfigNla, PacketNla, ULogMessage, config_request,
};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily};
use netlink_session::{NetlinkFamily, NetlinkSocket, Session, messages};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};

use crate::log::Logged;
use crate::packet::Packet;
use crate::tap::readable_before;

/// Room for a datagram of log messages: more than the kernel gathers before it sends them.
const DATAGRAM: usize = 256 * 1024;
/// Asked for, so that a burst waits for us.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Reads what `NFLOG` rules send to one group of a namespace.
///
/// Each packet is there as soon as it is logged, not after the second that the kernel otherwise
/// gathers.
pub struct Nflog {
    socket: OwnedFd,
    datagram: Vec<u8>,
    waiting: VecDeque<Logged>,
}

impl Nflog {
    /// In the namespace of the calling thread.
    pub(crate) fn open(group: u16) -> Result<Self, Failed> {
        let fail = |error: io::Error| format!("cannot read NFLOG group {group}: {error}");
        let mut session = NetlinkSocket::connect(NetlinkFamily::Netfilter)
            .map(Session::new)
            .map_err(fail)?;
        // A user may get less than asked for.
        let _ = setsockopt(session.transport(), sockopt::RcvBuf, &RECEIVE_BUFFER);
        // No PfBind: it would make this socket the namespace's logger of everything else too.
        let settings = vec![
            ConfigCmd::Bind.into(),
            ConfigMode::PACKET_MAX.into(),
            ConfigNla::QThresh(1),
        ];
        let request = config_request(NetfilterProtoFamily::Unspec, group, settings);
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        let bound = session.acknowledge(&mut bytes);
        bound.map_err(|error| fail(error.into()))?;
        Ok(Self {
            socket: session.transport().as_fd().try_clone_to_owned()?,
            datagram: vec![0; DATAGRAM],
            waiting: VecDeque::new(),
        })
    }

    /// The next packet logged; `None` if there is none within `timeout`.
    ///
    /// # Errors
    ///
    /// When packets were lost because nobody read them in time.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Logged>, Failed> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(logged) = self.waiting.pop_front() {
                return Ok(Some(logged));
            }
            if !readable_before(self.socket.as_fd(), deadline)? {
                return Ok(None);
            }
            match recv(
                self.socket.as_raw_fd(),
                &mut self.datagram,
                MsgFlags::empty(),
            ) {
                Ok(length) => self.take(length)?,
                Err(Errno::EAGAIN) => {}
                Err(error) => return Err(format!("cannot read NFLOG: {error}").into()),
            }
        }
    }

    /// All messages of a datagram of this length.
    fn take(&mut self, length: usize) -> Result<(), Failed> {
        for message in messages(self.datagram.get(..length).unwrap_or_default()) {
            let fail = |error: &dyn Display| format!("cannot decode an NFLOG message: {error}");
            let message = message.map_err(|error| fail(&error))?;
            let header = NetlinkHeader::parse(&message).map_err(|error| fail(&error))?;
            if header.message_type == NLMSG_DONE {
                continue;
            }
            let message = NetfilterMessage::deserialize(&header, message.payload());
            if let NetfilterMessageInner::ULog(ULogMessage::Packet(attributes)) =
                message.map_err(|error| fail(&error))?.inner
            {
                self.waiting.push_back(logged(&attributes)?);
            }
        }
        Ok(())
    }
}

fn logged(attributes: &[PacketNla]) -> Result<Logged, Failed> {
    let mut prefix = String::new();
    let mut packet = None;
    for attribute in attributes {
        match attribute {
            PacketNla::Prefix(text) => prefix = text.to_string_lossy().into_owned(),
            PacketNla::Payload(bytes) => packet = Some(Packet::new(bytes.as_slice())),
            _ => {}
        }
    }
    let packet = packet.ok_or("an NFLOG message without a packet")?;
    let source = packet
        .source()
        .ok_or_else(|| format!("NFLOG of {packet}"))?;
    Ok(Logged {
        text: format!("{prefix}{packet}"),
        prefix,
        source,
    })
}
