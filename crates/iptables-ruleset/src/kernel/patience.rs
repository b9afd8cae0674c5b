//! Trying again while others change the same tables.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Pauses between attempts, which grow: a program that writes in a tight loop leaves gaps of some
/// length, and one that writes now and then is soon done.
pub(crate) struct Patience {
    until: Instant,
    pause: Duration,
    attempts: u32,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            until: Instant::now() + limit,
            pause: SHORTEST,
            attempts: 1,
        }
    }

    /// How many attempts there were, with the one that follows.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Pauses before the next attempt; `false` when there shall be none.
    pub(crate) fn wait(&mut self) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        sleep(self.pause.min(left));
        self.pause = (self.pause * 3 / 2).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        true
    }
}

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(250);
