//! One program at a time changes the sets and the rules of a network namespace.
//!
//! [`Turn::take`] waits until no other program of Rampart has the turn. A turn is the binding of an
//! NFLOG group, which is everything that such a lock must be: there is one for each network
//! namespace, as of the sets and the rules; the kernel gives it to one socket at a time, and only
//! with `CAP_NET_ADMIN` there, so that who could hold it up could as well take the firewall out; it
//! ends with its process, however that ends; and the kernel lists who has it. It needs no file.

use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fmt, fs, io};

use netlink_packet_netfilter::nflog::{ConfigCmd, ULogMessage};
use netlink_session::{Error, NetlinkFamily, NetlinkSocket, Session};

use crate::nflog_groups;

/// The turn, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Turn {
    _session: Session,
}

/// Why there is no turn to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TurnError {
    /// Another program has it, and did not give it up in time.
    #[error("{by} was at work on this network namespace's firewall, and still is after {} s", waited.as_secs())]
    Held {
        /// Who.
        by: Holder,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The process may not change the firewall of this network namespace either.
    #[error("CAP_NET_ADMIN is needed in this network namespace")]
    NotPermitted,
    /// The system has no such socket, or the kernel no NFLOG (`CONFIG_NETFILTER_NETLINK_LOG`).
    #[error("cannot take turns with other programs: {0}")]
    Unavailable(#[source] io::Error),
}

impl From<Error> for TurnError {
    fn from(error: Error) -> Self {
        Self::Unavailable(error.into())
    }
}

impl Turn {
    /// How long [`Turn::take`] waits: longer than filling sets takes, and no longer than a firewall
    /// or a ban may wait for a program that hangs.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    /// Waits until no other program has the turn, at most [`Turn::PATIENCE`].
    ///
    /// # Errors
    ///
    /// Another still has it; or there is none to be had, which is known at once.
    pub fn take() -> Result<Self, TurnError> {
        Self::take_within(Self::PATIENCE)
    }

    /// Waits at most so long; with zero, only looks.
    ///
    /// # Errors
    ///
    /// Those of [`Turn::take`].
    pub fn take_within(patience: Duration) -> Result<Self, TurnError> {
        let started = Instant::now();
        // Anybody may have taken that port; then nobody is told who has the turn, which is all it
        // is for.
        let port = Some(port_for(std::process::id()));
        let socket = NetlinkSocket::connect_from(NetlinkFamily::Netfilter, port);
        let mut session = Session::new(socket.map_err(TurnError::Unavailable)?);
        // No mode is set, so that nothing of a packet would be copied here.
        let mut bind = nflog_groups::configure(GROUP, vec![ConfigCmd::Bind.into()])?;
        // The kernel looks who asks before it looks what; packets are what it sends and never takes.
        let mut nothing = nflog_groups::about(0, ULogMessage::Packet(Vec::new()))?;
        loop {
            match session.acknowledge(&mut bind) {
                Ok(()) => return Ok(Self { _session: session }),
                // The kernel says the same to who comes second and to who may not.
                Err(error) if error.code() == Some(EPERM) => {}
                Err(error) => return Err(error.into()),
            }
            match session.acknowledge(&mut nothing) {
                Err(error) if error.code() == Some(EPERM) => return Err(TurnError::NotPermitted),
                Err(error) if error.code().is_none() => return Err(error.into()),
                _ => {}
            }
            let waited = started.elapsed();
            if waited >= patience {
                let by = Holder::now();
                return Err(TurnError::Held { by, waited });
            }
            sleep(BETWEEN_LOOKS);
        }
    }
}

/// The program that has the turn, as far as it is known.
///
/// As text: `log-scanner (process 4711)`, `process 4711`, `another program`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    process: Option<u32>,
}

impl Holder {
    /// Its number, in its own process namespace; `None` when its socket does not say.
    pub fn process(&self) -> Option<u32> {
        self.process
    }

    /// Who has the turn in the network namespace of this thread.
    fn now() -> Self {
        Self {
            process: nflog_groups::reader_of(GROUP).and_then(process_of),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(process) = self.process else {
            return f.write_str("another program");
        };
        match fs::read_to_string(format!("/proc/{process}/comm")) {
            Ok(name) => write!(f, "{} (process {process})", name.trim_end()),
            Err(_) => write!(f, "process {process}"),
        }
    }
}

/// The netlink port that tells which process a turn is held by: a process may have other netlink
/// sockets, one of which has the process's number itself.
fn port_for(process: u32) -> u32 {
    MARK | process & !MARK_BITS
}

fn process_of(port: u32) -> Option<u32> {
    (port & MARK_BITS == MARK).then_some(port & !MARK_BITS)
}

/// "RA" as a number, of the 65536: any that nobody logs to.
const GROUP: u16 = u16::from_be_bytes(*b"RA");
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// Above the numbers of processes, which have 22 bits (`PID_MAX_LIMIT` in `linux/threads.h`), and
/// below the ports that the kernel gives out when a number is taken.
const MARK: u32 = (b'R' as u32) << 24;
const MARK_BITS: u32 = 0xff << 24;
// asm-generic/errno-base.h
const EPERM: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_tells_the_process() {
        // From /proc/net/netfilter/nfnetlink_log of Linux 6.18, the second one of a process 4711.
        assert_eq!(process_of(1_375_736_423), Some(4711));
        assert_eq!(process_of(12345), None);
        assert_eq!(process_of(port_for((1 << 22) - 1)), Some((1 << 22) - 1));
    }
}
