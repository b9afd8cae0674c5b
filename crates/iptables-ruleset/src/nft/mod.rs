//! The real kernel, through libnftnl (which writes the messages) and libmnl (which carries them).
//!
//! The only unsafe code is in `allocate` and `socket`.

#[expect(unsafe_code, reason = "calls libnftnl")]
mod allocate;
mod attribute;
pub(crate) mod decode;
mod expression;
mod message;
mod read;
#[expect(unsafe_code, reason = "sets socket options")]
mod socket;
mod verdict;

use std::collections::BTreeMap;
use std::io;

use self::message::Encoded;
use self::socket::Socket;
use crate::{ApplyError, Batch, Family, Kernel, Plan, Snapshot};

/// The kernel's `nf_tables`, in the network namespace of the thread that connects.
pub struct Nftables {
    socket: Socket,
}

impl Nftables {
    /// Opens a netlink socket. Reading and changing take `CAP_NET_ADMIN`, which only shows when it is tried.
    ///
    /// # Errors
    /// When there is no netlink socket to be had.
    pub fn connect() -> Result<Self, ApplyError> {
        Ok(Self {
            socket: Socket::open()?,
        })
    }

    /// Reads everything once; it may change meanwhile.
    fn read(&mut self) -> Result<Snapshot, ApplyError> {
        // The generation first: what changes while the rest is read makes the batch stale.
        let generation = read::generation(&mut self.socket)?;
        let mut tables = BTreeMap::new();
        for family in Family::BOTH {
            if let Some(table) = read::table(&mut self.socket, family)? {
                tables.insert(family, table);
            }
        }
        Ok(Snapshot::new(generation, tables))
    }
}

impl Kernel for Nftables {
    fn snapshot(&mut self) -> Result<Snapshot, ApplyError> {
        let mut attempts = 1;
        loop {
            match self.read() {
                Err(ApplyError::Stale { .. }) if attempts < Plan::MAX_ATTEMPTS => attempts += 1,
                Err(ApplyError::Stale { .. }) => return Err(ApplyError::Stale { attempts }),
                other => return other,
            }
        }
    }

    fn transact(&mut self, batch: &Batch) -> Result<(), ApplyError> {
        let first_sequence = self.socket.reserve(batch.changes().len() + 2);
        let Encoded { bytes, items } = message::encode(batch, first_sequence);
        self.socket.make_room(bytes.len(), items.len())?;
        self.socket.send(&bytes, "send the ruleset")?;
        // Without an error it is in: the kernel commits before sendmsg returns, and it has answered by then.
        let mut first: Option<(u32, i32)> = None;
        self.socket.drain(|answer| {
            let known = answer
                .sequence
                .checked_sub(first_sequence)
                .filter(|at| (*at as usize) < items.len());
            if let (Some(at), Some(errno)) = (known, answer.errno()) {
                if errno != 0 && first.is_none_or(|(earlier, _)| at < earlier) {
                    first = Some((at, errno));
                }
            }
        })?;
        match first {
            None => Ok(()),
            Some((_, libc::ERESTART)) => Err(ApplyError::Stale { attempts: 1 }),
            Some((at, errno)) => Err(ApplyError::Refused {
                item: items.get(at as usize).cloned().unwrap_or_default(),
                source: io::Error::from_raw_os_error(errno),
            }),
        }
    }
}

impl std::fmt::Debug for Nftables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nftables").finish_non_exhaustive()
    }
}
