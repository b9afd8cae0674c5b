//! What a ruleset is made of.

mod chain;
mod family;
mod hook;
mod names;
mod network;
mod ports;
mod rate;
mod rule;
mod ruleset;

pub use chain::Chain;
pub use family::Family;
pub use hook::{Hook, Policy};
pub use names::{ChainName, InterfaceName, SetName};
pub use network::Network;
pub use ports::PortRange;
pub(crate) use rate::Period;
pub use rate::{Rate, RateUnit};
pub use rule::Rule;
pub use ruleset::Ruleset;
