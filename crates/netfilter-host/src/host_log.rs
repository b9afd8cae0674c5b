//! Words for the log of the host: the journal, or else syslog, or else the kernel's log.
//!
//! ```no_run
//! use netfilter_host::host_log::{HostLog, Level};
//!
//! let fields = [("RAMPART_SOURCE", "203.0.113.7")];
//! HostLog::of_this_host()
//!     .tell("log-scanner", Level::Notice, "203.0.113.7: banned", &fields)?;
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// How much it matters, as syslog(3) counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level {
    /// Somebody has to do something.
    Critical = 2,
    /// Something happened that people ask about.
    Notice = 5,
}

/// Where a host takes what is to be in its log.
#[derive(Clone, Debug)]
pub struct HostLog {
    root: PathBuf,
    or_kernel: bool,
}

impl HostLog {
    /// The journal and syslog of this host.
    #[must_use]
    pub fn of_this_host() -> Self {
        Self::under(Path::new("/"))
    }

    /// Those of a host whose `/` is a directory of this one.
    #[must_use]
    pub fn under(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            or_kernel: false,
        }
    }

    /// The kernel's log, too, where there is neither journal nor syslog: for what must not be lost
    /// while a host comes up.
    #[must_use]
    pub fn or_kernel(mut self) -> Self {
        self.or_kernel = true;
        self
    }

    /// Says it in the name of a program to the first that takes it, and waits for none of them. Of a
    /// message about 900 bytes are kept, in one line. The journal gets the fields as well, whose names
    /// are capital letters, digits and `_`.
    ///
    /// # Errors
    ///
    /// None takes it; why the last one did not.
    pub fn tell(
        &self,
        name: &str,
        level: Level,
        message: &str,
        fields: &[(&str, &str)],
    ) -> io::Result<()> {
        let message = one_line(message);
        let level = level as u8;
        let tag = format!(
            "<{}>{name}[{}]: {message}",
            FACILITY + level,
            std::process::id()
        );
        let mut record = format!("PRIORITY={level}\nSYSLOG_IDENTIFIER={name}\nMESSAGE={message}\n");
        let fields = fields.iter();
        record.extend(fields.map(|(field, value)| format!("{field}={}\n", one_line(value))));
        let told = self.send(JOURNAL, record.as_bytes());
        let told = told.or_else(|_| self.send(SYSLOG, tag.as_bytes()));
        if !self.or_kernel {
            return told;
        }
        told.or_else(|_| self.write(tag.as_bytes()))
    }

    fn send(&self, to: &str, datagram: &[u8]) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to(datagram, self.root.join(to)).map(drop)
    }

    fn write(&self, line: &[u8]) -> io::Result<()> {
        // No file is made where there is no such device.
        let mut log = OpenOptions::new()
            .write(true)
            .open(self.root.join(KERNEL))?;
        // In one write, which is one record.
        log.write_all(line)
    }
}

/// The message in one line that fits into a record of the kernel's log. A line break would begin a
/// record, or a field, of its own.
fn one_line(message: &str) -> String {
    let mut line = String::new();
    for character in message.chars() {
        let character = if character.is_control() {
            ' '
        } else {
            character
        };
        if line.len() + character.len_utf8() > MOST {
            line.push('…');
            break;
        }
        line.push(character);
    }
    line
}

// From `/` on.
const JOURNAL: &str = "run/systemd/journal/socket";
const SYSLOG: &str = "dev/log";
const KERNEL: &str = "dev/kmsg";
/// `LOG_DAEMON`, sys/syslog.h. Whoever reads the kernel's log tells by it who wrote a line.
const FACILITY: u8 = 3 << 3;
/// Bytes: less than `PRINTKRB_RECORD_MAX`, `kernel/printk/internal.h`, is for a message.
const MOST: usize = 900;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by panicking"
)]
mod tests {
    use std::fs;

    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut datagram = [0; 4096];
        let length = socket.recv(&mut datagram).unwrap();
        String::from_utf8_lossy(&datagram[..length]).into_owned()
    }

    #[test]
    fn the_journal_is_told_before_syslog_before_the_kernel() {
        let made = tempfile::tempdir().unwrap();
        let path = |path: &str| made.path().join(path);
        fs::create_dir_all(path("run/systemd/journal")).unwrap();
        fs::create_dir(path("dev")).unwrap();
        let log = HostLog::under(made.path());
        let say = |log: &HostLog| {
            log.tell(
                "a-program",
                Level::Critical,
                "it\nfails",
                &[("A", "b\nC=d")],
            )
        };
        assert!(say(&log).is_err());
        let with_kernel = log.clone().or_kernel();
        assert!(say(&with_kernel).is_err());
        assert!(!path(KERNEL).exists(), "nothing is made");
        fs::write(path(KERNEL), "").unwrap();
        assert!(say(&log).is_err());
        say(&with_kernel).unwrap();
        let kernel = fs::read_to_string(path(KERNEL)).unwrap();
        assert!(kernel.starts_with("<26>a-program["), "{kernel}");
        assert!(kernel.ends_with("]: it fails"), "{kernel}");
        let syslog = UnixDatagram::bind(path(SYSLOG)).unwrap();
        say(&log).unwrap();
        assert_eq!(received(&syslog), kernel);
        let journal = UnixDatagram::bind(path(JOURNAL)).unwrap();
        say(&with_kernel).unwrap();
        assert_eq!(
            received(&journal),
            "PRIORITY=2\nSYSLOG_IDENTIFIER=a-program\nMESSAGE=it fails\nA=b C=d\n"
        );
        // One that is gone, and has left its name behind.
        drop((journal, syslog));
        say(&with_kernel).unwrap();
        assert_eq!(fs::read_to_string(path(KERNEL)).unwrap(), kernel);
    }

    #[test]
    fn a_message_is_a_line_of_bounded_length() {
        assert!(one_line(&"ä".repeat(2000)).len() < 1000);
    }
}
