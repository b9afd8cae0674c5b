//! The process that waits for a confirmation and else goes back.
//!
//! It is the same program, forked and not started: no file is executed. It has a session of its
//! own and nothing of the terminal, so that it outlives both.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fork::{Fork, fork};
use jiff::Timestamp;
use nix::unistd::close;

use super::{Pending, Place, Trouble};
use crate::findings::Findings;
use crate::host::Host;
use crate::sets;
use crate::syslog::{self, Level};
use crate::turn::wait_for_turn;

/// What [`arm`] returns in each of the two processes.
pub(crate) enum Arming {
    /// The change can go in: somebody waits.
    Armed(Box<Armed>),
    /// This is who waits.
    Waiter(Waiter),
}

/// A change that somebody waits for.
pub(crate) struct Armed {
    pub(crate) pending: Pending,
    /// The process that waits.
    pub(crate) process: u32,
    place: Place,
    waiter: UnixStream,
}

/// The process that waits.
pub(crate) struct Waiter {
    id: String,
    within: Duration,
    place: Place,
    change: UnixStream,
}

/// Writes down what goes back, and makes the process that will see to it.
///
/// To be called while the program has a single thread.
///
/// # Errors
///
/// When either cannot be; nothing waits then.
pub(crate) fn arm(place: &Place, pending: Pending, within: Duration) -> Result<Arming, String> {
    let place = place.absolute()?;
    place.write(&pending)?;
    let made = UnixStream::pair().and_then(|(here, there)| Ok((here, there, fork()?)));
    let failed = |why: std::io::Error| {
        // Of two errors the first one is the cause.
        let _ = place.clear();
        format!("there is no process to be had that waits: {why}")
    };
    match made {
        Ok((here, there, Fork::Child)) => {
            drop(here);
            Ok(Arming::Waiter(Waiter {
                id: pending.id,
                within,
                place,
                change: there,
            }))
        }
        Ok((mut here, there, Fork::Parent(process))) => {
            drop(there);
            // Once it has left this session it may go on.
            here.read_exact(&mut [0]).map_err(failed)?;
            Ok(Arming::Armed(Box::new(Armed {
                pending,
                process: process.unsigned_abs(),
                place,
                waiter: here,
            })))
        }
        Err(error) => Err(failed(error)),
    }
}

impl Armed {
    /// The time begins to run: the change is in.
    pub(crate) fn start(&mut self, until: Timestamp) -> Result<(), String> {
        self.pending.until = until;
        let written = self.place.write(&self.pending);
        // It has begun all the same when nobody hears it.
        let _ = self.waiter.write_all(&[0]);
        written
    }

    /// Nothing is to be confirmed: nobody waits any more.
    ///
    /// # Errors
    ///
    /// When the file cannot be taken away; a sentence says why.
    pub(crate) fn stop(&self) -> Result<(), String> {
        self.place.clear()
    }
}

impl Waiter {
    /// Waits, goes back if need be, and ends the process.
    ///
    /// What the caller had open is to be closed before: the turn, above all.
    pub(crate) fn wait(mut self) -> ! {
        close_what_is_inherited(&self.change);
        let left = fork::setsid()
            .and_then(|_| fork::chdir())
            .and_then(|()| fork::redirect_stdio())
            .and_then(|()| self.change.write_all(&[0]))
            .and_then(|()| {
                self.change
                    .set_read_timeout(Some(self.within.max(PREPARING)))
            });
        if left.is_err() {
            exit(1);
        }
        // Until the change is in, or its process is gone.
        let _ = self.change.read(&mut [0]);
        drop(self.change);
        let until = Instant::now() + self.within;
        wait_until(&self.place, || {
            until.saturating_duration_since(Instant::now())
        });
        // Nobody reads what it would write.
        let host = Host::of_this_system();
        let tell = |level, message: &str| syslog::tell(&host, level, message);
        go_back_at_last(&self.place, &self.id, &mut Findings::default(), tell);
        exit(0)
    }
}

/// Closes all files but the standard ones and `keep`: somebody may wait for the last one who has
/// them.
fn close_what_is_inherited(keep: &UnixStream) {
    let Ok(open) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers: Vec<i32> = open
        .filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2 && *number != keep.as_raw_fd())
        .collect();
    for number in numbers {
        // The directory itself is closed already.
        let _ = close(number);
    }
}

/// Waits for the time that a change has left, as the file says, and goes back unless it is
/// confirmed by then. Returns when the change was made that was taken back, if one was.
pub(crate) fn when_due(place: &Place, findings: &mut Findings) -> Option<Timestamp> {
    let pending = place.read().map_err(|why| findings.refuse(why)).ok()??;
    wait_until(place, || {
        let left = pending.until.duration_since(Timestamp::now());
        left.try_into().unwrap_or_default()
    });
    // Who called it is told at the end.
    go_back_at_last(place, &pending.id, findings, |_, _| ())
}

/// Goes back to before the change that waits. Returns when it was made, if that succeeded.
pub(crate) fn at_once(place: &Place, findings: &mut Findings) -> Option<Timestamp> {
    match go_back(place, |_| true, findings) {
        Gone::Back(at) => Some(at),
        Gone::Nowhere => {
            if let Err(why) = place.waiting() {
                findings.refuse(why);
            }
            None
        }
        Gone::Astray => None,
    }
}

/// Returns when no time is left or nothing waits any more.
fn wait_until(place: &Place, left: impl Fn() -> Duration) {
    while place.is_taken() {
        let left = left();
        if left.is_zero() {
            return;
        }
        sleep(left.min(LOOKS));
    }
}

/// What became of going back.
enum Gone {
    /// What was there before the change of that time is back.
    Back(Timestamp),
    /// Nothing waits, or something else does.
    Nowhere,
    /// It could not be done; errors say why.
    Astray,
}

/// Goes back, and tries again what fails: somebody may be locked out. `tell` is told what comes of
/// it, a failure once.
fn go_back_at_last(
    place: &Place,
    id: &str,
    findings: &mut Findings,
    tell: impl Fn(Level, &str),
) -> Option<Timestamp> {
    let mut told = None;
    for _ in 0..TRIES {
        let mut tried = Findings::default();
        match go_back(place, |pending| pending.id == id, &mut tried) {
            Gone::Back(at) => {
                let left = if tried.failed() {
                    format!(", but not all of it: {}", tried.why())
                } else {
                    String::new()
                };
                tell(
                    Level::Notice,
                    &format!(
                        "nobody confirmed the firewall of {at:.0}: what was there before is back{left}"
                    ),
                );
                findings.add(tried);
                return Some(at);
            }
            Gone::Nowhere => return None,
            Gone::Astray => {
                let why = tried.why();
                if told.as_ref() != Some(&why) {
                    tell(
                        Level::Critical,
                        &format!(
                            "nobody confirmed the firewall, and going back fails: {why}; it is tried again for {} minutes. By hand: \
                             `firewall-apply rollback`, or `firewall-apply confirm` to keep what is there",
                            TRIES / 60
                        ),
                    );
                    findings.add(tried);
                    told = Some(why);
                }
                sleep(BETWEEN_TRIES);
            }
        }
    }
    tell(
        Level::Critical,
        "going back is given up: the firewall that nobody confirmed stays until somebody says `firewall-apply rollback`",
    );
    None
}

/// Goes back to before the change that `is_it` knows, if that still waits.
fn go_back(place: &Place, is_it: impl Fn(&Pending) -> bool, findings: &mut Findings) -> Gone {
    let _turn = wait_for_turn(findings);
    let mut pending = match place.read() {
        Ok(Some(pending)) if is_it(&pending) => pending,
        Ok(_) => return Gone::Nowhere,
        Err(why) => {
            findings.refuse(why);
            return Gone::Astray;
        }
    };
    if pending.is_of_another_boot() {
        findings
            .warn("the host was started anew since: there is nothing to take back but the file");
        place.retire(&pending, findings);
        return Gone::Back(pending.at);
    }
    let kernel = sets::connect(findings);
    if kernel.is_some_and(|mut kernel| pending.go_back(&mut kernel, findings)) {
        place.retire(&pending, findings);
        Gone::Back(pending.at)
    } else {
        // For whoever looks after it.
        let why = findings.why();
        let known = pending.failed.as_ref().map(|trouble| &trouble.why);
        if known != Some(&why) && place.is_taken() {
            let at = Timestamp::now();
            pending.failed = Some(Trouble { at, why });
            if let Err(why) = place.write(&pending) {
                findings.warn(why);
            }
        }
        Gone::Astray
    }
}

/// How long a change may take before it is in; filling sets of millions takes seconds.
const PREPARING: Duration = Duration::from_secs(600);
/// How often it is looked whether a change was confirmed.
const LOOKS: Duration = Duration::from_millis(200);
const TRIES: u32 = 600;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
