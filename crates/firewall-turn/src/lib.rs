//! One program at a time changes the sets and the rules of a network namespace.
//!
//! [`Turn::take`] waits until no other program of Rampart has the turn. It is the binding of an
//! NFLOG group, which is everything that such a lock must be: there is one for each network
//! namespace, as of the sets and the rules; the kernel gives it to one socket at a time, and only
//! with `CAP_NET_ADMIN` there, so that who could hold it up could as well take the firewall out; it
//! ends with its process, however that ends; and the kernel lists who has it. It needs no file.
#![forbid(unsafe_code)]

mod holder;
mod socket;

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use holder::Holder;
use socket::Socket;

/// The turn, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Turn {
    _socket: Socket,
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
        let mut socket = Socket::open().map_err(TurnError::Unavailable)?;
        while !socket.bind_group(GROUP).map_err(TurnError::Unavailable)? {
            // The kernel says the same to who comes second and to who may not.
            if !socket.is_privileged().map_err(TurnError::Unavailable)? {
                return Err(TurnError::NotPermitted);
            }
            let waited = started.elapsed();
            if waited >= patience {
                let by = Holder::of(GROUP);
                return Err(TurnError::Held { by, waited });
            }
            sleep(BETWEEN_LOOKS);
        }
        Ok(Self { _socket: socket })
    }
}

/// "RA" as a number, of the 65536: any that nobody logs to.
const GROUP: u16 = u16::from_be_bytes(*b"RA");
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
