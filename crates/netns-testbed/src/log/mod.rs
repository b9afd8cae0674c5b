//! What the firewall logs, read as it is written.

mod nflog;

use std::net::IpAddr;

pub use nflog::Nflog;

/// One thing logged: by an `NFLOG` rule or by a `LOG` rule.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Logged {
    /// The rule's prefix, as it is, e.g. `IPTABLES-BLOCKED: `.
    pub prefix: String,
    /// The source of the packet, never of one that an ICMP error quotes.
    pub source: IpAddr,
    /// The packet in words, or the kernel's line.
    pub text: String,
}
