//! The law: which packets a rule counts, and which sources break its threshold. Both judges go by
//! it: a [`Scan`](crate::Scan) and a [`Detector`](crate::Detector).

mod bout;
mod excepted;
mod nature;
mod pardoned;
mod prefix;
mod span;
mod tally;
#[cfg(test)]
mod tests;
mod threshold;
mod why_not;
mod window;

pub use self::bout::Bout;
pub(crate) use self::nature::{Nature, is_service_port};
pub(crate) use self::prefix::range;
pub(crate) use self::span::Span;
pub use self::tally::{Beside, Tally};
pub use self::threshold::Threshold;
pub use self::why_not::WhyNot;
pub(crate) use self::window::{Dated, Limit, Window, windows};
