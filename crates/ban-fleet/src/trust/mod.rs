//! Whom a host believes, and how far.

mod intake;
mod pardons;
mod policy;
mod sharing;
mod wanted;

pub use intake::{Arrival, Cut, Intake, Taken};
pub use pardons::Pardons;
pub use policy::{Policy, PolicyError};
pub use sharing::is_shared_unless_said;
pub use wanted::{Member, Refusal, Refused, Wanted};
