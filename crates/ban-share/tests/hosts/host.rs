//! A host: a namespace with sets, an outbox and a configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use ban_fleet::{Outbox, Record};
use netns_testbed::{Failed, Namespace, Tool, skip};
use serde_json::Value;
use tempfile::TempDir;

use crate::server::{Server, now};

/// What `[take]` says unless a trial has words of its own.
const TAKE: &str = "[take]\nfrom = [\"web*\"]\n\n[take.sets]\nblacklist = 2\nthrottle-soft = 1\n";

pub(crate) struct Host {
    pub(crate) name: &'static str,
    namespace: Namespace,
    ipset: Tool,
    directory: TempDir,
    socket: PathBuf,
}

/// A server and these hosts; a trial is skipped where the server is not installed.
pub(crate) fn fleet<const N: usize>(
    names: [&'static str; N],
) -> Result<(Server, [Host; N]), Failed> {
    let Some(server) = Server::start(&names) else {
        return Err(skip("redis-server is not installed"));
    };
    let mut hosts = Vec::new();
    for name in names {
        hosts.push(Host::new(name, &server.socket())?);
    }
    let hosts = hosts.try_into().map_err(|_| "as many hosts as names")?;
    Ok((server, hosts))
}

impl Host {
    pub(crate) fn new(name: &'static str, socket: &Path) -> Result<Self, Failed> {
        let host = Self {
            name,
            namespace: Namespace::new()?,
            ipset: Tool::require("ipset")?,
            directory: tempfile::tempdir()?,
            socket: socket.to_owned(),
        };
        fs::write(host.path("password"), format!("{name}\n"))?;
        host.configure(TAKE)?;
        for set in ["blacklist", "throttle-soft", "whitelist"] {
            host.ipset(&["create", set, "hash:net", "timeout", "0", "comment"])?;
            let v6 = format!("{set}_v6");
            host.ipset(&[
                "create", &v6, "hash:net", "family", "inet6", "timeout", "0", "comment",
            ])?;
        }
        Ok(host)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn configure(&self, take: &str) -> Result<(), Failed> {
        let (path, at) = (
            |name: &str| self.path(name).display().to_string(),
            &self.socket,
        );
        let text = format!(
            "host = \"{}\"\noutbox = \"{}\"\nstate = \"{}\"\n\n[engine]\naddress = \"{}\"\npassword-file = \"{}\"\n\n{take}",
            self.name,
            path("outbox"),
            path("share.state"),
            at.display(),
            path("password"),
        );
        Ok(fs::write(self.path("share.toml"), text)?)
    }

    /// In its network.
    pub(crate) fn run(&self, program: &Path, args: &[&str]) -> Output {
        self.namespace.run(|| {
            let mut command = Command::new(program);
            command.args(args).output().expect("it runs")
        })
    }

    pub(crate) fn ipset(&self, args: &[&str]) -> Result<String, Failed> {
        self.namespace.run(|| self.ipset.run(args))
    }

    /// The members of a set, each as `ipset save` has it, without the set's name and the seconds.
    pub(crate) fn members(&self, set: &str) -> Vec<String> {
        let saved = self.ipset(&["save", set]).expect("saved");
        let members = saved.lines().filter_map(|line| {
            let member = line.strip_prefix(&format!("add {set} "))?;
            let (network, rest) = member.split_once(" timeout ")?;
            let (_, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            Some(format!("{network} {rest}").trim_end().to_owned())
        });
        let mut members: Vec<_> = members.collect();
        members.sort_unstable();
        members
    }

    /// How many seconds a member has left.
    pub(crate) fn left(&self, set: &str, network: &str) -> u32 {
        let saved = self.ipset(&["save", set]).expect("saved");
        let begin = format!("add {set} {network} timeout ");
        let line = saved.lines().find_map(|line| line.strip_prefix(&begin));
        let left = line.unwrap_or_else(|| panic!("{network} in\n{saved}"));
        left.split(' ').next().unwrap().parse().unwrap()
    }

    /// Has something to tell.
    pub(crate) fn tell(&self, line: &str) {
        let record =
            Record::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let outbox = Outbox::new(self.path("outbox"));
        outbox.append(&[record], now()).expect("appended");
    }

    pub(crate) fn share(&self, args: &[&str]) -> Output {
        let config = self.path("share.toml");
        let mut all = vec![args[0], "--config", config.to_str().unwrap()];
        all.extend(&args[1..]);
        self.run(Path::new(env!("CARGO_BIN_EXE_ban-share")), &all)
    }

    /// A round, with its exit status and its report.
    pub(crate) fn sync(&self, expected: i32) -> Value {
        self.sync_with(&[], expected)
    }

    pub(crate) fn sync_with(&self, args: &[&str], expected: i32) -> Value {
        let mut all = vec!["sync", "--json"];
        all.extend(args);
        let output = self.share(&all);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{}: {text}{errors}",
            self.name
        );
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// A ban for hits of by now that ends in so many seconds.
pub(crate) fn ban(set: &str, network: &str, seconds: u64) -> String {
    let now = now();
    let end = now.after(Duration::from_secs(seconds));
    format!("ban {set} {network} end={end} last={now} scan rule=blocked hits=501 ports=-")
}
