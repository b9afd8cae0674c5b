//! The tables as they were before a run.

use iptables_ruleset::{Kernel as _, Nftables, Snapshot};

use crate::standing::stands;

/// The tables as they were; `None` where they cannot be read.
pub(super) struct TablesBefore(Option<Snapshot>);

impl TablesBefore {
    /// Looks at the tables. Why they cannot be read is said by whoever changes them.
    pub(super) fn look() -> Self {
        let snapshot = Nftables::connect().and_then(|mut nftables| nftables.snapshot());
        Self(snapshot.ok())
    }

    /// The tables as they were.
    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.0.as_ref()
    }

    /// Whether a firewall of ours stands, be it in one family only. `false` also where the tables
    /// cannot be read.
    pub(super) fn stands(&self) -> bool {
        self.0.as_ref().is_some_and(stands)
    }

    /// Whether no firewall of ours stands. `false` also where the tables cannot be read.
    pub(super) fn is_bare(&self) -> bool {
        self.0.as_ref().is_some_and(|snapshot| !stands(snapshot))
    }
}
