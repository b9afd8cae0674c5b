//! An iptables firewall as a model, as `iptables-save` text, and as one `nf_tables` transaction for both families.

#![cfg_attr(not(feature = "nft"), forbid(unsafe_code))]

#[cfg(all(feature = "nft", not(target_pointer_width = "64")))]
compile_error!(
    "feature `nft` is for 64-bit systems: the C structures of the xtables matches (hashlimit holds a pointer) are laid out \
     differently elsewhere, and a rule with the wrong layout is refused or means something else"
);

pub mod config;
mod encoding;
mod error;
mod firewall;
mod kernel;
pub mod match_;
mod model;
#[cfg(feature = "nft")]
mod nft;
mod save;
pub mod target;

pub use config::{Config, ConfigError};
pub use error::BuildError;
pub use kernel::{
    Applied, ApplyError, Batch, Bypass, ChainState, FakeKernel, Kernel, KernelSet, Plan,
    ResolveSet, RuleState, Snapshot, TableState,
};
pub use match_::Match;
pub(crate) use model::Period;
pub use model::{
    Chain, ChainName, Family, Hook, InterfaceName, Network, Policy, PortRange, Rate, RateUnit,
    Rule, Ruleset, SetName,
};
#[cfg(feature = "nft")]
pub use nft::Nftables;
pub use target::Target;
