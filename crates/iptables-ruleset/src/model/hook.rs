//! The built-in chains and their policies.

use std::fmt;

/// A built-in chain of the `filter` table: where packets enter it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the filter table has three built-in chains"
)]
pub enum Hook {
    /// Packets to this host.
    Input,
    /// Packets that this host passes on.
    Forward,
    /// Packets that this host sends.
    Output,
}

impl Hook {
    /// The three of them, in the order in which `iptables-save` prints them.
    pub const ALL: [Self; 3] = [Self::Input, Self::Forward, Self::Output];

    /// The name of the chain: `INPUT`, `FORWARD` or `OUTPUT`.
    pub fn chain(self) -> &'static str {
        match self {
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.chain())
    }
}

/// What happens to a packet that no rule of a built-in chain decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "netfilter knows two policies")]
pub enum Policy {
    /// It passes.
    Accept,
    /// It is dropped.
    Drop,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
        })
    }
}
