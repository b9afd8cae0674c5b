//! Kernel ipsets over netlink, without starting another program.
//!
//! An ipset is a set of addresses or networks that lives in the kernel and that iptables rules
//! refer to by name. This crate speaks the kernel's own protocol (`NFNL_SUBSYS_IPSET` over
//! `NETLINK_NETFILTER`): it creates sets, fills them with a million entries in about a second,
//! says for each entry that was refused why, and reads everything back with the time each entry
//! has left.
//!
//! # Example
//!
//! Ban an address for ten minutes. `CAP_NET_ADMIN` in the network namespace is all it needs.
//!
//! ```no_run
//! use std::{net::IpAddr, time::Duration};
//!
//! use ipset_netlink::{CreateSet, Entry, Family, IfExists, IpSet, Key, SetName, SetType, Timeout};
//!
//! let mut sets = IpSet::connect()?;
//! let banned: SetName = "banned".parse()?;
//! let create = CreateSet::new(banned.clone(), SetType::HashNet, Family::Inet)
//!     .timeout(Timeout::PERMANENT)
//!     .max_elements(1_048_576);
//! sets.create(&create, IfExists::Update)?;
//!
//! let offender: IpAddr = "203.0.113.7".parse()?;
//! let entry = Entry::new(Key::from(offender)).timeout(Timeout::try_from(Duration::from_secs(600))?);
//! sets.add(&banned, &entry, IfExists::Update)?;
//! assert!(sets.contains(&banned, &Key::from(offender))?);
//!
//! for entry in &sets.list(&banned)?.entries {
//!     println!("{} for {}", entry.key, entry.timeout.unwrap_or(Timeout::PERMANENT));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Many entries at once
//!
//! [`IpSet::add_all`] packs about a thousand entries into one message and takes them from an
//! iterator as it goes. The kernel adds the entries of a message one by one: a refused entry does not
//! undo those before it, and `add_all` goes on after it. What was refused, and why, is in the
//! [`BulkOutcome`]. [`IpSet::replace_all`] replaces the contents of a set in one step, while
//! rules refer to it.
//!
//! # Network namespaces
//!
//! A socket belongs to the network namespace its thread was in when [`IpSet::connect`] was called,
//! and keeps to it.
//!
//! # Tests without a kernel
//!
//! Everything goes through the [`Transport`] trait; [`testing::Script`] is one that answers from a
//! script.
#![forbid(unsafe_code)]

mod entry;
mod error;
mod family;
mod ipset;
mod key;
mod name;
pub mod packet;
mod set;
mod set_type;
pub mod testing;
mod timeout;
mod transport;

pub use entry::{Comment, CommentError, Counters, Entry, Position, SkbInfo, SkbMark};
pub use error::{DecodeError, Error};
pub use family::Family;
pub use ipset::{
    BulkOutcome, EntryFailure, IfExists, IfMissing, IpSet, Listed, Protocol, Replaced, Revisions,
    TypeOfSet,
};
pub use key::{
    AddressRange, Element, Interface, InterfaceError, Key, KeyError, MacAddress, MacAddressError,
    Network, Port, PortError, RawKey,
};
pub use name::{SetName, SetNameError};
pub use set::{BitmapRange, CreateSet, Set, SetHeader, SetIndex, SetOptions};
pub use set_type::SetType;
pub use timeout::{Timeout, TimeoutError};
pub use transport::{NetlinkSocket, Transport};
