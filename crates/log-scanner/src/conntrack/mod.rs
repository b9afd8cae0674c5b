//! The kernel's connection tracking over netlink: what is tracked, and an end to it.

mod connection;
mod error;

pub(crate) use connection::Connection;
use error::ENOENT;
pub(crate) use error::Error;
use ipset_netlink::{NetlinkFamily, NetlinkSocket, Transport};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader,
    NetlinkMessage, NetlinkPayload,
};
use netlink_packet_netfilter::conntrack::{ConntrackAttribute, ConntrackMessage};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
};

/// A session with the kernel's connection tracking, in the network namespace of the thread that
/// opened it.
pub(crate) struct Conntrack<T = NetlinkSocket> {
    transport: T,
    sequence: u32,
    datagram: Vec<u8>,
}

impl Conntrack {
    /// Opens a socket, which needs no privilege; everything else does.
    pub(crate) fn open() -> Result<Self, Error> {
        NetlinkSocket::connect(NetlinkFamily::Netfilter)
            .map(Self::with_transport)
            .map_err(Error::Transport)
    }
}

impl<T: Transport> Conntrack<T> {
    /// Over a transport of one's own.
    pub(crate) fn with_transport(transport: T) -> Self {
        Self {
            transport,
            sequence: 0,
            datagram: Vec::new(),
        }
    }

    /// The connections of both families that are `wanted`, without those that come and go
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// The kernel has no connection tracking, or the privilege is missing.
    pub(crate) fn connections(
        &mut self,
        wanted: impl Fn(&Connection) -> bool,
    ) -> Result<Vec<Connection>, Error> {
        for _ in 0..ATTEMPTS {
            let mut found = Vec::new();
            let request = ConntrackMessage::Get(Vec::new());
            let family = NetfilterProtoFamily::Unspec;
            let whole = self.ask(family, request, NLM_F_DUMP, |message| {
                let connection = Connection::decode(message)?;
                found.extend(connection.filter(&wanted));
                Ok(())
            })?;
            if whole {
                return Ok(found);
            }
        }
        Err(Error::Restless)
    }

    /// Deletes a connection; whether it was still there.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub(crate) fn delete(&mut self, connection: &Connection) -> Result<bool, Error> {
        let request = ConntrackMessage::Delete(connection.identity());
        match self.ask(connection.family(), request, NLM_F_ACK, |_| Ok(())) {
            Ok(_) => Ok(true),
            Err(Error::Refused(ENOENT)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends a request and hands over what is answered; whether that is all of one time.
    fn ask(
        &mut self,
        family: NetfilterProtoFamily,
        request: ConntrackMessage,
        flags: u16,
        mut each: impl FnMut(NetfilterMessage) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let request = serialize(family, request, NLM_F_REQUEST | flags, self.sequence);
        self.transport.send(&request).map_err(Error::Transport)?;
        let mut whole = true;
        let mut trouble = Ok(());
        loop {
            let received = self.transport.receive(&mut self.datagram);
            received.map_err(Error::Transport)?;
            let mut rest = self.datagram.as_slice();
            while !rest.is_empty() {
                let buffer = NetlinkBuffer::new_checked(rest).map_err(Error::decode)?;
                let length = usize::try_from(buffer.length()).unwrap_or(usize::MAX);
                let (bytes, after) = rest
                    .split_at_checked(length)
                    .ok_or_else(|| Error::decode("it is cut short"))?;
                // Each message begins at a multiple of four bytes.
                rest = after
                    .get(length.next_multiple_of(4) - length..)
                    .unwrap_or_default();
                if buffer.sequence_number() != self.sequence {
                    continue;
                }
                let message = NetlinkMessage::<NetfilterMessage>::deserialize(bytes);
                let message = message.map_err(Error::decode)?;
                whole &= message.header.flags & NLM_F_DUMP_INTR == 0;
                match message.payload {
                    NetlinkPayload::Done(_) => return trouble.map(|()| whole),
                    NetlinkPayload::Error(error) => {
                        return match error.code {
                            None => trouble.map(|()| whole),
                            Some(code) => Err(Error::Refused(code.get().wrapping_neg())),
                        };
                    }
                    // Read to the end all the same, so that the next answer is that of the next
                    // request.
                    NetlinkPayload::InnerMessage(message) if trouble.is_ok() => {
                        trouble = each(message);
                    }
                    _ => {}
                }
            }
        }
    }
}

fn serialize(
    family: NetfilterProtoFamily,
    request: ConntrackMessage,
    flags: u16,
    sequence: u32,
) -> Vec<u8> {
    let message = NetfilterMessage::new(NetfilterHeader::new(family, NFNETLINK_V0, 0), request);
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// The attributes of a connection that the kernel told of.
fn attributes(message: NetfilterMessage) -> Option<Vec<ConntrackAttribute>> {
    match message.inner {
        NetfilterMessageInner::Conntrack(ConntrackMessage::New(attributes)) => Some(attributes),
        _ => None,
    }
}

/// How often the table is read again when the kernel says that it changed under the reader.
const ATTEMPTS: u32 = 5;

// linux/netfilter/nfnetlink.h
const NFNETLINK_V0: u8 = 0;

#[cfg(test)]
mod tests;
