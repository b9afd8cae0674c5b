//! Kernel ipsets over netlink, without starting another program.
//!
//! An ipset is a set of addresses, networks, ports, network cards, interfaces or packet marks that
//! lives in the kernel and that iptables rules refer to by name. This crate speaks the kernel's own
//! protocol (`NFNL_SUBSYS_IPSET` over `NETLINK_NETFILTER`), all of it: every [type of set](SetType)
//! with every [option](SetOptions), every command, a million entries in about a second, and for
//! each entry that was refused the reason.
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
//! # Keys of every type
//!
//! The name of a type says what its entries are made of, and a [`Key`] is made of the same, in the
//! same order. A key of another type is refused before it is sent. A kernel need not have every
//! type: [`Error::is_type_unknown`].
//!
//! ```
//! use std::net::Ipv4Addr;
//!
//! use ipset_netlink::{
//!     CreateSet, Entry, Family, IfExists, Interface, IpSet, Key, Network, Port, SetType,
//!     testing::FakeKernel,
//! };
//!
//! let mut sets = IpSet::with_transport(FakeKernel::new())?; // or IpSet::connect()
//! let host = Ipv4Addr::new(192, 0, 2, 7);
//! let network = Network::new(Ipv4Addr::new(198, 51, 100, 0).into(), 24)?;
//!
//! // ipset create web hash:ip,port,net; ipset add web 192.0.2.7,tcp:443,198.51.100.0/24
//! let web = CreateSet::new("web".parse()?, SetType::HashIpPortNet, Family::Inet);
//! sets.create(&web, IfExists::Fail)?;
//! let key = Key::from((host, Port::tcp(443), network));
//! sets.add(&web.name, &Entry::new(key), IfExists::Fail)?;
//! let visitor = Ipv4Addr::new(198, 51, 100, 9);
//! assert!(sets.contains(&web.name, &Key::from((host, Port::tcp(443), visitor)))?);
//!
//! let elsewhere = Key::from((network, Interface::new("eth0")?));
//! let error = sets.contains(&web.name, &elsewhere).unwrap_err();
//! assert!(error.is_key_mismatch());
//!
//! // ipset create known-ports bitmap:port range 0-1023
//! let ports = CreateSet::new("known-ports".parse()?, SetType::BitmapPort, Family::Unspec).range(0..=1023);
//! sets.create(&ports, IfExists::Fail)?;
//! sets.add(&ports.name, &Entry::new(Port::without_protocol(443).into()), IfExists::Fail)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Many entries
//!
//! [`IpSet::add_all`] packs about a thousand entries into one message and takes them from an
//! iterator as it goes. The kernel adds the entries of a message one by one: a refused entry does
//! not undo those before it, and `add_all` goes on after it. What was refused, and why, is in the
//! [`BulkOutcome`]. [`IpSet::replace_all`] replaces the contents of a set in one step, while rules
//! refer to it.
//!
//! [`IpSet::list`] puts a set into memory; [`IpSet::for_each`] hands over one entry after the
//! other. A set that someone lists can be neither swapped, renamed nor destroyed; these are tried
//! again for about a second then.
//!
//! # Lists of addresses
//!
//! [`address_list`] makes the fewest networks of files that hold addresses, networks and ranges.
//!
//! # Text
//!
//! [`text`] reads and writes the lines of `ipset save`.
//!
//! # Errors
//!
//! An [`Error`] says what was tried, on what, and why it failed, and answers what callers decide on
//! ([`Error::is_set_full`], [`Error::is_entry_exists`] …), because the kernel's numbers mean
//! different things for different commands and types. Where the answer to a change was lost, nobody
//! knows whether it was made: [`Error::is_outcome_unknown`].
//!
//! # Network namespaces
//!
//! A socket belongs to the network namespace its thread was in when [`IpSet::connect`] was called,
//! and keeps to it.
//!
//! # Tests without a kernel
//!
//! Everything goes through the [`Transport`] trait. [`testing::FakeKernel`] keeps sets in memory
//! and answers as a kernel would; [`testing::script`] answers from a script.
#![forbid(unsafe_code)]

pub mod address_list;
mod bytes;
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
pub mod text;
mod timeout;

pub use entry::{Comment, CommentError, Counters, Entry, Position, SkbInfo, SkbMark};
pub use error::Error;
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
pub use netlink_session::{DecodeError, NetlinkFamily, NetlinkSocket, Transport};
pub use set::{BitmapRange, CreateSet, Set, SetHeader, SetIndex, SetOptions};
pub use set_type::{Dimension, Method, SetType};
pub use timeout::{Timeout, TimeoutError};
