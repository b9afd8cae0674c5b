//! Killed at every system call, the program leaves the old firewall or the new one.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::thread;

use iptables_ruleset::{Checkpoint, Config, Family, Kernel as _, KernelSet, Nftables, Snapshot};
use netns_testbed::{Failed, Namespace, Trial, trial};
use nix::libc::SYS_socket;

use crate::host::all_rules;
use crate::machine::Machine;
use crate::traced::traced;

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
            "killed_in_the_middle_who_waits_goes_back",
            who_waits_goes_back,
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
    kernel: Nftables,
    /// The way back to the old one, and the file that tells what went in last.
    back: (Checkpoint, String),
    /// The tables as they were last seen, and whether the new firewall was in.
    seen: Option<(Snapshot, bool)>,
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
        let mut kernel = Nftables::connect()?;
        let tables = kernel.snapshot()?;
        let ours = Family::BOTH.map(|family| Config::default().ruleset(family));
        let [ip, ip6] = ours;
        let set_name = |index: u16| Some(index.to_string());
        let checkpoint = Checkpoint::of(&tables, [&ip?, &ip6?], set_name);
        let back = (checkpoint, machine.last()?);
        Ok(Self {
            machine,
            old,
            new,
            kernel,
            back,
            seen: Some((tables, false)),
        })
    }

    /// Puts the old one back, faster than the program does.
    fn put_back(&mut self) -> Result<(), Failed> {
        let (checkpoint, last) = &self.back;
        // The sets are never made anew.
        let mut set = |index: &str| index.parse().map(|index| KernelSet::new(index, None));
        checkpoint.go_back(&mut self.kernel, &mut set)?;
        let tables = self.kernel.snapshot()?;
        let differences = checkpoint.differences(&tables, &mut set);
        assert!(differences.is_empty(), "{differences:#?}");
        self.seen = Some((tables, false));
        self.machine.write_last(last)
    }

    /// Whether the kernel has changed nothing since the tables were last seen.
    fn is_unchanged(&mut self) -> Result<bool, Failed> {
        Ok(match &self.seen {
            Some((tables, _)) => self.kernel.is_current(tables)?,
            None => false,
        })
    }

    /// Whether the new one is in; anything but the one or the other is an error.
    fn is_new(&mut self, at: usize) -> Result<bool, Failed> {
        if let Some((tables, is_new)) = &self.seen {
            // The kernel counts its changes: there was none.
            if self.kernel.is_current(tables)? {
                return Ok(*is_new);
            }
        }
        let rules = all_rules()?;
        let is_new = rules == self.new;
        if !is_new && rules != self.old {
            return Err(
                format!("killed at system call {at}, there is neither firewall:\n{rules}").into(),
            );
        }
        self.seen = Some((self.kernel.snapshot()?, is_new));
        Ok(is_new)
    }
}

fn apply_leaves_the_old_or_the_new() -> Result<(), Failed> {
    let changed = everywhere(|calls| {
        let mut firewalls = Firewalls::new()?;
        let mut changed = 0;
        for at in calls {
            let arguments = firewalls.machine.arguments(NEW, &[])?;
            let killed = is_killed_at(at, &arguments)?;
            if firewalls.is_new(at)? {
                changed += 1;
                firewalls.put_back()?;
            }
            if !killed {
                assert!(at > 100, "only {at} system calls");
                break;
            }
        }
        Ok(changed)
    })?;
    // Each share comes to its end once without being killed.
    assert!(changed > SHARES, "it was never killed behind the change");
    Ok(())
}

/// The new firewall is never in without the file that leads back.
fn what_waits_can_go_back() -> Result<(), Failed> {
    let went_back = everywhere(|calls| {
        let mut firewalls = Firewalls::new()?;
        let mut went_back = 0;
        for at in calls {
            let arguments = firewalls.machine.arguments(NEW, &WAITS)?;
            let killed = is_killed_at(at, &arguments)?;
            let is_new = firewalls.is_new(at)?;
            if firewalls.machine.file().exists() {
                firewalls.machine.say("rollback")?.exits(0)?;
                went_back += 1;
                assert!(!firewalls.is_new(at)?, "killed at system call {at}");
            } else {
                assert!(!is_new, "killed at system call {at}, nothing leads back");
            }
            if !killed {
                break;
            }
        }
        Ok(went_back)
    })?;
    assert!(
        went_back > SHARES + 10,
        "it was never killed while it changed something"
    );
    Ok(())
}

/// Also where the first process never came to say that the change is in.
fn who_waits_goes_back() -> Result<(), Failed> {
    const SOME: usize = 6;
    let went_back = everywhere(|calls| {
        let mut firewalls = Firewalls::new()?;
        let mut went_back = 0;
        for at in calls.step_by(SOME) {
            let waits = ["--confirm-within", "1s"];
            let arguments = firewalls.machine.arguments(NEW, &waits)?;
            let killed = is_killed_at(at, &arguments)?;
            if firewalls.is_unchanged()? {
                // Whether somebody waits by now, there is nothing to go back to.
                firewalls.machine.say("rollback")?;
            } else {
                went_back += 1;
            }
            firewalls.machine.settled()?;
            assert!(!firewalls.is_new(at)?, "killed at system call {at}");
            if !killed {
                break;
            }
        }
        Ok(went_back)
    })?;
    assert!(went_back > SHARES, "it was never killed behind the change");
    Ok(())
}

fn a_rollback_can_be_said_again() -> Result<(), Failed> {
    let again = everywhere(|calls| {
        let mut firewalls = Firewalls::new()?;
        let pending = firewalls.machine.file().display().to_string();
        let arguments = ["rollback", "--pending", &pending].map(str::to_owned);
        let mut again = 0;
        for at in calls {
            if !firewalls.machine.file().exists() {
                firewalls.machine.apply(NEW, &WAITS)?.exits(0)?;
            }
            let killed = is_killed_at(at, &arguments)?;
            let is_new = firewalls.is_new(at)?;
            if is_new {
                assert!(
                    firewalls.machine.file().exists(),
                    "killed at system call {at}"
                );
                again += 1;
            }
            if !killed {
                assert!(!firewalls.machine.file().exists());
                assert!(!is_new);
                break;
            }
        }
        Ok(again)
    })?;
    assert!(again > 10, "it was never killed before the change");
    Ok(())
}

/// Has each of [`SHARES`] go through its share of the system calls, counted from 1, in a network of
/// its own, all at the same time: most of what a run takes is waiting for the kernel, which lets
/// every processor pass before it takes rules away. Returns the sum of what they count.
fn everywhere(
    share: impl Fn(&mut dyn Iterator<Item = usize>) -> Result<usize, Failed> + Sync,
) -> Result<usize, Failed> {
    thread::scope(|scope| {
        let shares: Vec<_> = (1..=SHARES)
            .map(|first| {
                let share = &share;
                // Who watches a process is the thread that it is a child of.
                scope.spawn(move || Namespace::new()?.run(|| share(&mut (first..).step_by(SHARES))))
            })
            .collect();
        let mut sum = 0;
        for share in shares {
            sum += share.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        }
        Ok(sum)
    })
}

/// How many networks a trial goes through the system calls in at a time.
const SHARES: usize = 8;

/// Runs the program and kills it at the beginning of its system call number `at`, counted from the
/// first socket that it opens. `false` when it ended before.
fn is_killed_at(at: usize, arguments: &[String]) -> Result<bool, Failed> {
    let mut count = 0;
    let said = traced(arguments, |call| {
        count = match count {
            0 if call.number()? != SYS_socket => 0,
            count => count + 1,
        };
        Ok(if count == at {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(said.is_none())
}
