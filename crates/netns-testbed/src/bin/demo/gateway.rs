//! The machine with the firewall: its services, its programs, its log.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use netns_testbed::{Failed, Family, Host, Process, program};
use tempfile::TempDir;

/// The ports something listens on; the last is a service that somebody forgot about.
pub(crate) const SSH: u16 = 22;
pub(crate) const HTTPS: u16 = 443;
pub(crate) const FORGOTTEN: u16 = 8080;

/// The kernel's LOG target says nothing in a namespace; a host with rsyslog needs no configuration
/// at all.
pub(crate) const CONFIG: &str = "[log]\ntarget = \"NFLOG\"\n";
/// The command line of the collector.
pub(crate) const COLLECT: &str = "log-collector --output iptables.log";
/// How long the log may lag behind the packets.
const LAG: Duration = Duration::from_secs(10);

/// The gateway with what runs on it.
pub(crate) struct Gateway<'w> {
    host: &'w Host,
    directory: TempDir,
    _listeners: Vec<TcpListener>,
}

/// What a program printed, and its exit status.
pub(crate) struct Ran {
    pub(crate) text: String,
    pub(crate) status: Option<i32>,
}

/// A program that stays, and its lines.
pub(crate) struct Following {
    said: Receiver<String>,
    _process: Process,
}

impl Following {
    /// Waits for its next line.
    pub(crate) fn next(&self) -> Result<String, Failed> {
        let line = self.said.recv_timeout(LAG);
        line.map_err(|_| format!("waited {LAG:?} for a line of log-scanner").into())
    }
}

impl<'w> Gateway<'w> {
    /// Opens the services and writes the configuration.
    pub(crate) fn new(host: &'w Host) -> Result<Self, Failed> {
        let directory =
            tempfile::tempdir().map_err(|error| format!("cannot make a directory: {error}"))?;
        let gateway = Self {
            host,
            directory,
            _listeners: host.run(listen)?,
        };
        fs::write(gateway.path("firewall.toml"), CONFIG)
            .map_err(|error| format!("cannot write the configuration: {error}"))?;
        Ok(gateway)
    }

    /// The address of one of its ports.
    pub(crate) fn port(&self, family: Family, port: u16) -> SocketAddr {
        SocketAddr::new(self.host.address(family), port)
    }

    /// The file of that name in the directory that stands for /etc and /ram.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs one of our programs with the words of `line`, in the directory of [`path`](Self::path).
    pub(crate) fn run(&self, line: &str) -> Result<Ran, Failed> {
        let output = self
            .host
            .run(|| self.command(line).output())
            .map_err(|error| format!("cannot run `{line}`: {error}"))?;
        let text =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok(Ran {
            text: text.concat(),
            status: output.status.code(),
        })
    }

    /// Starts log-collector and waits until it listens.
    pub(crate) fn collect(&self) -> Result<Process, Failed> {
        let child = self.host.start(&mut self.command(COLLECT))?;
        wait_for("log-collector to listen", || {
            self.host.run(|| {
                let bound = fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_log")
                    .unwrap_or_default();
                !bound.trim().is_empty()
            })
        })?;
        Ok(child)
    }

    /// Starts one of our programs that stays.
    pub(crate) fn follow(&self, line: &str) -> Result<Following, Failed> {
        let mut command = self.command(line);
        let mut process = self.host.start(command.stdout(Stdio::piped()))?;
        let out = process.stdout.take().ok_or("no output")?;
        let (say, said) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            // Nobody listens any more when this fails.
            lines.into_iter().all(|line| say.send(line).is_ok())
        });
        Ok(Following {
            said,
            _process: process,
        })
    }

    /// The log as it is.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("iptables.log")).unwrap_or_default()
    }

    /// Waits until `count` lines of the log contain all of `words`.
    pub(crate) fn wait_for_lines(&self, words: &[&str], count: usize) -> Result<(), Failed> {
        wait_for(&format!("{count} lines with {words:?} in the log"), || {
            self.lines(words) >= count
        })
    }

    /// How many lines of the log contain all of `words`.
    pub(crate) fn lines(&self, words: &[&str]) -> usize {
        self.log()
            .lines()
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .count()
    }

    fn command(&self, line: &str) -> Command {
        let mut words = line.split_whitespace();
        let mut command = Command::new(program(words.next().unwrap_or_default()));
        command
            .args(words)
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }
}

fn listen() -> Result<Vec<TcpListener>, Failed> {
    [SSH, HTTPS, FORGOTTEN]
        .into_iter()
        .map(|port| {
            // A socket of IPv6 that takes IPv4 too, as most servers open it.
            TcpListener::bind(("::", port))
                .map_err(|error| format!("cannot listen on port {port}: {error}").into())
        })
        .collect()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) -> Result<(), Failed> {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > LAG {
            return Err(format!("waited {LAG:?} for {what}").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
