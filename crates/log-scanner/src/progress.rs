//! How far a long scan has come, on a terminal.

use std::io::{self, IsTerminal as _, Read, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A scan that takes no longer says nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const BETWEEN_PAINTS: Duration = Duration::from_millis(100);
/// Characters of the bar.
const LENGTH: u64 = 30;

/// Counts what is read and shows it on standard error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Option<Arc<Mutex<Bar>>>);

impl Progress {
    /// Shows nothing unless a person is watching: standard error must be a terminal, and `--json`
    /// not be read by a program.
    pub(crate) fn new(json: bool) -> Self {
        let watched = io::stderr().is_terminal() && (!json || io::stdout().is_terminal());
        let bar = || {
            Arc::new(Mutex::new(Bar {
                started: Instant::now(),
                painted: None,
                width: 0,
                read: 0,
                total: Some(0),
            }))
        };
        Self(watched.then(bar))
    }

    /// `inner`, of which there are so many bytes as far as anyone knows, with every read counted.
    pub(crate) fn watch<R: Read>(&self, inner: R, length: Option<u64>) -> Watched<R> {
        self.with(|bar| bar.expect(length));
        Watched {
            inner,
            progress: self.clone(),
        }
    }

    /// Takes the bar away again.
    pub(crate) fn finish(&self) {
        self.with(Bar::clear);
    }

    fn with(&self, change: impl FnOnce(&mut Bar)) {
        if let Some(bar) = &self.0 {
            change(&mut bar.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// A reader whose progress is shown.
pub(crate) struct Watched<R> {
    inner: R,
    progress: Progress,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.progress.with(|bar| bar.advance(length));
        Ok(length)
    }
}

#[derive(Debug)]
struct Bar {
    started: Instant,
    painted: Option<Instant>,
    /// Characters of what was painted last.
    width: usize,
    read: u64,
    /// Of all logs; `None` where one has no end that is known.
    total: Option<u64>,
}

impl Bar {
    fn expect(&mut self, length: Option<u64>) {
        self.total = self
            .total
            .zip(length)
            .map(|(total, length)| total.saturating_add(length));
    }

    fn advance(&mut self, length: usize) {
        self.read = self
            .read
            .saturating_add(u64::try_from(length).unwrap_or_default());
        let due = match self.painted {
            None => self.started.elapsed() >= PATIENCE,
            Some(last) => last.elapsed() >= BETWEEN_PAINTS,
        };
        if due {
            self.painted = Some(Instant::now());
            let text = text(self.read, self.total);
            self.paint(&text);
        }
    }

    fn clear(&mut self) {
        if self.width > 0 {
            self.paint("");
            let _ = write!(io::stderr(), "\r");
        }
    }

    /// Over what stands there; without escape sequences, which not every terminal knows.
    fn paint(&mut self, text: &str) {
        let width = self.width;
        // Nothing depends on whether it is seen.
        let _ = write!(io::stderr(), "\r{text:<width$}");
        self.width = text.len();
    }
}

fn text(read: u64, total: Option<u64>) -> String {
    const MEGABYTE: u64 = 1_000_000;
    // A log may have grown while it was read.
    let total = total.filter(|total| (1..).contains(total) && read <= *total);
    let Some(total) = total else {
        return format!("scanning, {} MB so far", read / MEGABYTE);
    };
    let part = |whole: u64| u128::from(read) * u128::from(whole) / u128::from(total);
    let bar = "#".repeat(usize::try_from(part(LENGTH)).unwrap_or_default());
    let length = usize::try_from(LENGTH).unwrap_or_default();
    let (percent, megabytes) = (part(100), total / MEGABYTE);
    format!("scanning [{bar:<length$}] {percent:>3}% of {megabytes} MB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bar_says() {
        let (half, none) = ("#".repeat(15), "");
        assert_eq!(
            text(512_000_000, Some(1_024_000_000)),
            format!("scanning [{half:<30}]  50% of 1024 MB")
        );
        assert_eq!(
            text(0, Some(u64::MAX)),
            format!("scanning [{none:<30}]   0% of 18446744073709 MB")
        );
        assert_eq!(text(3_000_000, None), "scanning, 3 MB so far");
        assert_eq!(text(3_000_000, Some(0)), "scanning, 3 MB so far");
        assert_eq!(text(3_000_000, Some(2_000_000)), "scanning, 3 MB so far");
    }
}
