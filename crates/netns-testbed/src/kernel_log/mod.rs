//! Reading the kernel's own log.

mod all_namespaces;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use libtest_mimic::Failed;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::kernel_log::all_namespaces::AllNamespaces;
use crate::log::Logged;
use crate::trial::skip;
use crate::world::World;

/// One record a `read`.
const KMSG: &str = "/dev/kmsg";
/// The longest record, with what precedes it, and room.
const RECORD: usize = 16 * 1024;

/// Reads what `LOG` rules of one world's gateway write to the kernel log, from when it is opened.
///
/// The kernel logs nothing for other namespaces than the first unless
/// `net.netfilter.nf_log_all_netns` is 1. While one of these is open it is; when the last is gone,
/// whatever happened, it is what it was before.
///
/// A thread reads along: the kernel keeps some hundred lines only, and other worlds write there
/// too.
#[derive(Debug)]
pub struct KernelLog {
    /// Locked by nobody: it makes a reader that can be shared, as all else here can.
    lines: Mutex<Receiver<io::Result<Logged>>>,
    _reader_stops_without: UnixStream,
    _all_namespaces: AllNamespaces,
}

impl KernelLog {
    /// The log of the gateway of `world`.
    ///
    /// # Errors
    ///
    /// As an ordinary user and in most containers, which may not read the kernel log: handed back
    /// from a trial, the error shows it as ignored.
    pub fn open(world: &World) -> Result<Self, Failed> {
        if !is_root_of_the_host() {
            return Err(skip("the LOG target can be read by root of the host only"));
        }
        let all_namespaces = AllNamespaces::new()?;
        let mut kmsg = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(KMSG)
            .map_err(|error| skip(format!("cannot open {KMSG}: {error}")))?;
        kmsg.seek(SeekFrom::End(0))
            .map_err(|error| format!("cannot go to the end of {KMSG}: {error}"))?;
        let gateway = &world.gateway;
        let macs = ["eth0", "eth1"].map(|name| hex(gateway.interface(name).mac));

        let (ours, theirs) = UnixStream::pair()?;
        let (sender, lines) = channel();
        thread::Builder::new()
            .name("kernel log".to_owned())
            .spawn(move || {
                let forward = |record: &str| match logged(record, &macs) {
                    Some(logged) => sender.send(Ok(logged)).is_ok(),
                    None => true,
                };
                if let Err(error) = read_along(kmsg, &theirs, forward) {
                    // Nobody to tell: the reader's owner has gone.
                    let _ = sender.send(Err(error));
                }
            })
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Self {
            lines: Mutex::new(lines),
            _reader_stops_without: ours,
            _all_namespaces: all_namespaces,
        })
    }

    /// The next packet logged that came in through this gateway's interfaces; `None` if there is
    /// none within `timeout`. Lines come in the order in which they were logged, some time after.
    ///
    /// # Errors
    ///
    /// When the kernel's buffer was overwritten before it was read.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Logged>, Failed> {
        let lines = self.lines.get_mut().unwrap_or_else(PoisonError::into_inner);
        match lines.recv_timeout(timeout) {
            Ok(Ok(logged)) => Ok(Some(logged)),
            Ok(Err(error)) => Err(format!("cannot read {KMSG}: {error}").into()),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(format!("{KMSG} is read no more").into()),
        }
    }
}

/// Hands on every record until `forward` does not want it or the other end of `stop` is closed.
fn read_along(mut kmsg: File, stop: &UnixStream, forward: impl Fn(&str) -> bool) -> io::Result<()> {
    let mut record = vec![0; RECORD];
    loop {
        match kmsg.read(&mut record) {
            Ok(length) => {
                let record = record.get(..length).unwrap_or_default();
                if !forward(&String::from_utf8_lossy(record)) {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut either = [
                    PollFd::new(kmsg.as_fd(), PollFlags::POLLIN),
                    PollFd::new(stop.as_fd(), PollFlags::POLLIN),
                ];
                match poll(&mut either, PollTimeout::NONE) {
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                }
                if either.iter().skip(1).any(|stop| stop.any() == Some(true)) {
                    return Ok(());
                }
            }
            Err(error) if error.raw_os_error() == Some(Errno::EPIPE as i32) => {
                return Err(io::Error::other(
                    "records were overwritten before they were read",
                ));
            }
            Err(error) => return Err(error),
        }
    }
}

/// `4,1234,5678,-;PREFIX IN=eth0 OUT= MAC=… SRC=… …`, and lines ` KEY=value` after it.
fn logged(record: &str, macs: &[String]) -> Option<Logged> {
    let (_, message) = record.split_once(';')?;
    let line = message.lines().next()?;
    let mac = line.split_once(" MAC=")?.1;
    macs.iter().find(|own| mac.starts_with(own.as_str()))?;
    let source = line.split_once(" SRC=")?.1.split(' ').next()?;
    Some(Logged {
        prefix: line.split_once("IN=")?.0.to_owned(),
        source: source.parse().ok()?,
        text: line.to_owned(),
    })
}

fn hex(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// Root, and not only in a user namespace.
fn is_root_of_the_host() -> bool {
    let whole = "0 0 4294967295";
    nix::unistd::geteuid().is_root()
        && fs::read_to_string("/proc/self/uid_map")
            .is_ok_and(|map| map.split_whitespace().collect::<Vec<_>>().join(" ") == whole)
}
