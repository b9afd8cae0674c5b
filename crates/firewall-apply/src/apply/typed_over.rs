//! The ssh session that a command is typed over.

use std::fs::{self, File};
use std::io::Read;
use std::net::{IpAddr, SocketAddr};

/// Both ends, the other host's first, as sshd tells its children.
///
/// sudo leaves the variable out, so that the environments of the processes above are read too, as
/// far as that is allowed.
pub(super) fn ends() -> Option<(SocketAddr, SocketAddr)> {
    let mut process = "self".to_owned();
    for _ in 0..MOST_PROCESSES {
        if let Some(found) = environment(&process).and_then(|bytes| in_environment(&bytes)) {
            return Some(found);
        }
        process = parent(&process)?;
    }
    None
}

fn environment(process: &str) -> Option<Vec<u8>> {
    let file = File::open(format!("/proc/{process}/environ")).ok()?;
    let mut bytes = Vec::new();
    file.take(MAX_SIZE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn parent(process: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let parent = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim();
    (parent != "0").then(|| parent.to_owned())
}

/// `SSH_CONNECTION=192.0.2.1 50000 203.0.113.1 22`, sshd(8).
fn in_environment(bytes: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let mut variables = bytes.split(|byte| *byte == 0);
    let value = variables.find_map(|variable| variable.strip_prefix(b"SSH_CONNECTION="))?;
    let mut words = std::str::from_utf8(value).ok()?.split(' ');
    let mut end = || -> Option<SocketAddr> {
        let address = words.next()?.split('%').next()?;
        let address: IpAddr = address.parse().ok()?;
        Some(SocketAddr::new(
            address.to_canonical(),
            words.next()?.parse().ok()?,
        ))
    };
    Some((end()?, end()?))
}

const MOST_PROCESSES: usize = 64;
/// Bytes of an environment.
const MAX_SIZE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sshd_tells_both_ends() {
        let found =
            in_environment(b"A=b\0SSH_CONNECTION=fe80::1%eth0 50000 ::ffff:203.0.113.1 22\0");
        let expected = (
            "[fe80::1]:50000".parse().unwrap(),
            "203.0.113.1:22".parse().unwrap(),
        );
        assert_eq!(found, Some(expected));
        for bad in [
            "",
            "SSH_CONNECTION=",
            "SSH_CONNECTION=1 2 3 4",
            "XSSH_CONNECTION=::1 1 ::1 1",
        ] {
            assert_eq!(in_environment(bad.as_bytes()), None, "{bad}");
        }
    }
}
