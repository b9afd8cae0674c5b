//! Who is logged in from another host.

use std::net::IpAddr;
use std::path::Path;

use jiff::Timestamp;

use super::files::{address, ending, text};
use super::utmp;

/// Somebody who is logged in over ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The host that he sits at.
    pub peer: IpAddr,
    /// As whom; letters, digits and `._-` only, `?` for every other character.
    pub user: String,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
}

/// The sessions over ssh that are open, by what logind keeps below `root`, which is `/` for this
/// host, and by its utmp; one for each address. They begin once somebody is logged in: who merely
/// connects has none.
///
/// Files that are not there, or cannot be read, name nobody.
pub fn sessions(root: &Path) -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    let files = ending(&root.join("run/systemd/sessions"), "");
    let of_logind = files.iter().filter_map(|file| of_logind(&text(file)?));
    let of_utmp = ["run/utmp", "var/run/utmp"];
    let of_utmp = of_utmp
        .iter()
        .flat_map(|file| utmp::sessions(&root.join(file)));
    for session in of_logind.chain(of_utmp) {
        let is_known = sessions.iter().any(|known| known.peer == session.peer);
        if !is_known && sessions.len() < MOST {
            sessions.push(session);
        }
    }
    sessions
}

/// More hosts are not logged in from.
const MOST: usize = 1024;

/// The session that a file of logind is about, if it is one over ssh that goes on.
fn of_logind(text: &str) -> Option<Session> {
    let value = |key: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    let is_over_ssh = value("REMOTE") == Some("1") && value("SERVICE")?.starts_with("ssh");
    if !is_over_ssh || value("STATE") == Some("closing") {
        return None;
    }
    let since = value("REALTIME").and_then(|since| since.parse().ok());
    Some(Session {
        peer: address(value("REMOTE_HOST")?)?,
        user: user(value("USER").unwrap_or_default()),
        since: since.and_then(|since| Timestamp::from_microsecond(since).ok()),
    })
}

/// The name of a user, which a program that logs in may have been given.
pub(super) fn user(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '?'
        }
    };
    name.chars().take(32).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "\
# This is private data. Do not parse.
UID=1000
USER=anna
ACTIVE=1
IS_DISPLAY=0
STATE=active
REMOTE=1
TYPE=tty
CLASS=user
SCOPE=session-7.scope
TTY=pts/0
REMOTE_HOST=203.0.113.9
SERVICE=sshd
LEADER=4711
AUDIT=7
REALTIME=1795334400000001
MONOTONIC=1
";

    #[test]
    fn a_file_of_logind() {
        let session = of_logind(SESSION).unwrap();
        assert_eq!(session.peer, "203.0.113.9".parse::<IpAddr>().unwrap());
        assert_eq!(session.user, "anna");
        assert_eq!(
            session.since.unwrap().to_string(),
            "2026-11-22T08:00:00.000001Z"
        );
        let with = |from: &str, to: &str| of_logind(&SESSION.replace(from, to));
        let v6 = with("203.0.113.9", "2001:db8::9").unwrap();
        assert_eq!(v6.peer, "2001:db8::9".parse::<IpAddr>().unwrap());
        assert_eq!(with("USER=anna", "USER=a\u{1b}b").unwrap().user, "a?b");
        for (from, to) in [
            ("REMOTE=1", "REMOTE=0"),
            ("SERVICE=sshd", "SERVICE=vsftpd"),
            ("SERVICE=sshd\n", ""),
            ("STATE=active", "STATE=closing"),
            ("REMOTE_HOST=203.0.113.9\n", ""),
            ("203.0.113.9", "host.example"),
            ("203.0.113.9", "203.0.113.0/24"),
            ("203.0.113.9", "127.0.0.1"),
        ] {
            assert_eq!(with(from, to), None, "{to}");
        }
    }
}
