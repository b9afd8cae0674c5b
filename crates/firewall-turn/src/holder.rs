//! Who has the turn.

use std::{fmt, fs};

/// The program that has the turn, as far as it is known.
///
/// As text: `log-scanner (process 4711)`, `process 4711`, `another program`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    process: Option<u32>,
}

impl Holder {
    /// Its number, in its own process namespace; `None` when its socket does not say.
    pub fn process(&self) -> Option<u32> {
        self.process
    }

    /// Who is bound to the NFLOG group in the network namespace of this thread.
    pub(crate) fn of(group: u16) -> Self {
        // Columns: group, netlink port of who is bound to it, and more. Only root of the namespace
        // may read it.
        let bound = fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_log");
        let port = port_of(&bound.unwrap_or_default(), group);
        Self {
            process: port.and_then(process_of),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(process) = self.process else {
            return f.write_str("another program");
        };
        match fs::read_to_string(format!("/proc/{process}/comm")) {
            Ok(name) => write!(f, "{} (process {process})", name.trim_end()),
            Err(_) => write!(f, "process {process}"),
        }
    }
}

fn port_of(bound: &str, group: u16) -> Option<u32> {
    bound.lines().find_map(|line| {
        let mut columns = line.split_whitespace().map(str::parse);
        match (columns.next(), columns.next()) {
            (Some(Ok(bound)), Some(Ok(port))) if bound == u32::from(group) => Some(port),
            _ => None,
        }
    })
}

/// The netlink port that tells which process a turn is held by: a process may have other netlink
/// sockets, one of which has the process's number itself.
pub(crate) fn port_for(process: u32) -> u32 {
    MARK | process & !MARK_BITS
}

fn process_of(port: u32) -> Option<u32> {
    (port & MARK_BITS == MARK).then_some(port & !MARK_BITS)
}

/// Above the numbers of processes, which have 22 bits (`PID_MAX_LIMIT` in `linux/threads.h`), and
/// below the ports that the kernel gives out when a number is taken.
const MARK: u32 = (b'R' as u32) << 24;
const MARK_BITS: u32 = 0xff << 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_from_the_kernels_list() {
        // From /proc/net/netfilter/nfnetlink_log of Linux 6.18, the second one of a process 4711.
        let list = "    5  12345     0 2  1024     10  0  1\n21057 1375736423     0 2 65535    100  0  1\n";
        assert_eq!(port_of(list, 21057).and_then(process_of), Some(4711));
        assert_eq!(port_of(list, 5), Some(12345));
        assert_eq!(process_of(12345), None);
        assert_eq!(port_of(list, 6), None);
        assert_eq!(process_of(port_for((1 << 22) - 1)), Some((1 << 22) - 1));
    }
}
