//! Bans, pardons and evidence that the hosts of a fleet share: the model, how it is merged, whom a
//! host believes, and the outbox. No network: what carries it is an [`Engine`].
//!
//! ```
//! use std::num::NonZeroUsize;
//!
//! use ban_fleet::{MemoryEngine, Node, Policy, Record, Time};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut engine = MemoryEngine::default();
//! let now = Time::from_millis(1_795_339_560_000);
//! let ban = b"ban throttle-soft 203.0.113.7 end=1795425954000 last=1795339554000 scan rule=blocked hits=501 ports=-";
//! // Each host has a policy of its own: whom it believes, which sets it takes, who is never banned.
//! let policy = |name: &str| -> Result<Policy, Box<dyn std::error::Error>> {
//!     let mut policy = Policy::new(name.parse()?);
//!     policy.from.push("web*".parse()?);
//!     policy.take_set("throttle-soft".parse()?, NonZeroUsize::MIN)?;
//!     Ok(policy)
//! };
//! let (one, two) = (policy("web1")?, policy("web2")?);
//! let mut web1 = Node::new(one.own.clone());
//! web1.tell(Record::parse(ban)?);
//! web1.sync(&mut engine.session(&one.own), &one, now)?;
//! let mut web2 = Node::new(two.own.clone());
//! web2.sync(&mut engine.session(&two.own), &two, now)?;
//! assert_eq!(web2.wanted(&two, now).members.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # What it is made for
//!
//! The state of a fleet is a map from a set and a prefix to the latest end. Merging it asks for no
//! order and no consensus, and takes the same twice: [`State`] is that map, kept apart by who told
//! what. What an engine loses is told again by who told it first.
//!
//! Whoever has a host's password can tell anything, so a host decides by itself what it takes:
//! [`Policy`] bounds it, [`Intake`] cuts off who goes beyond, and [`Wanted`] is what is left. A line
//! of another host may hold any bytes; [`Record::parse`] takes linear time and at most [`MAX_LINE`]
//! bytes, and what it refuses is counted against who told it.
//!
//! The library asks no clock: instants come in as arguments.
#![forbid(unsafe_code)]

mod engine;
mod fleet_rule;
mod name;
mod node;
mod outbox;
mod prefix;
mod record;
mod state;
mod time;
mod trust;
mod wire;

pub use crate::engine::{
    Cursor, Engine, Mark, MemoryEngine, MemoryError, MemorySession, Pulled, Push, Snapshot, Told,
};
pub use crate::fleet_rule::{Counter, FleetRule, FleetRuleError, Verdict};
pub use crate::name::{Host, NameError, Pattern, Rule, Set};
pub use crate::node::{Node, SavedError, Synced};
pub use crate::outbox::{Contents, Damage, Outbox, OutboxError};
pub use crate::prefix::{Prefix, PrefixError, PrefixTable};
pub use crate::record::{
    Ban, Bucket, Cause, Evidence, MAX_WIDTH, Pardon, Record, Words, WordsError,
};
pub use crate::state::State;
pub use crate::time::{ClockOffset, ClockState, Time};
pub use crate::trust::{
    Arrival, Cut, Intake, Member, Pardons, Policy, PolicyError, Refusal, Refused, Taken, Wanted,
    is_shared_unless_said,
};
pub use crate::wire::{MAX_LINE, WireError};
