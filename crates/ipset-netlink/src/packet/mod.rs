//! The messages of the protocol, typed, for those who talk to the kernel themselves.
//!
//! An [`IpSetMessage`] is the payload of a `NetlinkMessage` of netlink-packet-core, as the messages
//! of the other netlink-packet crates are. What is unknown is kept as it came, in the `Other` of
//! each enum. The types of netlink-packet-core and netlink-packet-netfilter that appear here follow
//! the versions of those crates, and change when they do.
//!
//! ```
//! use ipset_netlink::packet::{Command, EntryAttribute, IpSetAttribute, IpSetMessage};
//! use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage};
//!
//! let message = IpSetMessage::new(
//!     Command::Test,
//!     vec![
//!         IpSetAttribute::Protocol(7),
//!         IpSetAttribute::SetName("banned".into()),
//!         IpSetAttribute::Entry(vec![EntryAttribute::Ip("192.0.2.7".parse()?)]),
//!     ],
//! );
//! let mut header = NetlinkHeader::default();
//! header.flags = NLM_F_REQUEST | NLM_F_ACK;
//! let mut request = NetlinkMessage::new(header, message.into());
//! request.finalize(); // without it, serialize panics
//! let mut bytes = vec![0; request.buffer_len()];
//! request.serialize(&mut bytes);
//! assert_eq!(NetlinkMessage::<IpSetMessage>::deserialize(&bytes)?, request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod attribute;
mod codec;
mod command;
mod entries;
mod entry;
pub mod errno;
mod header;
mod message;
mod table;

pub use attribute::IpSetAttribute;
pub use command::Command;
pub use entries::EncodedEntries;
pub(crate) use entries::{append_attribute, append_entry, attributes, entries};
pub use entry::EntryAttribute;
pub(crate) use entry::{
    IPSET_ATTR_COMMENT, IPSET_ATTR_IFACE, IPSET_ATTR_NAME, IPSET_FLAG_BEFORE,
    IPSET_FLAG_IFACE_WILDCARD, IPSET_FLAG_NOMATCH, IPSET_FLAG_PHYSDEV, lone_ipv4,
};
pub use header::HeaderAttribute;
pub(crate) use header::{
    IPSET_FLAG_WITH_COMMENT, IPSET_FLAG_WITH_COUNTERS, IPSET_FLAG_WITH_FORCEADD,
    IPSET_FLAG_WITH_SKBINFO,
};
pub use message::{IPSET_PROTOCOL, IpSetMessage};
