//! The built-in chains and their policies.

use std::fmt;

/// A built-in chain: where packets enter a table. [`Table::hooks`](crate::Table::hooks) has those
/// of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "netfilter has five for IP")]
pub enum Hook {
    /// Packets that come in, before it is known whether they are for this host.
    Prerouting,
    /// Packets to this host.
    Input,
    /// Packets that this host passes on.
    Forward,
    /// Packets that this host sends.
    Output,
    /// Packets that leave, sent by this host or passed on.
    Postrouting,
}

impl Hook {
    /// All of them, in the order in which `iptables-save` prints them.
    pub const ALL: [Self; 5] = [
        Self::Prerouting,
        Self::Input,
        Self::Forward,
        Self::Output,
        Self::Postrouting,
    ];

    /// The name of the chain: `INPUT`.
    pub fn chain(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }

    /// enum `nf_inet_hooks`, linux/netfilter.h.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Prerouting => 0,
            Self::Input => 1,
            Self::Forward => 2,
            Self::Output => 3,
            Self::Postrouting => 4,
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
