//! One run at a time in a network namespace.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

use crate::report::Findings;

/// The netlink port that stands for the lock: "RAMP", above every process id, which is what other programs use.
const PORT: u32 = u32::from_be_bytes(*b"RAMP");
const POLL: Duration = Duration::from_millis(20);

/// How long one run waits for another.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for its turn; a warning tells when there was none.
pub(crate) fn wait_for_turn(findings: &mut Findings) -> Option<Lock> {
    match Lock::acquire(PATIENCE) {
        Ok(Some(lock)) => Some(lock),
        Ok(None) => {
            findings.warn("another firewall-apply is still at work in this network namespace; not waiting any longer");
            None
        }
        // What needs a socket more than this will say so.
        Err(_) => None,
    }
}

/// Held while sets and rules are changed or saved; given up when dropped, and by the kernel when the process dies.
///
/// It is a netlink port, which belongs to the network namespace just as the sets and the rules do, and needs no file and
/// no privilege. That also means that any local process can take it: so it is a courtesy between runs and never a gate, and
/// whoever waited long enough goes on. What must not interleave is guarded by the kernel, with the
/// generation of the rules.
pub(crate) struct Lock {
    _socket: Socket,
}

impl Lock {
    /// Waits for another run to end, at most `patience`; `Ok(None)` when one goes on for longer.
    ///
    /// # Errors
    ///
    /// When the system gives no netlink socket.
    fn acquire(patience: Duration) -> io::Result<Option<Self>> {
        Self::acquire_port(PORT, patience)
    }

    fn acquire_port(port: u32, patience: Duration) -> io::Result<Option<Self>> {
        let started = Instant::now();
        loop {
            let mut socket = Socket::new(NETLINK_NETFILTER)?;
            match socket.bind(&SocketAddr::new(port, 0)) {
                Ok(()) => return Ok(Some(Self { _socket: socket })),
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => return Err(error),
                Err(_) if started.elapsed() >= patience => return Ok(None),
                Err(_) => thread::sleep(POLL),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_held_until_dropped() {
        // A port of its own: this test is not in a namespace of its own.
        let port = PORT ^ std::process::id();
        let first = Lock::acquire_port(port, Duration::ZERO).unwrap();
        assert!(first.is_some());
        assert!(Lock::acquire_port(port, Duration::ZERO).unwrap().is_none());
        drop(first);
        assert!(Lock::acquire_port(port, Duration::ZERO).unwrap().is_some());
    }
}
