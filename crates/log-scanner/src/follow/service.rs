//! What systemd is told, where it is systemd that has started the program.

use std::time::{Duration, Instant};

use sd_notify::{NotifyState, notify, watchdog_enabled};

/// What is to be told when. Where nobody listens, telling does nothing.
#[derive(Debug)]
pub(crate) struct Service {
    /// How often it is to be told that the program is alive.
    every: Option<Duration>,
    next: Instant,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self {
            // Two times in the time that systemd waits.
            every: watchdog_enabled().map(|patience| patience / 2),
            next: Instant::now(),
        }
    }

    /// That it goes on, if it is time to say so.
    pub(crate) fn alive(&mut self) {
        let now = Instant::now();
        if let Some(every) = self.every.filter(|_| now >= self.next) {
            self.next = now + every;
            tell(&NotifyState::Watchdog);
        }
    }

    /// How long nothing has to be told.
    pub(crate) fn rest(&self) -> Duration {
        let left = self.next.saturating_duration_since(Instant::now());
        self.every.map_or(Duration::MAX, |_| left)
    }
}

/// Tells that everything up to now was read.
pub(crate) fn ready() {
    tell(&NotifyState::Ready);
}

/// Tells that the program is about to end.
pub(crate) fn stopping() {
    tell(&NotifyState::Stopping);
}

fn tell(state: &NotifyState<'_>) {
    // Whoever does not listen does not mind.
    let _ = notify(std::slice::from_ref(state));
}
