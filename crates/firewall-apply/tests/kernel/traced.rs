//! The program, stopped at each of its system calls.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};

use netns_testbed::{Failed, skip};
use nix::errno::Errno;
use nix::libc::{SYS_sendmsg, SYS_sendto};
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Runs the program, and `look`s at each system call as it begins: a break kills the program there.
/// What it wrote to standard output, all of which a pipe has room for; `None` when it was killed.
pub(crate) fn traced(
    arguments: &[String],
    mut look: impl FnMut(&Call) -> Result<ControlFlow<()>, Failed>,
) -> Result<Option<String>, Failed> {
    // The shell waits until it is watched, and then becomes the program.
    let mut child = Command::new("/bin/sh")
        .args([
            "-c",
            "read -r line; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_firewall-apply"),
        ])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
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
    loop {
        match waitpid(process, None)? {
            WaitStatus::PtraceEvent(_, _, event) if event == Event::PTRACE_EVENT_EXEC as i32 => {
                // What comes next is the end of that call.
                begins = false;
            }
            WaitStatus::PtraceSyscall(_) if begins => {
                begins = false;
                if look(&Call(process))?.is_break() {
                    kill(process, Signal::SIGKILL)?;
                    child.wait()?;
                    return Ok(None);
                }
            }
            WaitStatus::PtraceSyscall(_) => begins = true,
            WaitStatus::Stopped(_, signal) => {
                ptrace::syscall(process, signal)?;
                continue;
            }
            WaitStatus::Exited(..) => {
                let mut said = String::new();
                if let Some(mut stdout) = child.stdout.take() {
                    stdout.read_to_string(&mut said)?;
                }
                return Ok(Some(said));
            }
            WaitStatus::PtraceEvent(..) => {}
            other => return Err(format!("{other:?}").into()),
        }
        ptrace::syscall(process, None)?;
    }
}

/// A system call that begins.
pub(crate) struct Call(Pid);

/// Bytes of the program that it is about to send.
pub(crate) struct Sent {
    memory: File,
    at: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Call {
    /// Its number.
    pub(crate) fn number(&self) -> Result<i64, Failed> {
        let text = fs::read_to_string(format!("/proc/{}/syscall", self.0))?;
        let number = text.split(' ').next().unwrap_or_default();
        Ok(number.trim().parse()?)
    }

    /// What it sends, each of the pieces; none when it sends nothing.
    pub(crate) fn sends(&self) -> Result<Vec<Sent>, Failed> {
        let number = self.number()?;
        if ![SYS_sendto, SYS_sendmsg].contains(&number) {
            return Ok(Vec::new());
        }
        let text = fs::read_to_string(format!("/proc/{}/syscall", self.0))?;
        let hex = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16);
        let arguments = text.split_whitespace().skip(1).map(hex);
        let arguments: Vec<u64> = arguments.collect::<Result<_, _>>()?;
        let [_, buffer, length, ..] = arguments[..] else {
            return Err(format!("not a system call: {text}").into());
        };
        let open = || {
            let path = format!("/proc/{}/mem", self.0);
            OpenOptions::new().read(true).write(true).open(path)
        };
        let memory = open()?;
        let word = |at: u64| -> Result<u64, Failed> {
            let mut word = [0; 8];
            memory.read_exact_at(&mut word, at)?;
            Ok(u64::from_ne_bytes(word))
        };
        let pieces = if number == SYS_sendto {
            vec![(buffer, length)]
        } else {
            // msg_iov and msg_iovlen of struct msghdr.
            let (pieces, count) = (word(buffer + 16)?, word(buffer + 24)?);
            let piece = |n: u64| Ok((word(pieces + 16 * n)?, word(pieces + 16 * n + 8)?));
            (0..count).map(piece).collect::<Result<_, Failed>>()?
        };
        let sent = |(at, length): (u64, u64)| {
            let mut bytes = vec![0; usize::try_from(length)?];
            let memory = open()?;
            memory.read_exact_at(&mut bytes, at)?;
            Ok(Sent { memory, at, bytes })
        };
        pieces.into_iter().map(sent).collect()
    }
}

impl Sent {
    /// Has it send other bytes, as many.
    pub(crate) fn change(&self, bytes: &[u8]) -> Result<(), Failed> {
        assert_eq!(bytes.len(), self.bytes.len());
        Ok(self.memory.write_all_at(bytes, self.at)?)
    }
}
