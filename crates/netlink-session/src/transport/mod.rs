//! How requests reach the kernel and its answers come back.

mod read_ahead;
mod socket;

use std::any::Any;
use std::io;
use std::ops::DerefMut;
use std::time::Duration;

pub use socket::{NetlinkFamily, NetlinkSocket};

/// Carries netlink datagrams to a part of the kernel and back.
///
/// [`NetlinkSocket`] is the kernel's; [`testing::Script`](crate::testing::Script) answers from a
/// script.
pub trait Transport {
    /// Sends one datagram, whole.
    ///
    /// # Errors
    ///
    /// The datagram was not sent.
    fn send(&mut self, request: &[u8]) -> io::Result<()>;

    /// Replaces the contents of `datagram` with the next datagram that came.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] when none comes: an implementation must not wait for ever.
    /// [`io::ErrorKind::InvalidData`] when it had to be cut short; `datagram` is what there is of it.
    fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()>;

    /// The port that answers are addressed to; what is for another port is not for us.
    fn port(&self) -> u32;

    /// Takes a port that nobody has, for as long as the value lives; `None` if somebody may have
    /// it.
    ///
    /// What a session leaves in the kernel can carry its port. Only while nobody has that port is
    /// it known to be left behind.
    fn claim_port(&self, _port: u32) -> Option<Box<dyn Any>> {
        None
    }
}

/// A transport that somebody else owns, or in a box.
impl<P: DerefMut<Target: Transport>> Transport for P {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        (**self).send(request)
    }

    fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()> {
        (**self).receive(datagram)
    }

    fn port(&self) -> u32 {
        (**self).port()
    }

    fn claim_port(&self, port: u32) -> Option<Box<dyn Any>> {
        (**self).claim_port(port)
    }
}

/// How long an answer is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
