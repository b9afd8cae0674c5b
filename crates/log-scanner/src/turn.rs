//! Scans that come at the same time fill the sets one after the other.

use std::fs::File;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Held from looking what is in the sets until they are filled, so that no other scan fills them in between: the
/// kernel takes the timeout it is given last, which may be the shorter one.
pub(crate) struct Turn {
    _lock: Flock<File>,
}

/// What the lock is on: the network namespace, as the sets are its own. Anybody may lock it.
const NAMESPACE: &str = "/proc/self/ns/net";
/// Longer than filling a set takes, and no longer than a ban may wait for somebody who never lets go.
const PATIENCE: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

impl Turn {
    /// Waits until no other scan has it.
    ///
    /// # Errors
    ///
    /// Why there is no knowing, or that another has not let go of it in time.
    pub(crate) fn take() -> io::Result<Self> {
        let mut namespace = File::open(NAMESPACE)?;
        let started = Instant::now();
        loop {
            match Flock::lock(namespace, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Self { _lock: lock }),
                Err((_, Errno::EAGAIN)) if started.elapsed() >= PATIENCE => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err((file, Errno::EAGAIN)) => namespace = file,
                Err((_, error)) => return Err(error.into()),
            }
            sleep(BETWEEN_LOOKS);
        }
    }
}
