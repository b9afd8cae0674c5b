//! A netlink socket that an NFLOG group is bound with.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_netfilter::nflog::{ConfigCmd, ULogMessage};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket as Netlink, SocketAddr};

use crate::holder::port_for;

#[derive(Debug)]
pub(crate) struct Socket {
    netlink: Netlink,
}

impl Socket {
    pub(crate) fn open() -> io::Result<Self> {
        let mut netlink = Netlink::new(NETLINK_NETFILTER)?;
        // Anybody may have taken that port; then nobody is told who has the turn, which is all it
        // is for.
        if netlink
            .bind(&SocketAddr::new(port_for(std::process::id()), 0))
            .is_err()
        {
            netlink.bind_auto()?;
        }
        Ok(Self { netlink })
    }

    /// Binds the group; `false` when it is another's, or that needs more privilege. No mode is set,
    /// so that nothing of a packet would be copied to it.
    pub(crate) fn bind_group(&mut self, group: u16) -> io::Result<bool> {
        match self.ask(group, ULogMessage::Config(vec![ConfigCmd::Bind.into()]))? {
            None => Ok(true),
            Some(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
            Some(error) => Err(error),
        }
    }

    /// Whether any group could be bound at all.
    pub(crate) fn is_privileged(&mut self) -> io::Result<bool> {
        // The kernel looks who asks before it looks what; packets are what it sends and never
        // takes.
        let refusal = self.ask(0, ULogMessage::Packet(Vec::new()))?;
        Ok(refusal.is_none_or(|error| error.kind() != io::ErrorKind::PermissionDenied))
    }

    /// The kernel's answer, which is an error or none.
    fn ask(&mut self, group: u16, message: ULogMessage) -> io::Result<Option<io::Error>> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_ACK;
        let of = NetfilterHeader::new(NetfilterProtoFamily::Unspec, NFNETLINK_V0, group);
        let message = NetfilterMessage::new(of, message);
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.netlink.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;
        loop {
            let (bytes, from) = self.netlink.recv_from_full()?;
            let answer = NetlinkMessage::<NetfilterMessage>::deserialize(&bytes);
            let answer = answer.map(|answer| answer.payload);
            // Only the kernel is believed.
            if let (0, Ok(NetlinkPayload::Error(answer))) = (from.port_number(), answer) {
                return Ok(answer.code.map(|_| answer.to_io()));
            }
        }
    }
}

// linux/netfilter/nfnetlink.h
const NFNETLINK_V0: u8 = 0;
