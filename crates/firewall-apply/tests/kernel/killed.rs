//! Killed at every system call, the program leaves the old firewall or the new one.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use netns_testbed::{Failed, Trial, skip, trial};
use nix::errno::Errno;
use nix::libc::SYS_socket;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::confirm::Machine;
use crate::host::all_rules;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "killed_at_every_system_call_apply_leaves_the_old_or_the_new",
            apply_leaves_the_old_or_the_new,
        ),
        trial(
            "killed_at_every_system_call_what_waits_can_go_back",
            what_waits_can_go_back,
        ),
        trial(
            "killed_at_every_system_call_a_rollback_can_be_said_again",
            a_rollback_can_be_said_again,
        ),
    ]
}

const OLD: &str = "[[service]]\nname = \"ssh\"\nprotocol = \"tcp\"\nports = [22]\n";
const NEW: &str = "[policy]\nforward = \"accept\"\n[[service]]\nname = \"web\"\nprotocol = \"tcp\"\nports = [80]\n";
/// A time that no trial reaches.
const WAITS: [&str; 2] = ["--confirm-within", "1h"];

/// The rules with either configuration.
struct Firewalls {
    machine: Machine,
    old: String,
    new: String,
}

impl Firewalls {
    /// The old one is in, with its sets.
    fn new() -> Result<Self, Failed> {
        let machine = Machine::new()?;
        machine.apply(NEW, &[])?.exits(0)?;
        let new = all_rules()?;
        machine.apply(OLD, &[])?.exits(0)?;
        let old = all_rules()?;
        assert_ne!(old, new);
        Ok(Self { machine, old, new })
    }

    /// Whether the new one is in; anything but the one or the other is an error.
    fn is_new(&self, at: usize) -> Result<bool, Failed> {
        let rules = all_rules()?;
        if rules == self.new {
            return Ok(true);
        }
        if rules == self.old {
            return Ok(false);
        }
        Err(format!("killed at system call {at}, there is neither firewall:\n{rules}").into())
    }
}

fn apply_leaves_the_old_or_the_new() -> Result<(), Failed> {
    let firewalls = Firewalls::new()?;
    let mut changed = 0;
    for at in 1.. {
        let arguments = firewalls.machine.arguments(NEW, &[])?;
        let killed = is_killed_at(at, &arguments)?;
        if firewalls.is_new(at)? {
            changed += 1;
            firewalls.machine.apply(OLD, &[])?.exits(0)?;
        }
        if !killed {
            assert!(at > 100, "only {at} system calls");
            assert!(changed > 1, "it was never killed behind the change");
            return Ok(());
        }
    }
    Ok(())
}

/// The new firewall is never in without the file that leads back.
fn what_waits_can_go_back() -> Result<(), Failed> {
    let firewalls = Firewalls::new()?;
    let mut went_back = 0;
    for at in 1.. {
        let arguments = firewalls.machine.arguments(NEW, &WAITS)?;
        let killed = is_killed_at(at, &arguments)?;
        let is_new = firewalls.is_new(at)?;
        if firewalls.machine.file().exists() {
            firewalls.machine.say("rollback")?.exits(0)?;
            went_back += 1;
        } else {
            assert!(!is_new, "killed at system call {at}, nothing leads back");
        }
        assert!(!firewalls.is_new(at)?, "killed at system call {at}");
        if !killed {
            assert!(
                went_back > 10,
                "it was never killed while it changed something"
            );
            return Ok(());
        }
    }
    Ok(())
}

fn a_rollback_can_be_said_again() -> Result<(), Failed> {
    let firewalls = Firewalls::new()?;
    let pending = firewalls.machine.file().display().to_string();
    let arguments = ["rollback", "--pending", &pending].map(str::to_owned);
    let mut again = 0;
    for at in 1.. {
        if !firewalls.machine.file().exists() {
            firewalls.machine.apply(NEW, &WAITS)?.exits(0)?;
        }
        let killed = is_killed_at(at, &arguments)?;
        if firewalls.is_new(at)? {
            assert!(
                firewalls.machine.file().exists(),
                "killed at system call {at}"
            );
            again += 1;
        }
        if !killed {
            assert!(!firewalls.machine.file().exists());
            assert!(!firewalls.is_new(at)?);
            assert!(again > 10, "it was never killed before the change");
            return Ok(());
        }
    }
    Ok(())
}

/// Runs the program and kills it at the beginning of its system call number `at`, counted from the
/// first socket that it opens. `false` when it ended before.
fn is_killed_at(at: usize, arguments: &[String]) -> Result<bool, Failed> {
    // The shell waits until it is watched, and then becomes the program.
    let mut child = Command::new("/bin/sh")
        .args([
            "-c",
            "read -r line; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_firewall-apply"),
        ])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let process = Pid::from_raw(i32::try_from(child.id())?);
    let options =
        Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL;
    match ptrace::seize(process, options) {
        Err(Errno::EPERM) => {
            child.kill()?;
            child.wait()?;
            return Err(skip("this host does not let a process be traced"));
        }
        other => other?,
    }
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(b"\n")?;
    }
    let mut begins = false;
    let mut count = 0;
    loop {
        match waitpid(process, None)? {
            WaitStatus::PtraceEvent(_, _, event) if event == Event::PTRACE_EVENT_EXEC as i32 => {
                // What comes next is the end of that call.
                begins = false;
            }
            WaitStatus::PtraceSyscall(_) if begins => {
                begins = false;
                count = match count {
                    0 if call_of(process)? != SYS_socket => 0,
                    count => count + 1,
                };
                if count == at {
                    kill(process, Signal::SIGKILL)?;
                    child.wait()?;
                    return Ok(true);
                }
            }
            WaitStatus::PtraceSyscall(_) => begins = true,
            WaitStatus::Stopped(_, signal) => {
                ptrace::syscall(process, signal)?;
                continue;
            }
            WaitStatus::Exited(..) => return Ok(false),
            WaitStatus::PtraceEvent(..) => {}
            other => return Err(format!("{other:?}").into()),
        }
        ptrace::syscall(process, None)?;
    }
}

/// The number of the system call that a stopped process is in.
fn call_of(process: Pid) -> Result<i64, Failed> {
    let text = fs::read_to_string(format!("/proc/{process}/syscall"))?;
    let number = text.split(' ').next().unwrap_or_default();
    Ok(number.trim().parse()?)
}
