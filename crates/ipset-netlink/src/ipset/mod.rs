//! A session with the kernel's ipset subsystem.

mod batch;
mod bulk;
mod change;
mod check;
mod element;
mod exchange;
mod explain;
mod listing;
mod query;
mod replace;

pub use bulk::{BulkOutcome, EntryFailure};
pub use listing::Listed;
use netlink_packet_core::NLM_F_EXCL;
use netlink_session::{NetlinkFamily, Session};
pub use query::{Protocol, Revisions, TypeOfSet};
pub use replace::Replaced;

use crate::error::{Cause, KernelError, Operation};
use crate::packet::{Command, IPSET_PROTOCOL, IpSetAttribute};
use crate::{DecodeError, Error, NetlinkSocket, Transport};

/// A session with the kernel's ipset subsystem.
///
/// Every method waits for the kernel's answer, which comes at once; none waits for ever. The
/// methods take `&mut self` because there is one answer at a time.
///
/// # Errors
///
/// Besides what the methods say, each can fail because `CAP_NET_ADMIN` is missing in the user
/// namespace that owns the network namespace ([`Error::is_permission_denied`]), because there is no
/// set of the name ([`Error::is_set_not_found`]), or because the transport fails.
#[derive(Debug)]
pub struct IpSet<T: Transport = NetlinkSocket> {
    session: Session<T>,
    protocol: Protocol,
}

impl IpSet {
    /// Opens a socket in the network namespace of the calling thread and agrees on the protocol.
    ///
    /// # Errors
    ///
    /// The kernel has no ipsets ([`Error::is_not_supported`]) or speaks only other versions of the
    /// protocol.
    pub fn connect() -> Result<Self, Error> {
        let socket = NetlinkSocket::connect(NetlinkFamily::Netfilter)
            .map_err(|error| Error::new(Operation::Connect, Cause::Transport(error)))?;
        Self::with_transport(socket)
    }
}

impl<T: Transport> IpSet<T> {
    /// Agrees on the protocol through a transport of one's own.
    ///
    /// # Errors
    ///
    /// As [`IpSet::connect`].
    pub fn with_transport(transport: T) -> Result<Self, Error> {
        let mut sets = Self {
            session: Session::new(transport),
            protocol: Protocol {
                current: IPSET_PROTOCOL,
                minimum: IPSET_PROTOCOL,
            },
        };
        sets.agree_on_protocol()?;
        Ok(sets)
    }

    /// The protocol versions the kernel speaks. This crate speaks version 7 (Linux 4.20 and later).
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn agree_on_protocol(&mut self) -> Result<(), Error> {
        let operation = Operation::Protocol;
        let mut current = None;
        let mut minimum = None;
        let answer = self.ask(Command::Protocol, Vec::new());
        for attribute in answer.map_err(|failure| self.explain(operation.clone(), failure))? {
            match attribute {
                IpSetAttribute::Protocol(version) => current = Some(version),
                IpSetAttribute::ProtocolMin(version) => minimum = Some(version),
                _ => {}
            }
        }
        let Some(current) = current else {
            return Err(Error::new(
                operation,
                DecodeError::new("it names no protocol version"),
            ));
        };
        let minimum = minimum.unwrap_or(current);
        if !(minimum..=current).contains(&IPSET_PROTOCOL) {
            return Err(Error::new(
                operation,
                KernelError::Protocol { current, minimum },
            ));
        }
        self.protocol = Protocol { current, minimum };
        Ok(())
    }
}

/// What to do about a set or an entry that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfExists {
    /// It is an error.
    Fail,
    /// It is fine (`-exist` of `ipset`). An entry takes the new timeout, comment and skbinfo, also
    /// where none is given, and the counters where they are given. A set is left as it is, and must
    /// have the same type, family and options but for the hash size.
    Update,
}

impl IfExists {
    /// The flag of a request for an entry or a set that says so.
    fn flag(self) -> u16 {
        match self {
            Self::Fail => NLM_F_EXCL,
            Self::Update => 0,
        }
    }
}

/// What to do about a set or an entry that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// It is an error.
    Fail,
    /// It is fine (`-exist` of `ipset`).
    Ignore,
}

impl IfMissing {
    /// The flag of a request that says so.
    fn flag(self) -> u16 {
        match self {
            Self::Fail => NLM_F_EXCL,
            Self::Ignore => 0,
        }
    }
}
