//! Whom this host cannot do without, as it is now: gateways, servers of names and time, and the
//! other ends of sessions over ssh.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use netfilter_host::essentials::{Purpose, gateways, servers, sessions};

use super::part::Part;
use crate::rule::{Protect, Role};

/// Those that are protected, each with the reason as in "203.0.113.7 is …".
#[derive(Debug, Default)]
pub(crate) struct Protected {
    gateways: Vec<Part>,
    servers: Vec<Part>,
    /// They come and go.
    sessions: Vec<Part>,
}

impl Protected {
    /// Asks for the gateways anew; `protect` says whether they are protected.
    ///
    /// # Errors
    ///
    /// What the kernel says. Those that were known are then known on.
    pub(crate) fn read_gateways(&mut self, protect: &Protect) -> io::Result<()> {
        self.gateways = if protect.has(Role::Gateways) {
            let parts = gateways()?.into_iter().map(|gateway| {
                let what = if gateway.is_default {
                    "the default gateway"
                } else {
                    "a gateway"
                };
                part(
                    gateway.address,
                    &format!("{what} of this host ({})", gateway.interface),
                )
            });
            parts.collect()
        } else {
            Vec::new()
        };
        Ok(())
    }

    /// Reads anew what files say.
    pub(crate) fn read_files(&mut self, protect: &Protect) {
        let root = Path::new("/");
        self.servers.clear();
        if protect.has(Role::Resolvers) || protect.has(Role::TimeServers) {
            let named = servers(root).into_iter().filter_map(|server| {
                let (role, what) = match server.purpose {
                    Purpose::Names => (Role::Resolvers, "a resolver"),
                    Purpose::Time => (Role::TimeServers, "a time server"),
                };
                let (file, line) = (server.file.display(), server.line);
                let why = format!("{what} of this host ({file}, line {line})");
                protect.has(role).then(|| part(server.address, &why))
            });
            self.servers.extend(named);
        }
        self.sessions.clear();
        if protect.has(Role::Ssh) {
            let open = sessions(root).into_iter().map(|session| {
                let since = session.since.map(|since| format!(" since {since:.0}"));
                let (user, since) = (session.user, since.unwrap_or_default());
                part(
                    session.peer,
                    &format!("logged in over ssh as {user}{since}"),
                )
            });
            self.sessions.extend(open);
        }
    }

    /// Those that stay.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Part> {
        self.gateways.iter().chain(&self.servers)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Part> {
        self.standing().chain(&self.sessions)
    }
}

fn part(address: IpAddr, why: &str) -> Part {
    Part::new(address.into(), why)
}
