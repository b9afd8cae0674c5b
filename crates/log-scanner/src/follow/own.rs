//! Who is exempt from every rule, asked for anew when the kernel says that this host's addresses
//! changed.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use ipset_netlink::Network;
use netfilter_host::addresses::Changes;

use crate::exempt::Exemptions;

/// Exemptions that are kept current.
#[derive(Debug)]
pub(crate) struct Own {
    changes: Changes,
    exempt: Vec<Network>,
    exemptions: Exemptions,
}

impl Own {
    /// Asks the kernel, and to be told of changes; `exempt` are the networks of `--exempt`.
    pub(crate) fn of_this_host(exempt: &[Network]) -> io::Result<Self> {
        // Before the addresses are asked for, so that no change comes in between.
        let changes = Changes::watch()?;
        Ok(Self {
            changes,
            exemptions: Exemptions::of_this_host(exempt)?,
            exempt: exempt.to_vec(),
        })
    }

    /// Asks anew if there was a change.
    pub(crate) fn look(&mut self) -> io::Result<()> {
        if self.changes.any()? {
            self.exemptions = Exemptions::of_this_host(&self.exempt)?;
        }
        Ok(())
    }

    pub(crate) fn exemptions(&self) -> &Exemptions {
        &self.exemptions
    }

    /// Readable when there was a change.
    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.changes.as_fd()
    }
}
