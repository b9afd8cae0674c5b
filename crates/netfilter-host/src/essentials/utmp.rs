//! The sessions that utmp(5) keeps, where a system still has it.
//!
//! The name of the remote host there is what a name server said, or anybody who may write the file;
//! the address beside it is the other end of the connection.

use std::mem::offset_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use jiff::Timestamp;
use nix::errno::Errno;
use nix::libc::{self, utmpx};
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::files::{address, read};
use super::sessions::{Session, user};

/// The sessions in a file whose processes are still there.
pub(super) fn sessions(file: &Path) -> Vec<Session> {
    let bytes = read(file).unwrap_or_default();
    let records = bytes.chunks_exact(size_of::<utmpx>());
    records
        .filter_map(|record| {
            let (session, process) = session(record)?;
            is_there(process).then_some(session)
        })
        .collect()
}

/// The session of a record, if it is one from another host, and its process.
fn session(record: &[u8]) -> Option<(Session, i32)> {
    let kind = i16::from_ne_bytes(field(record, offset_of!(utmpx, ut_type))?);
    if kind != libc::USER_PROCESS {
        return None;
    }
    let peer: [u8; 16] = field(record, offset_of!(utmpx, ut_addr_v6))?;
    // An IPv4 address is the first four bytes, and the others are nothing.
    let peer = match peer {
        [a, b, c, d, rest @ ..] if rest == [0; 12] => IpAddr::from(Ipv4Addr::new(a, b, c, d)),
        all => IpAddr::from(Ipv6Addr::from(all)),
    };
    let name: [u8; 32] = field(record, offset_of!(utmpx, ut_user))?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let since = seconds(record);
    let session = Session {
        peer: address(&peer.to_string())?,
        user: user(&String::from_utf8_lossy(name)),
        since: since.and_then(|since| Timestamp::from_second(since).ok()),
    };
    let process = i32::from_ne_bytes(field(record, offset_of!(utmpx, ut_pid))?);
    Some((session, process))
}

/// When it began. Where the C library keeps compatible with 32 bits, there are no more.
fn seconds(record: &[u8]) -> Option<i64> {
    let at = offset_of!(utmpx, ut_tv);
    if offset_of!(utmpx, ut_addr_v6) - at >= 16 {
        return Some(i64::from_ne_bytes(field(record, at)?));
    }
    Some(i32::from_ne_bytes(field(record, at)?).into())
}

fn field<const N: usize>(record: &[u8], at: usize) -> Option<[u8; N]> {
    record.get(at..)?.first_chunk().copied()
}

/// Whether a process is there, also one that is not ours.
fn is_there(process: i32) -> bool {
    // 0 and what is below it are groups of processes.
    process > 0 && kill(Pid::from_raw(process), None) != Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn record(kind: i16, process: i32, user: &str, peer: [u8; 16]) -> Vec<u8> {
        let mut record = vec![0; size_of::<utmpx>()];
        let mut put = |at: usize, bytes: &[u8]| {
            record[at..at + bytes.len()].copy_from_slice(bytes);
        };
        put(offset_of!(utmpx, ut_type), &kind.to_ne_bytes());
        put(offset_of!(utmpx, ut_pid), &process.to_ne_bytes());
        put(offset_of!(utmpx, ut_user), user.as_bytes());
        put(offset_of!(utmpx, ut_host), b"192.0.2.99");
        put(offset_of!(utmpx, ut_tv), &1_795_334_400_i32.to_ne_bytes());
        put(offset_of!(utmpx, ut_addr_v6), &peer);
        record
    }

    #[test]
    fn who_is_logged_in() {
        let v4 = |last| {
            let mut peer = [0; 16];
            peer[..4].copy_from_slice(&[203, 0, 113, last]);
            peer
        };
        let v6 = "2001:db8::9".parse::<Ipv6Addr>().unwrap().octets();
        let here = i32::try_from(std::process::id()).unwrap();
        let records = [
            record(libc::USER_PROCESS, here, "anna", v4(9)),
            record(libc::USER_PROCESS, here, "bob", v6),
            record(libc::DEAD_PROCESS, here, "", v4(10)),
            // As a crash leaves it; no process has so high a number.
            record(libc::USER_PROCESS, i32::MAX, "carl", v4(11)),
            record(libc::USER_PROCESS, 0, "dora", v4(12)),
            record(libc::USER_PROCESS, here, "console", [0; 16]),
            vec![7; 100],
        ];
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("utmp");
        fs::write(&file, records.concat()).unwrap();
        let told: Vec<_> = sessions(&file)
            .into_iter()
            .map(|session| format!("{} {} {:?}", session.peer, session.user, session.since))
            .collect();
        assert_eq!(
            told,
            [
                "203.0.113.9 anna Some(2026-11-22T08:00:00Z)",
                "2001:db8::9 bob Some(2026-11-22T08:00:00Z)"
            ]
        );
        assert!(sessions(&directory.path().join("none")).is_empty());
    }
}
