//! The real kernel, through libnftnl (which writes the messages) and libmnl (which carries them).
//!
//! The only unsafe code is in `allocate` and `socket`.

#[expect(unsafe_code, reason = "calls libnftnl")]
mod allocate;
mod datagram;
mod expression;
mod lacking;
mod mark;
mod message;
mod read;
#[expect(unsafe_code, reason = "sets socket options")]
mod socket;
mod surroundings;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use self::lacking::{Lack, Lacking};
use self::read::Rules;
use self::socket::Socket;
pub use self::surroundings::{Beside, Surroundings};
use crate::kernel::Patience;
use crate::kernel::batch::Change;
use crate::{ApplyError, Batch, Family, Kernel, KernelTable, Requirement, Snapshot};

/// The kernel's `nf_tables`, in the network namespace of the thread that connects.
pub struct Nftables {
    socket: Socket,
    last: Option<Sent>,
}

/// A batch that was sent.
struct Sent {
    changes: Arc<[Change]>,
    first_sequence: u32,
    datagram: Vec<u8>,
}

impl Nftables {
    /// Opens a netlink socket. Reading and changing take `CAP_NET_ADMIN`, which only shows when it
    /// is tried.
    ///
    /// # Errors
    /// When there is no netlink socket to be had.
    pub fn connect() -> Result<Self, ApplyError> {
        Ok(Self {
            socket: Socket::open()?,
            last: None,
        })
    }

    /// Looks at all tables for what else decides about packets to this host. Those of iptables are
    /// as they were read before ([`Kernel::snapshot`]), so that none is read twice.
    ///
    /// # Errors
    /// When the kernel cannot be asked, or others keep changing the tables.
    pub fn surroundings(&mut self, tables: &Snapshot) -> Result<Surroundings, ApplyError> {
        patiently(|| surroundings::surroundings(&mut self.socket, tables))
    }

    /// Those of the requirements ([`Ruleset::requirements`](crate::Ruleset::requirements)) that the
    /// kernel has not, so that they can be named before a transaction is refused for one of them.
    /// Asking makes the kernel load their modules, and changes nothing else.
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    pub fn lacking<'r>(
        &mut self,
        requirements: impl IntoIterator<Item = &'r Requirement>,
    ) -> Result<Vec<Lacking>, ApplyError> {
        lacking::lacking(&mut self.socket, requirements)
    }

    /// Reads every table that IP packets come through, whoever made it: what
    /// [`explain::Route`](crate::explain::Route) follows a packet through.
    ///
    /// # Errors
    /// When the kernel cannot be asked, or others keep changing the tables.
    pub fn tables(&mut self) -> Result<Vec<KernelTable>, ApplyError> {
        patiently(|| surroundings::tables(&mut self.socket))
    }

    /// Reads once; it may change meanwhile.
    fn read(&mut self, which: Rules<'_>) -> Result<Snapshot, ApplyError> {
        // The generation first: what changes while the rest is read makes the batch stale.
        let generation = read::generation(&mut self.socket)?;
        let mut tables = BTreeMap::new();
        let mut torn = false;
        for family in Family::BOTH {
            for (table, state) in read::tables(&mut self.socket, family, which, &mut torn)? {
                tables.insert((family, table), state);
            }
        }
        let mut snapshot = Snapshot::new(generation, tables);
        snapshot.torn = torn;
        Ok(snapshot)
    }

    /// The batch as a datagram. A batch that was worked out anew is mostly the same as the last
    /// one, and then only the generation is put in.
    fn encode(&mut self, batch: &Batch) -> Sent {
        let before = self.last.take();
        let mut sent = before
            .filter(|sent| sent.changes == *batch.changes())
            .unwrap_or_else(|| {
                let first_sequence = self.socket.reserve(messages(batch.changes()));
                Sent {
                    changes: Arc::clone(batch.changes()),
                    first_sequence,
                    datagram: message::encode(batch, first_sequence),
                }
            });
        message::set_generation(&mut sent.datagram, batch.generation());
        sent
    }

    fn exchange(&mut self, sent: &Sent) -> Result<(), ApplyError> {
        let Sent {
            changes,
            first_sequence,
            datagram,
        } = sent;
        let messages = messages(changes);
        self.socket.make_room(datagram.len(), messages)?;
        self.socket.send(datagram, "send the ruleset")?;
        // Without an error it is in: the kernel commits before sendmsg returns, and it has answered
        // by then.
        let mut first: Option<(u32, i32)> = None;
        self.socket.drain(|answer| {
            let known = answer
                .sequence
                .checked_sub(*first_sequence)
                .filter(|at| (*at as usize) < messages);
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
                item: message::item(changes, at as usize),
                source: io::Error::from_raw_os_error(errno),
            }),
        }
    }
}

impl Kernel for Nftables {
    fn snapshot(&mut self) -> Result<Snapshot, ApplyError> {
        patiently(|| self.read(Rules::All))
    }

    fn outline(&mut self, with: &BTreeSet<String>) -> Result<Snapshot, ApplyError> {
        self.read(Rules::BuiltInAnd(with))
    }

    fn is_current(&mut self, snapshot: &Snapshot) -> Result<bool, ApplyError> {
        Ok(read::generation(&mut self.socket)? == snapshot.generation())
    }

    fn transact(&mut self, batch: &Batch) -> Result<(), ApplyError> {
        let sent = self.encode(batch);
        let done = self.exchange(&sent);
        self.last = Some(sent);
        done
    }
}

/// How many messages these changes take, with the beginning and the end of the transaction.
fn messages(changes: &[Change]) -> usize {
    changes.len() + 2
}

/// Reads anew what others changed meanwhile.
fn patiently<T>(mut read: impl FnMut() -> Result<T, ApplyError>) -> Result<T, ApplyError> {
    let mut patience = Patience::new(SNAPSHOT);
    loop {
        match read() {
            Err(ApplyError::Stale { .. }) if patience.wait() => {}
            Err(ApplyError::Stale { .. }) => {
                return Err(ApplyError::Stale {
                    attempts: patience.attempts(),
                });
            }
            other => return other,
        }
    }
}

/// How long a reading is begun anew that others keep interrupting.
const SNAPSHOT: Duration = Duration::from_secs(5);

impl std::fmt::Debug for Nftables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nftables").finish_non_exhaustive()
    }
}
