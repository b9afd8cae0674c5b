//! One run at a time in a network namespace, also beside log-scanner.

use netfilter_host::turn::{Turn, TurnError};

use crate::findings::Findings;

/// Waits for its turn; a warning tells when there was none.
pub(crate) fn wait_for_turn(findings: &mut Findings) -> Option<Turn> {
    match Turn::take() {
        Ok(turn) => Some(turn),
        // What needs the privilege will say so.
        Err(TurnError::NotPermitted) => None,
        // A program that hangs must not keep the firewall out.
        Err(error) => {
            findings.warn(format!("{error}; going on without waiting any longer"));
            None
        }
    }
}
