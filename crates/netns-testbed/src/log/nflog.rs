//! Reading an NFLOG group.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_netfilter::nflog::{
    ConfigCmd, ConfigMode, ConfigNla, PacketNla, ULogMessage, config_request,
};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_NETFILTER;

use crate::log::Logged;
use crate::packet::Packet;
use crate::tap::readable_before;

/// Room for a datagram of log messages: more than the kernel gathers before it sends them.
const DATAGRAM: usize = 256 * 1024;
/// Asked for, so that a burst waits for us.
const RECEIVE_BUFFER: u32 = 4 << 20;

/// Reads what `NFLOG` rules send to one group of a namespace.
///
/// Each packet is there as soon as it is logged, not after the second that the kernel otherwise
/// gathers.
pub struct Nflog {
    socket: Socket,
    waiting: VecDeque<Logged>,
}

impl Nflog {
    /// In the namespace of the calling thread.
    pub(crate) fn open(group: u16) -> Result<Self, Failed> {
        let fail = |error: io::Error| format!("cannot read NFLOG group {group}: {error}");
        let mut socket = Socket::new(NETLINK_NETFILTER).map_err(fail)?;
        socket.bind_auto().map_err(fail)?;
        // A user may get less than asked for.
        let _ = socket.set_rx_buf_sz(RECEIVE_BUFFER);
        // No PfBind: it would make this socket the namespace's logger of everything else too.
        let settings = vec![
            ConfigCmd::Bind.into(),
            ConfigMode::PACKET_MAX.into(),
            ConfigNla::QThresh(1),
        ];
        let request = config_request(NetfilterProtoFamily::Unspec, group, settings);
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        socket.send(&bytes, 0).map_err(fail)?;
        let mut answer = Vec::with_capacity(DATAGRAM);
        socket.recv(&mut answer, 0).map_err(fail)?;
        socket.set_non_blocking(true).map_err(fail)?;
        match NetlinkMessage::<NetfilterMessage>::deserialize(&answer).map(|answer| answer.payload)
        {
            Ok(NetlinkPayload::Error(error)) if error.code.is_none() => Ok(Self {
                socket,
                waiting: VecDeque::new(),
            }),
            Ok(NetlinkPayload::Error(error)) => Err(fail(error.to_io()).into()),
            other => {
                Err(format!("cannot read NFLOG group {group}: unexpected answer {other:?}").into())
            }
        }
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
            let mut datagram = Vec::with_capacity(DATAGRAM);
            match self.socket.recv(&mut datagram, 0) {
                Ok(_) => self.take(&datagram)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(format!("cannot read NFLOG: {error}").into()),
            }
        }
    }

    /// All messages of one datagram.
    fn take(&mut self, mut rest: &[u8]) -> Result<(), Failed> {
        while !rest.is_empty() {
            let message = NetlinkMessage::<NetfilterMessage>::deserialize(rest)
                .map_err(|error| format!("cannot decode an NFLOG message: {error}"))?;
            let length = usize::try_from(message.header.length)
                .unwrap_or(usize::MAX)
                .next_multiple_of(4);
            rest = rest.get(length..).unwrap_or_default();
            if let NetlinkPayload::InnerMessage(message) = message.payload {
                if let NetfilterMessageInner::ULog(ULogMessage::Packet(attributes)) = message.inner
                {
                    self.waiting.push_back(logged(&attributes)?);
                }
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
