//! Files that somebody else writes, and addresses in them.

use std::fs::{self, OpenOptions};
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::libc;

/// No file that is meant here is larger; what is behind is not read.
const MOST: u64 = 1024 * 1024;
/// No directory that is meant here has more files; others are not read.
const MOST_FILES: usize = 1024;

/// What a file holds, where it is one and can be read; a pipe or a device is none.
pub(super) fn read(path: &Path) -> Option<Vec<u8>> {
    let mut open = OpenOptions::new();
    // A pipe in the file's place would have us wait for who writes to it.
    let open = open.read(true).custom_flags(libc::O_NONBLOCK);
    let file = open.open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// As [`read`], as text.
pub(super) fn text(path: &Path) -> Option<String> {
    let bytes = read(path)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The paths in a directory whose names end so, in order; none where it is not there.
pub(super) fn ending(directory: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let paths = paths.filter(|path| {
        path.as_os_str()
            .as_encoded_bytes()
            .ends_with(end.as_bytes())
    });
    let mut paths: Vec<_> = paths.take(MOST_FILES).collect();
    paths.sort_unstable();
    paths
}

/// An address as configurations write it: `192.0.2.53`, `192.0.2.53:9953`, `fe80::1%eth0`,
/// `[2001:db8::53]:853%eth0#dns.example`. A name is none, nor is what no host has, nor a loopback
/// address.
///
/// An IPv4-mapped IPv6 address is the IPv4 address.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let text = text.split(['#', '%']).next()?;
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().map(|with_port| with_port.ip());
    let address = bare.parse::<IpAddr>().or_else(|_| with_port()).ok()?;
    let address = address.to_canonical();
    let is_of_a_host = !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && address != IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
    is_of_a_host.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_they_are_written() {
        for (text, expected) in [
            ("192.0.2.53", "192.0.2.53"),
            ("192.0.2.53:9953", "192.0.2.53"),
            ("192.0.2.53#dns.example", "192.0.2.53"),
            ("192.0.2.53:9953%eth0#dns.example", "192.0.2.53"),
            ("2001:db8::53", "2001:db8::53"),
            ("[2001:db8::53]", "2001:db8::53"),
            ("[2001:db8::53]:853%eth0#dns.example", "2001:db8::53"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:192.0.2.53", "192.0.2.53"),
        ] {
            assert_eq!(address(text), expected.parse().ok(), "{text}");
        }
        for text in [
            "",
            "ntp.example",
            "0.0.0.0",
            "127.0.0.53",
            "::1",
            "::ffff:127.0.0.1",
            "224.0.0.251",
            "255.255.255.255",
            "192.0.2",
            "192.0.2.0/24",
            "[192.0.2.53",
            "2001:db8::53]x",
            "192.0.2.53\u{1b}[2J",
        ] {
            let expected = (text == "[192.0.2.53").then(|| "192.0.2.53".parse().ok());
            assert_eq!(address(text), expected.flatten(), "{text}");
        }
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let directory = std::env::temp_dir();
        assert_eq!(read(&directory), None);
        assert_eq!(read(Path::new("/dev/null")), None);
        assert!(ending(Path::new("/no/such/directory"), "").is_empty());
    }
}
