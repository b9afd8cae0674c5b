//! The program, in private networks, with rules by the stock iptables.
#![expect(
    clippy::indexing_slicing,
    reason = "the trials cut packets and texts of their own; a wrong cut fails the trial"
)]

mod bytes;
mod figures;
mod file;
mod lines;
mod losses;
mod refusals;

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Family, Process, Tool, World, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::{NamedTempFile, TempDir};

/// The prefix of the rules, in both families: what it says is theirs.
const PREFIX: &str = "IPTABLES-BLOCKED: ";
/// Rules that log and drop what [`send_datagrams`] sends.
const DROPPED: &str = "-A INPUT -i eth0 -p udp -j NFLOG --nflog-group 5
-A INPUT -i eth0 -p udp -j DROP";
/// How long the program may take for what it does at once, before the trial fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> std::process::ExitCode {
    let mut trials = lines::trials();
    trials.extend(file::trials());
    trials.extend(figures::trials());
    trials.extend(losses::trials());
    trials.extend(refusals::trials());
    run(trials)
}

/// A log-collector on the gateway of a world, bound to group 5.
struct Collector {
    process: Process,
    log: PathBuf,
    directory: TempDir,
    said: NamedTempFile,
}

/// What an ended program leaves.
struct Ended {
    lines: Vec<String>,
    stderr: String,
}

fn collector() -> Command {
    Command::new(env!("CARGO_BIN_EXE_log-collector"))
}

impl Collector {
    fn start(world: &World, arguments: &[&str]) -> Result<Self, Failed> {
        let directory = TempDir::new()?;
        let log = directory.path().join("iptables.log");
        Self::start_at(world, arguments, directory, log)
    }

    fn start_at(
        world: &World,
        arguments: &[&str],
        directory: TempDir,
        log: PathBuf,
    ) -> Result<Self, Failed> {
        let said = NamedTempFile::new()?;
        let mut command = collector();
        command
            .arg("--output")
            .arg(&log)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(said.reopen()?);
        let process = world.gateway.start(&mut command)?;
        let started = Self {
            process,
            log,
            directory,
            said,
        };
        wait_for("the group to be bound", || {
            let groups = "/proc/thread-self/net/netfilter/nfnetlink_log";
            let bound = world.gateway.run(|| fs::read_to_string(groups));
            bound.is_ok_and(|bound| {
                bound
                    .lines()
                    .any(|line| line.trim_start().starts_with("5 "))
            })
        })?;
        Ok(started)
    }

    fn signal(&self, signal: Signal) -> Result<(), Failed> {
        let pid = i32::try_from(self.process.id())?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    /// The lines written so far, the torn one that is being written left out.
    fn lines(&self) -> Vec<String> {
        lines_of(&self.log)
    }

    fn wait_for_lines(&self, count: usize) -> Result<Vec<String>, Failed> {
        wait_for(&format!("{count} lines"), || self.lines().len() >= count)?;
        Ok(self.lines())
    }

    fn wait_to_say(&self, text: &str) -> Result<(), Failed> {
        wait_for(&format!("{text:?} on standard error"), || {
            fs::read_to_string(self.said.path()).is_ok_and(|said| said.contains(text))
        })
    }

    /// Ends the program as systemd does.
    fn end(mut self) -> Result<Ended, Failed> {
        self.signal(Signal::SIGTERM)?;
        let status = self.process.wait()?;
        let stderr = fs::read_to_string(self.said.path())?;
        assert_eq!(status.code(), Some(0), "{stderr}");
        Ok(Ended {
            lines: self.lines(),
            stderr,
        })
    }
}

fn lines_of(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .split('\n')
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Rules on the gateway, one a line, for both families.
fn rules(world: &World, rules: &str) -> Result<(), Failed> {
    for tool in ["iptables", "ip6tables"] {
        let tool = Tool::require(tool)?;
        for rule in rules.lines() {
            let words: Vec<&str> = rule.split_whitespace().collect();
            let prefix = ["--nflog-prefix", PREFIX];
            let arguments = if words.contains(&"NFLOG") {
                [&words[..], &prefix].concat()
            } else {
                words
            };
            world.gateway.run(|| tool.run(&arguments))?;
        }
    }
    Ok(())
}

/// The line's part that the kernel's LOG target would have written.
fn kernel_part(line: &str) -> &str {
    line.split_once(" kernel: ").map_or("", |(_, rest)| rest)
}

/// UDP datagrams of the attacker to the gateway, the n-th to port 1000 + n.
fn send_datagrams(world: &World, family: Family, count: u16, size: usize) -> Result<(), Failed> {
    let any: IpAddr = family.pick("0.0.0.0".parse()?, "::".parse()?);
    let to = world.gateway.address(family);
    world.attacker.run(|| {
        let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        for number in 0..count {
            // A port unreachable, if the rule lets one be sent, shows at the next send.
            let _ = socket.send_to(&vec![b'x'; size], SocketAddr::new(to, 1000 + number));
        }
        Ok(())
    })
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) -> Result<(), Failed> {
    let end = Instant::now() + PATIENCE;
    while !done() {
        if Instant::now() > end {
            return Err(format!("waited {PATIENCE:?} for {what}").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
