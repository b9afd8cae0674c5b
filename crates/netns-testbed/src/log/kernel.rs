//! Reading the kernel's own log.

mod all_namespaces;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::log::Logged;
use crate::log::kernel::all_namespaces::AllNamespaces;
use crate::tap::readable_before;
use crate::trial::skip;
use crate::world::World;

/// One record a `read`.
const KMSG: &str = "/dev/kmsg";
/// The longest record, with what precedes it, and room.
const RECORD: usize = 16 * 1024;

/// Reads what `LOG` rules of one world's gateway write to the kernel log, from when it is opened.
///
/// The kernel logs nothing for other namespaces than the first unless `net.netfilter.nf_log_all_netns` is 1.
/// While one of these is open it is; when the last is gone, whatever happened, it is what it was before.
#[derive(Debug)]
pub struct KernelLog {
    kmsg: File,
    macs: Vec<String>,
    _all_namespaces: AllNamespaces,
}

impl KernelLog {
    /// The log of the gateway of `world`.
    ///
    /// # Errors
    ///
    /// As an ordinary user and in most containers, which may not read the kernel log: handed back from a trial,
    /// the error shows it as ignored.
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
        let macs = ["eth0", "eth1"].map(|name| {
            world
                .gateway
                .interface(name)
                .mac
                .map(|byte| format!("{byte:02x}"))
                .join(":")
        });
        Ok(Self {
            kmsg,
            macs: macs.to_vec(),
            _all_namespaces: all_namespaces,
        })
    }

    /// The next packet logged that came in through this gateway's interfaces; `None` if there is none within
    /// `timeout`.
    ///
    /// # Errors
    ///
    /// When the kernel's buffer was overwritten before it was read.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Logged>, Failed> {
        let deadline = Instant::now() + timeout;
        let mut record = vec![0; RECORD];
        loop {
            match self.kmsg.read(&mut record) {
                Ok(length) => {
                    let record = String::from_utf8_lossy(record.get(..length).unwrap_or_default());
                    if let Some(logged) = self.logged(&record) {
                        return Ok(Some(logged));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !readable_before(self.kmsg.as_fd(), deadline)? {
                        return Ok(None);
                    }
                }
                Err(error) if error.raw_os_error() == Some(Errno::EPIPE as i32) => {
                    return Err(format!(
                        "records of {KMSG} were overwritten before they were read"
                    )
                    .into());
                }
                Err(error) => return Err(format!("cannot read {KMSG}: {error}").into()),
            }
        }
    }

    /// `4,1234,5678,-;PREFIX IN=eth0 OUT= MAC=… SRC=… …`, and lines ` KEY=value` after it.
    fn logged(&self, record: &str) -> Option<Logged> {
        let (_, message) = record.split_once(';')?;
        let line = message.lines().next()?;
        let mac = line.split_once(" MAC=")?.1;
        self.macs.iter().find(|own| mac.starts_with(own.as_str()))?;
        let source = line
            .split_once(" SRC=")?
            .1
            .split(' ')
            .next()?
            .parse()
            .ok()?;
        let prefix = line.split_once("IN=")?.0.to_owned();
        Some(Logged {
            prefix,
            source,
            text: line.to_owned(),
        })
    }
}

/// Root, and not only in a user namespace.
fn is_root_of_the_host() -> bool {
    let whole = "0 0 4294967295";
    nix::unistd::geteuid().is_root()
        && fs::read_to_string("/proc/self/uid_map")
            .is_ok_and(|map| map.split_whitespace().collect::<Vec<_>>().join(" ") == whole)
}
