//! Attempts to connect, and what becomes of them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use netns_testbed::{Failed, connect};

/// On a wire between two namespaces, what is not answered by then was dropped.
const PATIENCE: Duration = Duration::from_millis(700);

/// What became of an attempt to connect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// Somebody listens and was reached.
    Connected,
    /// Nobody listens, but the packet got through.
    Refused,
    /// No answer at all.
    Silence,
}

/// Connects from `source` to `target` and waits for the outcome.
pub(crate) fn attempt(source: IpAddr, target: SocketAddr) -> Result<Outcome, Failed> {
    within(PATIENCE, source, target)
}

/// Sends the first packet of a connection and does not wait for more.
pub(crate) fn knock(source: IpAddr, target: SocketAddr) -> Result<(), Failed> {
    within(Duration::ZERO, source, target).map(|_| ())
}

fn within(patience: Duration, source: IpAddr, target: SocketAddr) -> Result<Outcome, Failed> {
    match connect(SocketAddr::new(source, 0), target, patience) {
        Ok(_) => Ok(Outcome::Connected),
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Ok(Outcome::Refused),
            io::ErrorKind::TimedOut => Ok(Outcome::Silence),
            _ => Err(format!("cannot connect from {source} to {target}: {error}").into()),
        },
    }
}
