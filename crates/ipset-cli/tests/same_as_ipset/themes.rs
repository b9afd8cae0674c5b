//! The scripts written by hand, one file a theme.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use netns_testbed::{Failed, Trial, trial};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tempfile::NamedTempFile;

use crate::pair::Pair;
use crate::script::parse;

macro_rules! themes {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("scripts/", $name, ".txt")))),*]
    };
}

pub(crate) fn trials() -> Vec<Trial> {
    themes![
        "commands",
        "help",
        "options",
        "list",
        "interactive",
        "restore",
        "files",
        "bitmap",
        "hash_ip",
        "hash_net",
        "hash_port",
        "hash_iface",
        "hash_mark",
        "hash_mac",
        "list_set",
        "extensions",
        "ports",
        "bytes",
    ]
    .into_iter()
    .map(|(name, text)| trial(name, move || all(text)))
    .chain([trial("names", || {
        let _hosts = Hosts::ours()?;
        all(include_str!("scripts/names.txt"))
    })])
    .collect()
}

/// The hosts of the script about names, in the place of `/etc/hosts`.
struct Hosts {
    _file: NamedTempFile,
}

const ETC_HOSTS: &str = "/etc/hosts";
const HOSTS: &str = "\
127.0.0.1 localhost
192.0.2.1 one.rampart.test
192.0.2.2 two.rampart.test
192.0.2.4 four.rampart.test
192.0.2.5 dash-ed.rampart.test
2001:db8::6 six.rampart.test
192.0.2.7 both.rampart.test
2001:db8::7 both.rampart.test
192.0.2.8 twice.rampart.test
192.0.2.9 twice.rampart.test
";

impl Hosts {
    fn ours() -> Result<Self, Failed> {
        let file = NamedTempFile::new()?;
        fs::write(file.path(), HOSTS)?;
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644))?;
        let nothing = None::<&str>;
        mount(
            Some(file.path()),
            ETC_HOSTS,
            nothing,
            MsFlags::MS_BIND,
            nothing,
        )
        .map_err(|error| format!("cannot mount over {ETC_HOSTS}: {error}"))?;
        Ok(Self { _file: file })
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = umount2(ETC_HOSTS, MntFlags::MNT_DETACH);
    }
}

/// After so many differences a case has shown enough.
const ENOUGH: usize = 12;

/// Every case is run, so that one run shows all that is different.
fn all(text: &str) -> Result<(), Failed> {
    let pair = Pair::new()?;
    let mut different = Vec::new();
    for case in parse(text) {
        let differences = pair
            .run(&case, ENOUGH)
            .map_err(|failed| format!("{}: {}", case.name, failed.message().unwrap_or("?")))?;
        if !differences.is_empty() {
            different.push(format!("== {}\n{}", case.name, differences.join("\n")));
        }
    }
    if different.is_empty() {
        return Ok(());
    }
    Err(different.join("\n\n").into())
}
