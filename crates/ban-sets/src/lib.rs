//! What bans are put into: named sets of networks, each with an end and a reason.
//!
//! A program that bans speaks to a [`Backend`]: it puts entries into sets, takes them out, lists
//! them, and pardons. Whatever holds the sets is behind it, and nothing above knows: [`IpSets`] is
//! the kernel's ipsets, [`Memory`] keeps sets for tests. Both pass the same tests.
//!
//! ```
//! use ban_sets::{Backend, End, Entry, Family, IfThere, Memory, network};
//! use jiff::{SignedDuration, Timestamp};
//!
//! let mut sets = Memory::new(); // or ban_sets::of_this_host()?
//! let set = "banned".parse()?;
//! sets.make(&set, Family::Inet)?;
//!
//! let now: Timestamp = "2026-11-22T09:00:00Z".parse()?;
//! let end = now + SignedDuration::from_hours(1);
//! let entries = [
//!     Entry::new(network::parse("203.0.113.0/24")?).until(End::At(end)),
//!     Entry::new(network::parse("203.0.113.9")?).except(),
//! ];
//! let refused = sets.put(&set, &entries, now, IfThere::Replace)?;
//! assert!(refused.is_empty());
//!
//! assert!(sets.matches(&set, network::parse("203.0.113.7")?)?);
//! assert!(!sets.matches(&set, network::parse("203.0.113.9")?)?);
//! let members = sets.members(&set, now)?;
//! let ban = members.get(network::parse("203.0.113.0/24")?).ok_or("not there")?;
//! assert_eq!(ban.end, End::At(end));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Ends
//!
//! An end is an instant. What holds the set may count seconds that are left; so whoever puts or
//! lists says which instant is `now` to him, and both ways the same clock counts. A clock that is
//! set meanwhile moves no end.
//!
//! # Pardons and whitelists
//!
//! A pardon lies in a set beside the bans ([`Pardons`]), and so does whom nobody may ban
//! ([`Whitelist`]). Both are found by their [names], which are the same for every program.
#![forbid(unsafe_code)]

mod backend;
mod by_hand;
mod entry;
mod error;
mod ipset;
mod members;
mod memory;
pub mod names;
pub mod network;
mod pardon;
mod prefix_map;
mod set;
mod whitelist;

pub use backend::{Backend, IfThere, Refusal};
pub use by_hand::ByHand;
pub use entry::{End, Entry, Left};
pub use error::Error;
pub use ipset::IpSets;
/// Words that every backend has: a family, a network, the name of a set, the comment of an entry.
pub use ipset_netlink::{
    Comment, Family, KeyError as NetworkError, Network, SetName, SetNameError,
};
pub use members::Members;
pub use memory::Memory;
pub use pardon::{Pardon, Pardons};
pub use prefix_map::PrefixMap;
pub use set::{Set, Takes};
pub use whitelist::{Held, Whitelist};

/// The longest time in seconds that an entry can have left in the sets of this host, 24 days and 20
/// hours; as [`Backend::longest`], for who has none at hand: a command line, a file of rules.
pub const LONGEST: u32 = ipset::LONGEST;

/// A session with what holds the sets of this host, in the network namespace of the calling thread.
///
/// # Errors
///
/// It cannot be reached.
pub fn of_this_host() -> Result<Box<dyn Backend>, Error> {
    Ok(Box::new(IpSets::connect()?))
}
