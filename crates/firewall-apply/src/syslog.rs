//! Words for the log of the host, from a process that nobody reads.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;

use crate::host::Host;

/// How much it matters, as syslog(3) counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Level {
    /// Somebody has to do something.
    Critical = 2,
    /// Something happened that people ask about.
    Notice = 5,
}

/// Says it to the journal, or else to syslog, or else to the kernel's log: to the first that takes
/// it. Waits for none of them.
pub(crate) fn tell(host: &Host, level: Level, message: &str) {
    let message = one_line(message);
    let level = level as u8;
    let tag = format!(
        "<{}>{NAME}[{}]: {message}",
        FACILITY + level,
        std::process::id()
    );
    let fields = format!("PRIORITY={level}\nSYSLOG_IDENTIFIER={NAME}\nMESSAGE={message}\n");
    let told = send(host, JOURNAL, fields.as_bytes())
        .or_else(|_| send(host, SYSLOG, tag.as_bytes()))
        .or_else(|_| write(host, tag.as_bytes()));
    // There is nobody left to be told that.
    let _ = told;
}

fn send(host: &Host, to: &str, datagram: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to(datagram, host.path(to)).map(drop)
}

fn write(host: &Host, line: &[u8]) -> io::Result<()> {
    // No file is made where there is no such device.
    let mut log = OpenOptions::new().write(true).open(host.path(KERNEL))?;
    // In one write, which is one record.
    log.write_all(line)
}

/// The message in one line that fits into a record of the kernel's log. A line break would begin a
/// record of its own.
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

const NAME: &str = env!("CARGO_PKG_NAME");
const JOURNAL: &str = "/run/systemd/journal/socket";
const SYSLOG: &str = "/dev/log";
const KERNEL: &str = "/dev/kmsg";
/// `LOG_DAEMON`, sys/syslog.h. Whoever reads the kernel's log tells by it who wrote a line.
const FACILITY: u8 = 3 << 3;
/// Bytes: less than `PRINTKRB_RECORD_MAX`, `kernel/printk/internal.h`, is for a message.
const MOST: usize = 900;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::host::testing::Made;

    fn received(socket: &UnixDatagram) -> String {
        let mut datagram = [0; 4096];
        let length = socket.recv(&mut datagram).unwrap();
        String::from_utf8_lossy(&datagram[..length]).into_owned()
    }

    #[test]
    fn the_journal_is_told_before_syslog_before_the_kernel() {
        let made = Made::new(&[("/dev/kmsg", ""), ("/run/systemd/journal/x", "")]);
        let host = made.host();
        let say = || tell(&host, Level::Critical, "it\nfails");
        say();
        let kernel = fs::read_to_string(host.path(KERNEL)).unwrap();
        assert!(kernel.starts_with("<26>firewall-apply["), "{kernel}");
        assert!(kernel.ends_with("]: it fails"), "{kernel}");
        let syslog = UnixDatagram::bind(host.path(SYSLOG)).unwrap();
        say();
        assert_eq!(received(&syslog), kernel);
        let journal = UnixDatagram::bind(host.path(JOURNAL)).unwrap();
        say();
        assert_eq!(
            received(&journal),
            "PRIORITY=2\nSYSLOG_IDENTIFIER=firewall-apply\nMESSAGE=it fails\n"
        );
        // One that is gone, and has left its name behind.
        drop((journal, syslog));
        say();
        let again = fs::read_to_string(host.path(KERNEL)).unwrap();
        assert_eq!(again, kernel);
    }

    #[test]
    fn where_there_is_none_nothing_is_made() {
        let made = Made::new(&[("/dev/null", "")]);
        tell(&made.host(), Level::Notice, &"ä".repeat(2000));
        assert!(!made.host().exists(KERNEL));
        assert!(one_line(&"ä".repeat(2000)).len() < 1000);
    }
}
