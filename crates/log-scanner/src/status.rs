//! How a run ends: its exit status, and complaints on standard error.

use std::io::{self, ErrorKind, Write as _};

use crate::error::{Stop, chain};

/// All that was wanted is in the kernel.
pub(crate) const DONE: u8 = 0;
/// Something wanted is not in the kernel, or could not be told.
pub(crate) const INCOMPLETE: u8 = 1;
/// Nothing was changed.
pub(crate) const UNUSABLE: u8 = 2;

/// Says why a run ended early, and gives the exit status.
pub(crate) fn of(stop: &Stop) -> u8 {
    match stop {
        Stop::Fatal(fatal) => {
            for complaint in fatal.complaints() {
                complain(&format!("[ERROR] {complaint}"));
            }
            complain("nothing was changed");
            UNUSABLE
        }
        // Who closed the pipe has read enough.
        Stop::Output(error) if error.kind() == ErrorKind::BrokenPipe => DONE,
        Stop::Output(_) | Stop::Wait(_) | Stop::Packets(_) => {
            complain(&format!("[ERROR] {}", chain(stop)));
            INCOMPLETE
        }
    }
}

/// Writes a line to standard error.
pub(crate) fn complain(text: &str) {
    // There is nobody left to tell when this fails.
    let _ = writeln!(io::stderr(), "{text}");
}
