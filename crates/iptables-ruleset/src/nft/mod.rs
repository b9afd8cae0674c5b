//! The real kernel, through libnftnl and libmnl.

use crate::{ApplyError, Batch, Kernel, Snapshot};

/// The kernel's nf_tables, in the network namespace of the thread that connects.
pub struct Nftables {}

impl Nftables {
    /// Opens a netlink socket. Changing anything takes CAP_NET_ADMIN, which only shows when it is tried.
    ///
    /// # Errors
    /// When there is no netlink socket to be had.
    pub fn connect() -> Result<Self, ApplyError> {
        todo!()
    }
}

impl Kernel for Nftables {
    fn snapshot(&mut self) -> Result<Snapshot, ApplyError> {
        todo!()
    }

    fn transact(&mut self, _batch: &Batch) -> Result<(), ApplyError> {
        todo!()
    }
}
