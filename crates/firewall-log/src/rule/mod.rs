//! The law: which packets a rule counts, and which sources break its threshold.

mod excepted;
mod nature;
mod ports;
mod prefix;
mod spans;
mod tally;
mod threshold;
mod window;

pub(crate) use self::nature::{Nature, is_service_port};
pub(crate) use self::ports::{sum as sum_of_ports, windows as windows_of_ports};
pub(crate) use self::spans::Span;
pub use self::tally::Tally;
pub use self::threshold::Threshold;
pub(crate) use self::window::{Dated, Limit, Sum, Window, sum, windows};
