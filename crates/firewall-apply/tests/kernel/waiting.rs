//! Who waits for a change to be confirmed, whatever becomes of whom it was made by.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use netns_testbed::{Failed, Tool, Trial, trial};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::host::{Run, all_rules, firewall_apply, tool};
use crate::machine::{
    AFTER, BEFORE, ENOUGH, LONG, Machine, is_gone, listed, process_of, wait_until,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "who_waits_has_left_the_session",
            who_waits_has_left_the_session,
        ),
        trial(
            "who_waits_does_not_hear_of_a_terminal_that_hangs_up",
            a_terminal_hangs_up,
        ),
        trial(
            "the_file_is_enough_when_nobody_waits_any_more",
            the_file_is_enough_when_nobody_waits_any_more,
        ),
        trial(
            "going_back_that_fails_is_told_and_tried_again",
            going_back_that_fails_is_told_and_tried_again,
        ),
        trial("the_unit_waits_as_well", the_unit_waits_as_well),
    ]
}

/// Neither a terminal that is lost nor the end of all that the first process belonged to reaches
/// it.
fn who_waits_has_left_the_session() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    let before = listed()?;
    // As with ssh, somebody reads standard output until nobody has it open.
    let child = Command::new(env!("CARGO_BIN_EXE_firewall-apply"))
        .args(machine.arguments(AFTER, &["--confirm-within", LONG])?)
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let group = Pid::from_raw(i32::try_from(child.id())?);
    let started = Instant::now();
    let run = Run::from(child.wait_with_output()?).exits(0)?;
    let read_in = started.elapsed();
    let process = process_of(&run)?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let rest: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    // Of proc(5): state, ppid, pgrp, session, tty_nr.
    let number = process.to_string();
    assert_eq!(
        rest.get(2..5),
        Some(&[&*number, &*number, "0"][..]),
        "{stat}"
    );
    for signal in [Signal::SIGHUP, Signal::SIGKILL] {
        assert_eq!(killpg(group, signal), Err(Errno::ESRCH));
    }
    let open = fs::read_dir(format!("/proc/{process}/fd"))?;
    for file in open {
        let target = fs::read_link(file?.path())?;
        let target = target.to_string_lossy();
        let is_own = target == "/dev/null" || target.starts_with("socket:");
        assert!(is_own, "{target}");
    }
    machine.say("rollback")?.exits(0)?;
    assert_eq!(listed()?, before);
    wait_until("the process ends", || is_gone(process))?;
    // Standard output had an end long before.
    assert!(read_in < ENOUGH);
    Ok(())
}

/// As when the connection of an administrator is lost: everything in his terminal is told to end.
fn a_terminal_hangs_up() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    let before = listed()?;
    let shell = machine.scratch.path("shell");
    let words = machine.arguments(AFTER, &["--confirm-within", "2s"])?;
    let line = format!(
        "{} {}; echo $$ >{}; sleep 1000",
        env!("CARGO_BIN_EXE_firewall-apply"),
        words.join(" "),
        shell.display()
    );
    // It has the other end of the terminal.
    let mut terminal = Command::new(Tool::require("script")?.path())
        .args(["--quiet", "--command", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let number = || fs::read_to_string(&shell).ok()?.trim().parse::<i32>().ok();
    wait_until("the change is in", || number().is_some())?;
    terminal.kill()?;
    terminal.wait()?;
    let shell = number().ok_or("no shell")?;
    wait_until("the shell ends", || is_gone(shell))?;
    machine.settled()?;
    assert_eq!(listed()?, before);
    Ok(())
}

fn the_file_is_enough_when_nobody_waits_any_more() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    let before = listed()?;
    for command in ["rollback", "confirm"] {
        let run = machine
            .apply(AFTER, &["--confirm-within", "1s"])?
            .exits(0)?;
        let after = listed()?;
        let process = process_of(&run)?;
        kill(Pid::from_raw(process), Signal::SIGKILL)?;
        wait_until("the process ends", || is_gone(process))?;
        // Unless its time was over before that.
        if !machine.file().exists() {
            return Err("too slow to be killed in time".into());
        }
        machine.say(command)?.exits(0)?;
        let expected = if command == "confirm" {
            &after
        } else {
            &before
        };
        assert_eq!(&listed()?, expected, "{command}");
        assert!(!machine.file().exists());
    }
    Ok(())
}

/// A journal that is ours, for the calling thread and what it starts.
fn own_journal() -> Result<UnixDatagram, Failed> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let nothing: Option<&str> = None;
    mount(nothing, "/run", Some("tmpfs"), MsFlags::empty(), nothing)?;
    let socket = Path::new("/run/systemd/journal/socket");
    fs::create_dir_all(socket.parent().ok_or("no parent")?)?;
    let journal = UnixDatagram::bind(socket)?;
    journal.set_read_timeout(Some(ENOUGH))?;
    Ok(journal)
}

/// Nobody is there to read what it would write, so it is in the journal, in the file and in what
/// `status` says.
fn going_back_that_fails_is_told_and_tried_again() -> Result<(), Failed> {
    let journal = own_journal()?;
    let message = || -> Result<String, Failed> {
        let mut datagram = [0; 4096];
        let length = journal.recv(&mut datagram)?;
        let text = datagram.get(..length).unwrap_or_default();
        Ok(String::from_utf8_lossy(text).into_owned())
    };
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    let before = all_rules()?;
    let status = || {
        firewall_apply(&[
            "--config",
            "/dev/null",
            "--json",
            "status",
            "--pending",
            &machine.pending,
        ])
    };
    let process = loop {
        let run = machine
            .apply(AFTER, &["--confirm-within", "3s"])?
            .exits(0)?;
        let process = Pid::from_raw(process_of(&run)?);
        // Unless its time was over before that.
        if kill(process, Signal::SIGSTOP).is_ok() && machine.file().exists() {
            break process;
        }
        machine.settled()?;
        message()?;
    };
    let run = status()?;
    let waits = "goes back at 20";
    assert!(run.stderr.contains(waits), "{run:?}");
    assert!(run.json()?["pending"]["until"].is_string(), "{run:?}");
    // In a chain that is not iptables' own no policy can be set.
    tool("nft delete chain ip filter FORWARD")?;
    tool(
        "nft add chain ip filter FORWARD { type filter hook forward priority 5 ; policy accept ; }",
    )?;
    kill(process, Signal::SIGCONT)?;
    let told = message()?;
    for part in [
        "PRIORITY=2\n",
        "MESSAGE=nobody confirmed",
        "going back fails: ",
        "FORWARD",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let text = || fs::read_to_string(machine.file()).unwrap_or_default();
    wait_until("the file says so", || text().contains("\"failed\""))?;
    let run = status()?.exits(1)?;
    assert!(run.stderr.contains("going back failed at 20"), "{run:?}");
    let why = run.json()?["pending"]["failed"]["why"].to_string();
    assert!(why.contains("FORWARD"), "{run:?}");
    // In one step, or who waits may find none.
    tool(
        "nft delete chain ip filter FORWARD ; add chain ip filter FORWARD { type filter hook forward priority 0 ; policy accept ; }",
    )?;
    machine.settled()?;
    let told = message()?;
    assert!(told.contains("what was there before is back"), "{told}");
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(sorted(&all_rules()?), sorted(&before));
    assert_eq!(status()?.json()?["pending"], serde_json::Value::Null);
    Ok(())
}

/// A session whose processes all end with it takes the one that waits along; this one it does not.
fn the_unit_waits_as_well() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    let before = listed()?;
    let run = machine
        .apply(AFTER, &["--confirm-within", "2s"])?
        .exits(0)?;
    kill(Pid::from_raw(process_of(&run)?), Signal::SIGKILL)?;
    firewall_apply(&["rollback", "--when-due", "--pending", &machine.pending])?.exits(0)?;
    assert_eq!(listed()?, before);
    firewall_apply(&["rollback", "--when-due", "--pending", &machine.pending])?.exits(0)?;
    let service = include_str!("../../../../packaging/systemd/rampart-rollback.service");
    let path = include_str!("../../../../packaging/systemd/rampart-rollback.path");
    for (unit, line) in [
        (
            service,
            "ExecStart=/usr/sbin/firewall-apply rollback --when-due",
        ),
        (path, "PathExists=/var/lib/rampart/firewall.pending.json"),
    ] {
        assert!(unit.lines().any(|other| other == line), "{line} is missing");
    }
    Ok(())
}
