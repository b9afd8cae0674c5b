//! `--notify-socket`: a program is told of each ban, a datagram each, and nobody waits for it.
//!
//! A reader that is slow has its datagrams kept for a while; one that is not there gets none. What
//! did not reach it is counted.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use crate::notice::ByHandNotice;
use crate::status::complain;
use crate::words::{count, plain};

/// So many datagrams are kept for a reader that is slow; of more, the oldest are lost.
const KEPT: usize = 10_000;
/// How long it is until a slow reader is tried again.
const BETWEEN: Duration = Duration::from_millis(20);
/// How long a run waits at its end for whoever reads and is slow.
pub(crate) const LAST: Duration = Duration::from_secs(1);
/// What was lost is said only after so long again.
const MINUTE: Duration = Duration::from_secs(60);

/// Tells whoever listens at a socket; nobody, where there is none.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    path: Option<PathBuf>,
    kept: VecDeque<Vec<u8>>,
    lost: u64,
    /// Why the last of those was.
    why: Option<String>,
    said: Option<Instant>,
}

impl Notifier {
    pub(crate) fn new(path: Option<&Path>) -> Self {
        Self {
            path: path.map(Path::to_owned),
            ..Self::default()
        }
    }

    /// Has another socket from now on.
    pub(crate) fn set_path(&mut self, path: Option<&Path>) {
        self.path = path.map(Path::to_owned);
    }

    /// Tells it, now or later.
    pub(crate) fn tell(&mut self, notice: &impl Serialize) {
        if self.path.is_none() {
            return;
        }
        match serde_json::to_vec(notice) {
            Err(error) => self.lose(&error.to_string()),
            Ok(datagram) => {
                self.kept.push_back(datagram);
                if self.kept.len() > KEPT {
                    self.kept.pop_front();
                    self.lose("who reads there is too slow");
                }
                self.send();
            }
        }
    }

    /// Sends as much of what is kept as is taken.
    pub(crate) fn send(&mut self) {
        let Some(path) = self.path.clone() else {
            self.kept.clear();
            return;
        };
        while let Some(datagram) = self.kept.front() {
            match send(&path, datagram) {
                // The reader's queue is full.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    self.lose(&error.to_string());
                }
                Ok(()) => {}
            }
            self.kept.pop_front();
        }
    }

    /// When a slow reader is to be tried again.
    pub(crate) fn rest(&self) -> Duration {
        if self.kept.is_empty() {
            Duration::MAX
        } else {
            BETWEEN
        }
    }

    /// Sends what is kept, and waits a moment for a reader that is slow; what to warn of.
    pub(crate) fn end(&mut self) -> Option<String> {
        let end = Instant::now() + LAST;
        self.send();
        while !self.kept.is_empty() && Instant::now() < end {
            thread::sleep(BETWEEN);
            self.send();
        }
        for _ in 0..std::mem::take(&mut self.kept).len() {
            self.lose("who reads there is too slow");
        }
        self.said = None;
        self.warning(Instant::now())
    }

    /// What was lost since it was said last, if it is time to say so.
    pub(crate) fn warning(&mut self, now: Instant) -> Option<String> {
        let is_time = self
            .said
            .is_none_or(|said| now.duration_since(said) >= MINUTE);
        if self.lost == 0 || !is_time {
            return None;
        }
        self.said = Some(now);
        let lost = count(std::mem::take(&mut self.lost), "notice");
        let path = self.path.as_deref().unwrap_or(Path::new(""));
        let path = plain(path.as_os_str().as_encoded_bytes());
        let why = self.why.take().unwrap_or_default();
        Some(format!(
            "{lost} did not reach notify-socket \"{path}\": {why}"
        ))
    }

    fn lose(&mut self, why: &str) {
        self.lost += 1;
        self.why = Some(why.to_owned());
    }
}

/// Tells of what was done by hand; what did not arrive is complained of.
pub(crate) fn by_hand(path: Option<&Path>, event: &'static str, done: &impl Serialize) {
    let mut notifier = Notifier::new(path);
    notifier.tell(&ByHandNotice {
        event,
        time: Timestamp::now(),
        done,
    });
    if let Some(warning) = notifier.end() {
        complain(&format!("[WARNING] {warning}"));
    }
}

/// Sends a datagram to who has bound the socket by now; does not wait.
fn send(path: &Path, datagram: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    let sent = socket.send_to(datagram, path);
    sent.map(drop).map_err(|error| match error.kind() {
        // Of a file that is no socket the kernel says the same as of a socket that nobody reads.
        ErrorKind::ConnectionRefused => io::Error::new(error.kind(), "nobody reads there"),
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> Vec<String> {
        socket.set_nonblocking(true).expect("set");
        let mut datagram = [0; 100];
        let mut all = Vec::new();
        while let Ok(length) = socket.recv(&mut datagram) {
            all.push(String::from_utf8_lossy(&datagram[..length]).into_owned());
        }
        all
    }

    #[test]
    fn a_reader_that_is_slow_loses_nothing_until_there_is_too_much() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socket");
        let reader = UnixDatagram::bind(&path).expect("bound");
        let mut notifier = Notifier::new(Some(&path));
        assert_eq!(notifier.rest(), Duration::MAX);
        for number in 0..5000 {
            notifier.tell(&number);
        }
        assert_eq!(notifier.rest(), BETWEEN, "its queue is full");
        let mut all = Vec::new();
        while !notifier.kept.is_empty() {
            all.extend(received(&reader));
            notifier.send();
        }
        all.extend(received(&reader));
        assert!(
            all.iter()
                .map(String::as_str)
                .eq((0..5000).map(|n| n.to_string()).collect::<Vec<_>>())
        );
        assert_eq!(notifier.end(), None);
        for number in 0..KEPT + 5000 {
            notifier.tell(&number);
        }
        let lost = notifier.lost;
        assert!((1..=5000).contains(&lost), "{lost}");
        drop(reader);
        // Who was there and went gets nothing more, and a new one what comes from then on.
        let why = notifier.end().expect("lost");
        assert!(why.ends_with("\": nobody reads there"), "{why}");
        std::fs::remove_file(&path).expect("removed");
        let reader = UnixDatagram::bind(&path).expect("bound");
        notifier.tell(&"again");
        assert_eq!(received(&reader), ["\"again\""]);
    }

    #[test]
    fn who_is_not_there_is_said_once_a_minute() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "a plain one").expect("written");
        let missing = directory.path().join("missing");
        for (path, why) in [(&missing, "No such file"), (&file, "nobody reads there")] {
            let mut notifier = Notifier::new(Some(path));
            let now = Instant::now();
            assert_eq!(notifier.warning(now), None);
            for number in 0..3 {
                notifier.tell(&number);
            }
            assert_eq!(notifier.rest(), Duration::MAX);
            let warning = notifier.warning(now).expect("lost");
            assert!(warning.starts_with("3 notices did not reach"), "{warning}");
            assert!(warning.contains(why), "{warning}");
            notifier.tell(&4);
            assert_eq!(notifier.warning(now), None);
            let warning = notifier.end().expect("lost");
            assert!(warning.starts_with("1 notice did not"), "{warning}");
        }
        assert_eq!(std::fs::read_to_string(&file).expect("read"), "a plain one");
        let mut nobody = Notifier::new(None);
        nobody.tell(&1);
        assert_eq!(nobody.end(), None);
    }
}
