//! The servers of names and of time that files name by address.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use File::{Ending, Named};
use Form::{Key, Word};
use Purpose::{Names, Time};

use super::files::{address, ending, text};

/// A server that the host is told to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// As the file says; never a name.
    pub address: IpAddr,
    /// What it is asked for.
    pub purpose: Purpose,
    /// The file that names it.
    pub file: PathBuf,
    /// The line there, from 1.
    pub line: usize,
}

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Names (DNS).
    Names,
    /// The time (NTP).
    Time,
}

/// Where servers are named, and how.
struct Place {
    directory: &'static str,
    /// The name of the file, or what the names of files end with there.
    file: File,
    form: &'static [(Form, Purpose)],
}

enum File {
    Named(&'static str),
    Ending(&'static str),
}

/// How a line names servers.
enum Form {
    /// `WORD ADDRESS …`, of several addresses only with the last of these words.
    Word(&'static str),
    /// `KEY=ADDRESS ADDRESS …`
    Key(&'static str),
}

const RESOLV_CONF: &[(Form, Purpose)] = &[(Word("nameserver"), Names)];
const RESOLVED: &[(Form, Purpose)] = &[(Key("DNS"), Names), (Key("FallbackDNS"), Names)];
const TIMESYNCD: &[(Form, Purpose)] = &[(Key("NTP"), Time), (Key("FallbackNTP"), Time)];
/// What networkd keeps of its links and leases.
const NETWORKD: &[(Form, Purpose)] = &[(Key("DNS"), Names), (Key("NTP"), Time)];
/// chrony, ntpd, ntpsec and `OpenNTPD`.
const NTP: &[(Form, Purpose)] = &[
    (Word("server"), Time),
    (Word("servers"), Time),
    (Word("peer"), Time),
    (Word("pool"), Time),
];

const fn place(directory: &'static str, file: File, form: &'static [(Form, Purpose)]) -> Place {
    Place {
        directory,
        file,
        form,
    }
}

const PLACES: [Place; 26] = [
    place("etc", Named("resolv.conf"), RESOLV_CONF),
    // The resolver of systemd-resolved that programs are given is this host; these are whom it asks.
    place("run/systemd/resolve", Named("resolv.conf"), RESOLV_CONF),
    place("run/NetworkManager", Ending("resolv.conf"), RESOLV_CONF),
    place("etc/systemd", Named("resolved.conf"), RESOLVED),
    place("etc/systemd/resolved.conf.d", Ending(".conf"), RESOLVED),
    place("run/systemd/resolved.conf.d", Ending(".conf"), RESOLVED),
    place("usr/lib/systemd/resolved.conf.d", Ending(".conf"), RESOLVED),
    place("etc/systemd", Named("timesyncd.conf"), TIMESYNCD),
    place("etc/systemd/timesyncd.conf.d", Ending(".conf"), TIMESYNCD),
    place("run/systemd/timesyncd.conf.d", Ending(".conf"), TIMESYNCD),
    place(
        "usr/lib/systemd/timesyncd.conf.d",
        Ending(".conf"),
        TIMESYNCD,
    ),
    place("etc/systemd/network", Ending(".network"), NETWORKD),
    place("run/systemd/network", Ending(".network"), NETWORKD),
    place("run/systemd/netif", Named("state"), NETWORKD),
    place("run/systemd/netif/links", Ending(""), NETWORKD),
    place("run/systemd/netif/leases", Ending(""), NETWORKD),
    place("etc", Named("chrony.conf"), NTP),
    place("etc/chrony", Named("chrony.conf"), NTP),
    place("etc/chrony/conf.d", Ending(".conf"), NTP),
    place("etc/chrony/sources.d", Ending(".sources"), NTP),
    place("run/chrony-dhcp", Ending(".sources"), NTP),
    place("etc", Named("ntp.conf"), NTP),
    place("etc/ntpsec", Named("ntp.conf"), NTP),
    place("etc", Named("ntpd.conf"), NTP),
    place("etc/openntpd", Named("ntpd.conf"), NTP),
    place("etc/ntpsec/ntp.d", Ending(".conf"), NTP),
];

/// The servers that the files of resolvers and of programs that set the clock name by address, below
/// `root`, which is `/` for this host; each once for a purpose. A file that is not there, or cannot
/// be read, names nobody.
///
/// A server that a later file takes back is among them all the same.
pub fn servers(root: &Path) -> Vec<Server> {
    let mut servers: Vec<Server> = Vec::new();
    for Place {
        directory,
        file,
        form,
    } in &PLACES
    {
        let directory = root.join(directory);
        let files = match file {
            Named(name) => vec![directory.join(name)],
            Ending(end) => ending(&directory, end),
        };
        for file in files {
            let Some(text) = text(&file) else { continue };
            for (line, number) in text.lines().zip(1..) {
                let named = form.iter().flat_map(|(form, purpose)| {
                    form.addresses(line).map(move |address| (address, *purpose))
                });
                for (address, purpose) in named {
                    let is_known =
                        |known: &Server| known.address == address && known.purpose == purpose;
                    if !servers.iter().any(is_known) && servers.len() < MOST {
                        servers.push(Server {
                            address,
                            purpose,
                            file: file.clone(),
                            line: number,
                        });
                    }
                }
            }
        }
    }
    servers
}

/// No host is told to ask so many.
const MOST: usize = 1024;

impl Form {
    fn addresses<'l>(&self, line: &'l str) -> impl Iterator<Item = IpAddr> + use<'l> {
        let line = line.trim();
        let list = match self {
            Word(word) => line
                .strip_prefix(word)
                .filter(|rest| rest.starts_with(char::is_whitespace)),
            Key(key) => line
                .strip_prefix(key)
                .and_then(|rest| rest.trim_start().strip_prefix('=')),
        };
        // Behind the address of a word come its options, some of which have an address of this
        // host.
        let most = if matches!(self, Word(_)) {
            1
        } else {
            usize::MAX
        };
        let list = list.unwrap_or_default().split([' ', '\t', ',', '"', '\'']);
        let list = list.filter(|word| !word.is_empty()).take(most);
        list.filter_map(address)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let servers = servers(root.path());
        let told = servers.iter().map(|server| {
            let file = server.file.strip_prefix(root.path()).unwrap().display();
            format!(
                "{} {:?} {file}:{}",
                server.address, server.purpose, server.line
            )
        });
        told.collect()
    }

    #[test]
    fn resolvers() {
        let files = [
            (
                "etc/resolv.conf",
                "# nameserver 198.51.100.1\nsearch example\nnameserver 127.0.0.53\nnameserver\t192.0.2.53 \n\
                 nameserver dns.example\nnameserver fe80::1%eth0\nnameservers 198.51.100.2\noptions edns0\n",
            ),
            (
                "run/systemd/resolve/resolv.conf",
                "nameserver 2001:db8::53\nnameserver 192.0.2.53\n",
            ),
            (
                "etc/systemd/resolved.conf",
                "[Resolve]\n#DNS=198.51.100.3\nDNS=192.0.2.54#one.example [2001:db8::54]:853%eth0#two.example\n",
            ),
            (
                "etc/systemd/resolved.conf.d/more.conf",
                "[Resolve]\nFallbackDNS = 192.0.2.55\nDNSSEC=no\nDNSOverTLS=192.0.2.99\n",
            ),
            ("etc/systemd/resolved.conf.d/more.bak", "DNS=198.51.100.4\n"),
            (
                "run/systemd/netif/links/2",
                "ADMIN_STATE=configured\nDNS=192.0.2.56\nNTP=192.0.2.123 ntp.example\n",
            ),
            (
                "run/systemd/netif/leases/2",
                "ADDRESS=192.0.2.2\nROUTER=192.0.2.1\nDNS=192.0.2.57\n",
            ),
        ];
        assert_eq!(
            told(&files),
            [
                "192.0.2.53 Names etc/resolv.conf:4",
                "fe80::1 Names etc/resolv.conf:6",
                "2001:db8::53 Names run/systemd/resolve/resolv.conf:1",
                "192.0.2.54 Names etc/systemd/resolved.conf:3",
                "2001:db8::54 Names etc/systemd/resolved.conf:3",
                "192.0.2.55 Names etc/systemd/resolved.conf.d/more.conf:2",
                "192.0.2.56 Names run/systemd/netif/links/2:2",
                "192.0.2.123 Time run/systemd/netif/links/2:3",
                "192.0.2.57 Names run/systemd/netif/leases/2:3",
            ]
        );
    }

    #[test]
    fn time_servers() {
        let files = [
            (
                "etc/systemd/timesyncd.conf",
                "[Time]\nNTP=192.0.2.123 0.debian.pool.ntp.org 2001:db8::123\nFallbackNTP=192.0.2.124\n",
            ),
            (
                "etc/chrony/chrony.conf",
                "pool 2.debian.pool.ntp.org iburst\nserver 192.0.2.125 iburst\n! server 198.51.100.1\n",
            ),
            ("etc/chrony/sources.d/local.sources", "peer 192.0.2.126\n"),
            (
                "etc/ntp.conf",
                "server ntp.example\nserver 192.0.2.127 local 192.0.2.2\nrestrict 198.51.100.2\n",
            ),
            (
                "etc/openntpd/ntpd.conf",
                "servers 192.0.2.128\nlisten on 198.51.100.3\n",
            ),
        ];
        let told = told(&files);
        let addresses: Vec<_> = told
            .iter()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert_eq!(
            addresses,
            [
                "192.0.2.123",
                "2001:db8::123",
                "192.0.2.124",
                "192.0.2.125",
                "192.0.2.126",
                "192.0.2.127",
                "192.0.2.128"
            ]
        );
        assert!(told.iter().all(|line| line.contains(" Time ")));
    }

    #[test]
    fn nobody_where_nothing_is_there() {
        assert!(told(&[]).is_empty());
        let root = tempfile::tempdir().unwrap();
        let fifo = root.path().join("etc");
        fs::create_dir_all(fifo.join("resolv.conf")).unwrap();
        assert!(servers(root.path()).is_empty());
    }
}
