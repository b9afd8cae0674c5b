//! What the programs of Rampart ask of a host besides sets and rules.
//!
//! Everything is asked in the network namespace of the calling thread, over a
//! [`netlink_session::Session`], so that nothing waits for ever and only the kernel is believed.
//!
//! ```no_run
//! use netfilter_host::conntrack::Conntrack;
//! use netfilter_host::turn::Turn;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let banned: std::net::IpAddr = "203.0.113.7".parse()?;
//! let turn = Turn::take()?; // no other program of Rampart is at work
//! let mut conntrack = Conntrack::open()?;
//! for connection in conntrack.connections(|connection| connection.source() == banned)? {
//!     conntrack.delete(&connection)?;
//! }
//! drop(turn);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod changes;
pub mod conntrack;
pub mod distribution;
#[cfg(feature = "essentials")]
pub mod essentials;
pub mod hashlimit;
pub mod host_log;
#[cfg(any(feature = "nflog", feature = "openings"))]
mod inbox;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "nflog")]
pub mod nflog;
pub mod nflog_groups;
#[cfg(feature = "signals")]
pub mod signals;
pub mod sockets;
pub mod turn;
#[cfg(feature = "files")]
pub mod whole_file;

use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
};
use netlink_session::Error;

/// The transport protocols whose sessions are told apart by ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// The bytes of a request to a netfilter subsystem. `resource` is what the subsystem says it is,
/// such as the number of an NFLOG group.
fn request(
    family: NetfilterProtoFamily,
    resource: u16,
    message: impl Into<NetfilterMessageInner>,
    flags: u16,
) -> Result<Vec<u8>, Error> {
    let header = NetfilterHeader::new(family, NFNETLINK_V0, resource);
    netlink_session::request(&NetfilterMessage::new(header, message), flags)
}

// linux/netfilter/nfnetlink.h
const NFNETLINK_V0: u8 = 0;
