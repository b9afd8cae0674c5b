//! The program beside a log that is being written, and what it says meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use netns_testbed::Failed;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Scanner, packet};

/// Longer than anything here takes, on whatever machine.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// A running `follow`, and what it says as JSON.
pub(crate) struct Follow {
    pub(crate) child: Child,
    said: Receiver<Value>,
    pub(crate) log: Option<File>,
    pub(crate) scanner: Scanner,
}

impl Follow {
    /// By [`RULE`], of a log that exists.
    pub(crate) fn start(scanner: Scanner) -> Result<Self, Failed> {
        Self::with(scanner.with("follow").rule())
    }

    /// By arguments that are all given.
    pub(crate) fn with(scanner: Scanner) -> Result<Self, Failed> {
        Self::spawn(scanner.command(), scanner)
    }

    /// By a command of the scanner's.
    pub(crate) fn spawn(mut command: Command, scanner: Scanner) -> Result<Self, Failed> {
        command.arg("--json").stdin(Stdio::piped());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let (say, said) = channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let Ok(value) = serde_json::from_str(&line) else {
                    panic!("no JSON: {line}")
                };
                if say.send(value).is_err() {
                    return;
                }
            }
        });
        let follow = Self {
            child,
            said,
            log: None,
            scanner,
        };
        Ok(follow)
    }

    /// Waits for the next line of an event; those of others are passed over.
    #[track_caller]
    pub(crate) fn next(&self, event: &str) -> Value {
        loop {
            let line = self.said.recv_timeout(LONG);
            let line = line.unwrap_or_else(|error| panic!("no {event}: {error}"));
            if line["event"] == event {
                return line;
            }
        }
    }

    /// The next line of whatever event, if it comes within so long.
    pub(crate) fn next_of_all(&self, time: Duration) -> Option<Value> {
        self.said.recv_timeout(time).ok()
    }

    /// Waits for a ban; source and outcome.
    #[track_caller]
    pub(crate) fn ban(&self) -> (String, String) {
        let ban = self.next("ban");
        let text = |key: &str| ban[key].as_str().expect(key).to_owned();
        (text("source"), text("outcome"))
    }

    /// Writes packets as one does that has the log open.
    pub(crate) fn write(&mut self, lines: &str) -> Result<(), Failed> {
        let path = self.scanner.path("fw.log");
        let log = match self.log.take() {
            Some(log) => self.log.insert(log),
            None => self
                .log
                .insert(OpenOptions::new().create(true).append(true).open(path)?),
        };
        log.write_all(lines.as_bytes())?;
        Ok(())
    }

    /// The next ban, if it comes within so long.
    pub(crate) fn ban_within(&self, time: Duration) -> Option<(String, String)> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.said.recv_timeout(left).ok()?;
            if line["event"] == "ban" {
                let text = |key: &str| line[key].as_str().map(str::to_owned);
                return text("source").zip(text("outcome"));
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Failed> {
        let process = Pid::from_raw(i32::try_from(self.child.id())?);
        Ok(kill(process, signal)?)
    }

    /// Ends it; its last line.
    #[track_caller]
    pub(crate) fn end(mut self, status: i32) -> Result<Value, Failed> {
        self.signal(Signal::SIGTERM)?;
        let last = self.next("end");
        assert_eq!(self.child.wait()?.code(), Some(status), "{last}");
        Ok(last)
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        // Both fail only for a process that has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of now.
pub(crate) fn line(source: &str) -> String {
    let now = jiff::Timestamp::now();
    format!("{now} fw kernel: {}\n", packet("BLOCKED", source, "TCP"))
}

/// So many of them.
pub(crate) fn lines(source: &str, number: usize) -> String {
    (0..number).map(|_| line(source)).collect()
}

pub(crate) fn banned(source: &str, outcome: &str) -> (String, String) {
    (source.to_owned(), outcome.to_owned())
}
