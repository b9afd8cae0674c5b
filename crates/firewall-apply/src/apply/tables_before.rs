//! The tables as they were before a run.

use iptables_ruleset::{Kernel as _, Nftables, Snapshot};

use crate::standing::stands;

/// The tables as they were, and whether a firewall of ours stood; `None` where they cannot be read.
pub(super) struct TablesBefore(Option<(Snapshot, bool)>);

impl TablesBefore {
    /// Looks at the tables. Why they cannot be read is said by whoever changes them.
    pub(super) fn look() -> Self {
        let snapshot = Nftables::connect().and_then(|mut nftables| nftables.snapshot());
        Self(snapshot.ok().map(|snapshot| {
            let stands = stands(&snapshot);
            (snapshot, stands)
        }))
    }

    /// The tables as they were.
    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.0.as_ref().map(|(snapshot, _)| snapshot)
    }

    /// Whether a firewall of ours stands, be it in one family only. `false` also where the tables
    /// cannot be read.
    pub(super) fn stands(&self) -> bool {
        self.0.as_ref().is_some_and(|(_, stands)| *stands)
    }

    /// Whether no firewall of ours stands. `false` also where the tables cannot be read.
    pub(super) fn is_bare(&self) -> bool {
        self.0.as_ref().is_some_and(|(_, stands)| !stands)
    }
}
