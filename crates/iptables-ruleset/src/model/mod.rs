//! What rules are made of, and why one cannot be: the ground that everything else stands on.

mod dimensions;
mod direction;
mod error;
mod family;
mod hook;
mod names;
mod network;
mod ports;
mod quoted;
mod rate;
mod table;
mod unix_time;
mod weekday;

pub(crate) use dimensions::Dimensions;
pub use direction::Direction;
pub use error::BuildError;
pub(crate) use error::BuildErrorKind;
pub use family::Family;
pub use hook::{Hook, Policy};
pub use names::{ChainName, InterfaceName, SetName};
pub use network::Network;
pub use ports::PortRange;
pub(crate) use quoted::Quoted;
pub(crate) use rate::{Period, XT_HASHLIMIT_SCALE_V2};
pub use rate::{Rate, RateUnit};
#[cfg(feature = "nft")]
pub(crate) use table::ChainType;
pub use table::Table;
pub use unix_time::UnixTime;
pub use weekday::Weekday;
