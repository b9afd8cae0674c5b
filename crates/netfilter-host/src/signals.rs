//! Signals of a program that stays: they end a wait, and are asked about afterwards.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::pipe;

/// What has been asked of the process since it was looked last: to end (SIGTERM, SIGINT), or to
/// read its files anew (SIGHUP).
///
/// ```no_run
/// use std::os::fd::AsFd as _;
///
/// use netfilter_host::signals::{Signals, wait};
///
/// # fn main() -> std::io::Result<()> {
/// let mut signals = Signals::register()?;
/// while !signals.stop() {
///     wait(&[signals.as_fd()], None)?;
///     signals.rest();
///     if signals.take_reopen() { /* read the files anew */ }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Signals {
    stop: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
    woken: UnixStream,
}

impl Signals {
    /// Takes the signals from now on.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn register() -> io::Result<Self> {
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let signals = Self {
            stop: Arc::default(),
            reopen: Arc::default(),
            woken,
        };
        for (signal, flag) in [
            (SIGTERM, &signals.stop),
            (SIGINT, &signals.stop),
            (SIGHUP, &signals.reopen),
        ] {
            // The flag first: whoever is woken then finds it.
            flag::register(signal, Arc::clone(flag))?;
            pipe::register(signal, wake.try_clone()?)?;
        }
        Ok(signals)
    }

    /// Whether to end.
    pub fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether to read files anew; asked once.
    pub fn take_reopen(&self) -> bool {
        self.reopen.swap(false, Ordering::Relaxed)
    }

    /// Makes the next wait last until the next signal.
    pub fn rest(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.woken.read(&mut bytes), Ok(read) if read == bytes.len()) {}
    }
}

impl AsFd for Signals {
    /// Readable once a signal has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

/// Waits until one of the files is readable, or a signal comes; `false` if `timeout` passed without.
///
/// # Errors
///
/// What the system says.
pub fn wait(files: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<bool> {
    let mut files: Vec<_> = files
        .iter()
        .map(|file| PollFd::new(*file, PollFlags::POLLIN))
        .collect();
    let timeout = timeout.map_or(PollTimeout::NONE, |timeout| {
        if timeout.is_zero() {
            return PollTimeout::ZERO;
        }
        // Rounded up: a timeout of 0 would ask again at once.
        PollTimeout::try_from(timeout.saturating_add(Duration::from_millis(1)))
            .unwrap_or(PollTimeout::MAX)
    });
    match poll(&mut files, timeout) {
        Ok(ready) => Ok(ready > 0),
        // A signal came.
        Err(Errno::EINTR) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}
