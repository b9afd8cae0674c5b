//! Whether this process is in namespaces of its own; a fresh one for a thread where it is.

use std::sync::OnceLock;

use libtest_mimic::Failed;
use nix::sched::{CloneFlags, unshare};

use crate::route::Routing;

/// Why this host gives us no namespaces, with the cure; empty when it does.
static REFUSED: OnceLock<Option<String>> = OnceLock::new();

/// Settles by `why_not`, once, whether the process is in namespaces of its own.
pub(crate) fn settle(why_not: impl FnOnce() -> Option<String>) -> Result<(), &'static str> {
    REFUSED.get_or_init(why_not);
    entered()
}

/// What [`enter`](crate::enter) said.
pub(crate) fn entered() -> Result<(), &'static str> {
    match REFUSED.get() {
        Some(None) => Ok(()),
        Some(Some(reason)) => Err(reason),
        None => Err(
            "netns_testbed::enter was not called: the process is still in the host's namespaces",
        ),
    }
}

/// A fresh network namespace for the calling thread, loopback up.
pub(crate) fn fresh_network() -> Result<(), Failed> {
    entered()?;
    unshare(CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("cannot make a network namespace: {error}"))?;
    loopback_up()
}

/// Sets up loopback in the namespace of the calling thread.
pub(crate) fn loopback_up() -> Result<(), Failed> {
    Routing::open()?.loopback_up()
}
