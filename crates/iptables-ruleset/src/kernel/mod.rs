//! What the kernel has, and how it gets something else: all or nothing, both families at once.

pub(crate) mod batch;
mod checkpoint;
mod condition;
mod diff;
mod error;
mod fake;
mod fill;
mod foreign;
mod guest;
mod inspect;
mod install;
mod left_out;
pub(crate) mod outcome;
mod part;
mod patience;
mod plan;
mod remove;
mod resolve;
pub(crate) mod snapshot;

use std::collections::BTreeSet;

pub use batch::Batch;
pub use checkpoint::{Checkpoint, WentBack};
pub use diff::{DiffLine, Side};
pub use error::ApplyError;
pub use fake::FakeKernel;
pub use foreign::ForeignChain;
pub use inspect::{Ahead, Bypass};
pub(crate) use patience::Patience;
pub use plan::{Applied, Plan};
pub use resolve::{KernelSet, ResolveSet};
pub use snapshot::{ChainState, KernelTable, RuleCounters, RuleState, Snapshot, TableState};

/// Something that has the tables of iptables: the kernel (`Nftables`), or a [`FakeKernel`] for tests.
pub trait Kernel {
    /// Reads the tables of iptables of both families.
    ///
    /// # Errors
    /// When the kernel cannot be asked, or its answer cannot be understood.
    fn snapshot(&mut self) -> Result<Snapshot, ApplyError>;

    /// Reads the tables without the rules of any chain but the built-in ones and those of these
    /// names. That is enough to work out what it takes to have a ruleset in, and it is quickly read,
    /// so that little time passes until that is done.
    ///
    /// # Errors
    /// Those of [`snapshot`](Self::snapshot), which is what this is unless a kernel has something
    /// better.
    fn outline(&mut self, with: &BTreeSet<String>) -> Result<Snapshot, ApplyError> {
        let _ = with;
        self.snapshot()
    }

    /// Whether the tables are still as they were in `snapshot`.
    ///
    /// # Errors
    /// Those of [`snapshot`](Self::snapshot), which is what this asks unless a kernel has something
    /// quicker.
    fn is_current(&mut self, snapshot: &Snapshot) -> Result<bool, ApplyError> {
        Ok(self.snapshot()?.generation() == snapshot.generation())
    }

    /// Carries out the whole batch or nothing of it.
    ///
    /// # Errors
    /// When nothing was changed, unless [`ApplyError::is_outcome_unknown`].
    /// [`ApplyError::is_stale`] when the tables changed since the snapshot that the batch was made
    /// from.
    fn transact(&mut self, batch: &Batch) -> Result<(), ApplyError>;
}
