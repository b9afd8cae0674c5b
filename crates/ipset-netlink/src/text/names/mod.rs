//! Names for what is a number in the kernel: protocols, and the types of ICMP messages.

mod icmp;
mod protocol;

pub use icmp::IcmpNames;
pub use protocol::Protocols;
pub(super) use protocol::protocol;
