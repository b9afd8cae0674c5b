//! The turn to fill sets, which several programs share.

use std::time::{Duration, Instant};

use netfilter_host::turn::{Turn, TurnError};

/// How long it is until it is asked again whether another program is still at work on the sets.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// When this program may fill sets.
#[derive(Debug)]
pub(super) struct Turns {
    dry_run: bool,
    /// When the next round may be.
    not_before: Instant,
    /// Since when another program is at work on the sets.
    waits_since: Option<Instant>,
}

/// Another program is at work on the sets.
pub(super) struct Busy;

impl Turns {
    /// A dry run needs none.
    pub(super) fn new(dry_run: bool, now: Instant) -> Self {
        Self {
            dry_run,
            not_before: now,
            waits_since: None,
        }
    }

    /// When it may be asked for one.
    pub(super) fn not_before(&self) -> Instant {
        self.not_before
    }

    /// The turn, and what to say of it. It is not waited for while there may be lines to read.
    pub(super) fn take(&mut self, wait: bool) -> Result<(Option<Turn>, Option<String>), Busy> {
        if self.dry_run {
            return Ok((None, None));
        }
        let taken = if wait {
            Turn::take()
        } else {
            Turn::take_within(Duration::ZERO)
        };
        let error = match taken {
            Ok(turn) => {
                self.waits_since = None;
                return Ok((Some(turn), None));
            }
            Err(error) => error,
        };
        let now = Instant::now();
        let since = *self.waits_since.get_or_insert(now);
        if matches!(error, TurnError::Held { .. })
            && !wait
            && now.duration_since(since) < Turn::PATIENCE
        {
            self.not_before = now + BETWEEN_LOOKS;
            return Err(Busy);
        }
        self.waits_since = None;
        Ok((
            None,
            Some(format!(
                "filled the sets without waiting any longer, so that the shorter of two bans may stay: {error}"
            )),
        ))
    }
}
