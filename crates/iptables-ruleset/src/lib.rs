//! An iptables firewall as a model, as `iptables-save` text, and as one `nf_tables` transaction for
//! both families.
//!
//! ```text
//! firewall.toml ──Config──▶ Ruleset ──Plan::install──▶ Plan ──apply──▶ Batch ──one sendmsg──▶ kernel
//!                              └──▶ iptables-save text         ◀── Snapshot ──
//! ```
//!
//! A [`Config`] says what the firewall shall do; a [`Ruleset`] is what that means for one
//! [`Table`] of one [`Family`], and can also be built by hand from [matches](match_) and
//! [targets](target). A [`Plan`] is for any number of them, checked and with the ipsets found; what
//! it takes to carry it out is worked out from what the [`Kernel`] has, and happens whole or not at
//! all.
//!
//! # What it looks like
//!
//! ```
//! use iptables_ruleset::match_::{Conntrack, CtState, Direction, Protocol, Set, Tcp};
//! use iptables_ruleset::{ChainName, Family, Hook, Policy, Rule, Ruleset, Target};
//!
//! let chain: ChainName = "MY_INPUT".parse()?;
//! let mut ruleset = Ruleset::new(Family::Ipv4);
//! ruleset.policy(Hook::Input, Policy::Drop).jump(Hook::Input, chain.clone());
//! ruleset
//!     .chain(chain)
//!     .append(Rule::new(Target::Accept).matching(Conntrack::state(CtState::RELATED.or(CtState::ESTABLISHED))))
//!     .append(Rule::new(Target::Drop).matching(Set::new("banned".parse()?, Direction::Source)))
//!     .append(Rule::new(Target::Accept).matching(Protocol::TCP).matching(Tcp::new().destination(443)));
//!
//! print!("{}", ruleset.to_iptables_save());
//! # assert_eq!(
//! #     ruleset.to_iptables_save().to_string(),
//! #     "*filter\n\
//! #      :INPUT DROP [0:0]\n\
//! #      :FORWARD ACCEPT [0:0]\n\
//! #      :OUTPUT ACCEPT [0:0]\n\
//! #      :MY_INPUT - [0:0]\n\
//! #      -A INPUT -j MY_INPUT\n\
//! #      -A MY_INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
//! #      -A MY_INPUT -m set --match-set banned src -j DROP\n\
//! #      -A MY_INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n\
//! #      COMMIT\n",
//! # );
//! # Ok::<(), iptables_ruleset::BuildError>(())
//! ```
//!
//! [`Plan`] shows how it gets into the kernel, [`FakeKernel`] how to test that without privileges.
//!
//! [`explain`] tells what becomes of a packet, and which rule says so.
//!
//! # Whose is what
//!
//! The chains of a ruleset are ours: applying it replaces their rules whole, unless they are there
//! already as they are wanted. One that somebody else made under such a name is left alone
//! ([`ApplyError::is_foreign`]); [`Snapshot::foreign_chains`] names them, [`Snapshot::diff`] what is
//! otherwise than wanted. The built-in chains are everybody's: we put a policy and a jump there, and
//! the jump keeps the place it once got. [`Ruleset::jump_through`] puts one into a chain that
//! somebody else keeps for that.
//! Everything else, whoever made it, is untouched. One consequence: a rule that somebody put before
//! our jump decides first. If it decides about every packet, [`Applied::bypassed`] says so; if
//! about some, [`Applied::ahead`].
//!
//! # Errors
//!
//! [`ConfigError`] is about the file, with line and column. [`BuildError`] is about rules that
//! cannot work, or sets that are not there: nothing was asked of the kernel yet. [`ApplyError`] is
//! the kernel's refusal, with the item it is about; nothing was changed then, with one exception
//! that it tells ([`ApplyError::is_outcome_unknown`]).
//!
//! # Features
//!
//! `nft` (default): `Nftables`, through libnftnl and libmnl, on 64-bit Linux. libnftnl is
//! GPL-2.0-or-later: a program that links it is distributed under those terms. Without the feature
//! no C library is needed, and everything else is there.

#![cfg_attr(not(feature = "nft"), forbid(unsafe_code))]

#[cfg(all(feature = "nft", not(target_pointer_width = "64")))]
compile_error!(
    "feature `nft` is for 64-bit systems: the C structures of the xtables matches (hashlimit holds a pointer) are laid out \
     differently elsewhere, and a rule with the wrong layout is refused or means something else"
);

pub mod config;
mod decoding;
mod encoding;
pub mod explain;
mod firewall;
mod kernel;
pub mod match_;
mod model;
#[cfg(feature = "nft")]
mod nft;
mod packet;
mod ruleset;
pub mod target;
mod wire;

pub use config::{Config, ConfigError};
pub use firewall::{Purpose, Purposes};
pub use kernel::{
    Ahead, Applied, ApplyError, Batch, Bypass, ChainState, Checkpoint, DiffLine, FakeKernel,
    ForeignChain, Kernel, KernelSet, KernelTable, Plan, ResolveSet, RuleCounters, RuleState, Side,
    Snapshot, TableState, WentBack,
};
pub use match_::Match;
pub(crate) use model::Period;
pub use model::{
    BuildError, ChainName, Family, Hook, InterfaceName, Network, Policy, PortRange, Rate, RateUnit,
    SetName, Table, UnixTime, Weekday,
};
#[cfg(feature = "nft")]
pub use nft::{Beside, Lack, Lacking, Nftables, Surroundings};
pub use ruleset::{Chain, Guest, LeftOut, Requirement, Rule, Ruleset};
pub use target::Target;
