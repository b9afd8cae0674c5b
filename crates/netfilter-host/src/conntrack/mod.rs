//! The kernel's connection tracking: what is tracked, an end to it, and what was there before.

mod connection;
mod error;
mod flow;
mod opened;
#[cfg(feature = "openings")]
mod openings;

pub use connection::Connection;
pub use error::Error;
pub use flow::Flow;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_netfilter::conntrack::ConntrackMessage;
use netlink_packet_netfilter::{NetfilterMessage, NetfilterProtoFamily};
/// What carries requests and answers.
pub use netlink_session::Transport;
use netlink_session::{NetlinkFamily, NetlinkSocket, Session};
pub use opened::Opened;
#[cfg(feature = "openings")]
pub use openings::{Heard, Openings};

use crate::request;

/// A session with the kernel's connection tracking, in the network namespace of the thread that
/// opened it.
#[derive(Debug)]
pub struct Conntrack<T: Transport = NetlinkSocket>(Session<T>);

impl Conntrack {
    /// Opens a socket, which needs no privilege; everything else does.
    ///
    /// # Errors
    ///
    /// What the system says ([`Error::Transport`]).
    pub fn open() -> Result<Self, Error> {
        NetlinkSocket::connect(NetlinkFamily::Netfilter)
            .map(Self::with_transport)
            .map_err(Error::Transport)
    }
}

impl<T: Transport> Conntrack<T> {
    /// Over a transport of one's own.
    pub fn with_transport(transport: T) -> Self {
        Self(Session::new(transport))
    }

    /// The connections of both families that are `wanted`, without those that come and go
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// The kernel has no connection tracking, or the privilege is missing.
    pub fn connections(
        &mut self,
        wanted: impl Fn(&Connection) -> bool,
    ) -> Result<Vec<Connection>, Error> {
        let family = NetfilterProtoFamily::Unspec;
        let mut get = request(family, 0, ConntrackMessage::Get(Vec::new()), 0)?;
        let found = self.0.dump_whole(&mut get, |message: NetfilterMessage| {
            Ok(Connection::decode(message)?.filter(&wanted))
        });
        Ok(found?)
    }

    /// What has become of a connection; `None` where it is tracked no longer. It is looked up, and
    /// takes as long among many as among few.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn find(&mut self, connection: &Connection) -> Result<Option<Connection>, Error> {
        let get = ConntrackMessage::Get(connection.identity());
        let mut get = request(connection.family(), 0, get, 0)?;
        match self.0.ask::<NetfilterMessage>(&mut get) {
            Ok(found) => Ok(Connection::decode(found).map_err(Error::Decode)?),
            Err(error) if error.code() == Some(ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a connection; whether it was still there.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn delete(&mut self, connection: &Connection) -> Result<bool, Error> {
        let delete = ConntrackMessage::Delete(connection.identity());
        self.change(connection.family(), delete, 0, ENOENT)
    }

    /// Enters a session that was there before connection tracking began, as one that is
    /// established; whether it was not tracked already. One that was stays as it is.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn enter(&mut self, flow: &Flow) -> Result<bool, Error> {
        let new = ConntrackMessage::New(flow.attributes());
        self.change(flow.family(), new, NLM_F_CREATE | NLM_F_EXCL, EEXIST)
    }

    /// Whether something changed, where the kernel says `unchanged` if it did not.
    fn change(
        &mut self,
        family: NetfilterProtoFamily,
        change: ConntrackMessage,
        flags: u16,
        unchanged: u32,
    ) -> Result<bool, Error> {
        let mut request = request(family, 0, change, flags)?;
        match self.0.acknowledge(&mut request) {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some(unchanged) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

// asm-generic/errno-base.h
const ENOENT: u32 = 2;
const EEXIST: u32 = 17;

#[cfg(test)]
mod tests;
