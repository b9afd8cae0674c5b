//! `net.netfilter.nf_log_all_netns`, on loan.

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use libtest_mimic::Failed;
use nix::fcntl::{Flock, FlockArg};

use crate::enter::host_network;
use crate::namespace::Namespace;
use crate::trial::skip;

/// Exists in the host's first network namespace only.
const SYSCTL: &str = "/proc/sys/net/netfilter/nf_log_all_netns";
/// Locked by all processes that need the setting; holds the value to put back.
const LOAN: &str = "/run/lock/netns-testbed.nf_log_all_netns";

/// While one of these is there, the kernel logs for all network namespaces.
#[derive(Debug)]
pub(crate) struct AllNamespaces {
    _loan: Arc<Loan>,
}

impl AllNamespaces {
    pub(crate) fn new() -> Result<Self, Failed> {
        static CURRENT: Mutex<Weak<Loan>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loan) = current.upgrade() {
            return Ok(Self { _loan: loan });
        }
        let loan = Arc::new(Loan::take()?);
        *current = Arc::downgrade(&loan);
        Ok(Self { _loan: loan })
    }
}

/// This process's share.
#[derive(Debug)]
struct Loan {
    file: Flock<File>,
    host: &'static Namespace,
}

impl Loan {
    fn take() -> Result<Self, Failed> {
        let host =
            host_network().ok_or_else(|| skip("the host's network namespace is not known"))?;
        let fail = |error: &dyn Display| Failed::from(format!("cannot lock {LOAN}: {error}"));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(LOAN)
            .map_err(|error| fail(&error))?;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                // Nobody needs it now. A value that is there already was left by one that was
                // killed.
                Ok(mut alone) => {
                    if read(&mut alone).is_empty() {
                        let before = setting(host)?;
                        alone
                            .write_all(before.as_bytes())
                            .map_err(|error| fail(&error))?;
                    }
                    file = alone.unlock().map_err(|(_, error)| fail(&error))?;
                }
                Err((same, _)) => file = same,
            }
            let mut shared =
                Flock::lock(file, FlockArg::LockShared).map_err(|(_, error)| fail(&error))?;
            // While this lock is held nobody takes the value away; before it was, somebody may
            // have.
            if !read(&mut shared).is_empty() {
                host.run(|| fs::write(SYSCTL, "1"))
                    .map_err(|error| format!("cannot write 1 to {SYSCTL}: {error}"))?;
                return Ok(Self { file: shared, host });
            }
            file = shared.unlock().map_err(|(_, error)| fail(&error))?;
        }
    }
}

/// The setting as it is.
fn setting(host: &Namespace) -> Result<String, Failed> {
    let value = host.run(|| fs::read_to_string(SYSCTL)).map_err(|error| {
        skip(format!(
            "{SYSCTL}: {error}; the LOG target is silent outside the host's network namespace"
        ))
    })?;
    Ok(value.trim().to_owned())
}

impl Drop for Loan {
    fn drop(&mut self) {
        // Whoever gets the lock alone is the last and puts the value back.
        if self.file.relock(FlockArg::LockExclusiveNonblock).is_err() {
            return;
        }
        let before = read(&mut self.file);
        if !before.is_empty() && self.host.run(|| fs::write(SYSCTL, &before)).is_ok() {
            // Left where it is: removing it would let two processes lock different files.
            let _ = self.file.set_len(0);
        }
    }
}

fn read(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    if read.is_err() {
        text.clear();
    }
    text
}
