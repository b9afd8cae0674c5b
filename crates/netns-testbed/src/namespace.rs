//! A network namespace that lives as long as its file is open.

use std::fs::{self, File};
use std::panic::resume_unwind;
use std::thread;

use libtest_mimic::Failed;
use nix::sched::{CloneFlags, setns};

use crate::entered::fresh_network;

/// The network namespace of the calling thread; `/proc/self` would be that of the process's first
/// thread.
pub(crate) const OF_THIS_THREAD: &str = "/proc/thread-self/ns/net";

/// A network namespace, gone when this and all sockets and processes in it are gone.
///
/// It has no name: nothing appears in `/run/netns`.
#[derive(Debug)]
pub struct Namespace {
    file: File,
}

impl Namespace {
    /// A new one, with loopback up.
    ///
    /// # Errors
    ///
    /// When the host does not allow it, or [`run`](crate::run) has not been called.
    pub fn new() -> Result<Self, Failed> {
        thread::scope(|scope| {
            let made = scope.spawn(|| fresh_network().and_then(|()| Self::current()));
            made.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// The one that the calling thread is in.
    ///
    /// # Errors
    ///
    /// When `/proc` is not there.
    pub fn current() -> Result<Self, Failed> {
        let file = File::open(OF_THIS_THREAD)
            .map_err(|error| format!("cannot open {OF_THIS_THREAD}: {error}"))?;
        Ok(Self { file })
    }

    /// Runs `body` in the namespace, on a thread of its own, and waits for it.
    ///
    /// Sockets that `body` opens and processes that it starts stay in the namespace. A panic in
    /// `body` goes on in the caller.
    ///
    /// # Panics
    ///
    /// Also when the thread cannot enter the namespace, which needs the privilege that
    /// [`run`](crate::run) gets.
    pub fn run<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                self.enter();
                body()
            });
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Moves the calling thread into the namespace.
    fn enter(&self) {
        let entered = setns(&self.file, CloneFlags::CLONE_NEWNET);
        assert!(
            entered.is_ok(),
            "cannot enter a network namespace: {entered:?}"
        );
    }

    /// The open file that keeps the namespace.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

/// Sets the sysctl `name`, spelled with slashes, of the calling thread's network namespace.
pub(crate) fn set_sysctl(name: &str, value: &str) -> Result<(), Failed> {
    let path = format!("/proc/sys/{name}");
    fs::write(&path, value)
        .map_err(|error| format!("cannot write {value} to {path}: {error}").into())
}
