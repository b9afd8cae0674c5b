//! Why the kernel does not have what was wanted.

use std::io;

use super::ForeignChain;
use crate::{Family, Table};

/// Why rules could not be put into the kernel, or taken out of it. Nothing was changed, unless
/// [`is_outcome_unknown`](Self::is_outcome_unknown).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A system call failed before the kernel was told anything.
    #[error("cannot {operation}")]
    #[non_exhaustive]
    Socket {
        /// What was tried: `open a netlink socket`.
        operation: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The kernel refused one item and with it everything.
    #[error("the kernel refused {item}, and nothing was changed")]
    #[non_exhaustive]
    Refused {
        /// What it refused: `ip filter/FIREWALL_INPUT rule 3: -m set --match-set blacklist src -j
        /// LOG_AND_DROP`.
        item: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The batch does not fit into the socket's send buffer, which is as large as the system
    /// allows.
    #[error(
        "the ruleset takes {bytes} bytes, more than one message may have here ({limit}): raise the sysctl net.core.wmem_max"
    )]
    #[non_exhaustive]
    TooLarge {
        /// The size of the batch.
        bytes: usize,
        /// The size of the send buffer.
        limit: usize,
    },
    /// What is there already does not go together with the ruleset; somebody has to decide.
    #[error("table {} {table}: {reason}", .family.nft_name())]
    #[non_exhaustive]
    Conflict {
        /// Whose table.
        family: Family,
        /// Which table.
        table: Table,
        /// What is wrong with it.
        reason: String,
    },
    /// Chains of others have names of ours.
    #[error("somebody else made {}", super::foreign::named(.chains))]
    #[non_exhaustive]
    Foreign {
        /// Which.
        chains: Vec<ForeignChain>,
    },
    /// A chain of ours cannot be removed because a rule that is not ours jumps to it.
    #[error("chain {chain} of table {} {table} is still used: rule {position} of chain {by} jumps to it", .family.nft_name())]
    #[non_exhaustive]
    StillReferenced {
        /// Whose table.
        family: Family,
        /// Which table.
        table: Table,
        /// Our chain.
        chain: String,
        /// The chain whose rule jumps to it.
        by: String,
        /// Which rule of that chain, the first being 1.
        position: usize,
    },
    /// The tables changed since they were read.
    #[error("the tables changed while the ruleset was being put in; {attempts} attempts")]
    #[non_exhaustive]
    Stale {
        /// How often it was tried.
        attempts: u32,
    },
    /// The kernel's answers were lost: the ruleset may be in or not.
    #[error(
        "the kernel's answers were lost, so it is not known whether the ruleset is in; apply it again"
    )]
    #[non_exhaustive]
    OutcomeUnknown,
    /// The kernel answered something that cannot be understood.
    #[error("cannot understand the kernel's answer to \"{operation}\": {reason}")]
    #[non_exhaustive]
    UnexpectedReply {
        /// What it was asked for: `list rules`.
        operation: &'static str,
        /// What is wrong with the answer.
        reason: &'static str,
    },
}

impl ApplyError {
    /// Whether `CAP_NET_ADMIN` is missing.
    pub fn is_permission_denied(&self) -> bool {
        match self {
            Self::Socket { source, .. } | Self::Refused { source, .. } => {
                source.kind() == io::ErrorKind::PermissionDenied
            }
            _ => false,
        }
    }

    /// Whether the kernel refused one item. It may lack something that a rule needs, which
    #[cfg_attr(
        feature = "nft",
        doc = "[`Nftables::lacking`](crate::Nftables::lacking) tells."
    )]
    #[cfg_attr(not(feature = "nft"), doc = "`Nftables::lacking` tells.")]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether somebody else kept changing the tables.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Stale { .. })
    }

    /// Whether the ruleset may be in although this is an error.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown)
    }

    /// Whether chains of others have names of ours; [`Plan::adopting`](super::Plan::adopting) takes
    /// them.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Foreign { .. })
    }

    /// Whether a rule that is not ours keeps a chain of ours in use.
    pub fn is_still_referenced(&self) -> bool {
        matches!(self, Self::StillReferenced { .. })
    }
}
