//! A server for a test, and hosts that meet there.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ban_fleet::{Host, Node, Policy, Record, Synced, Time};
use ban_share::{Config, EngineError, Valkey};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// A server with a user for each host, whose password is its name.
pub(crate) struct Server {
    directory: TempDir,
    child: Option<Child>,
}

impl Server {
    /// `None` where there is no such server on this machine; fails instead with
    /// `RAMPART_REQUIRE_TOOLS=1`.
    pub(crate) fn start(hosts: &[&str]) -> Option<Self> {
        if let Err(error) = Command::new("redis-server").arg("--version").output() {
            let required =
                std::env::var_os("RAMPART_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(!required, "redis-server: {error}");
            eprintln!("skipped: redis-server: {error}");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let mut rules = "user default off\nuser root on >root ~* &* +@all\n".to_owned();
        for host in hosts {
            let acl = program(&["acl", host]);
            assert!(acl.status.success(), "{acl:?}");
            let line = String::from_utf8(acl.stdout).unwrap();
            rules.push_str(&line.replace(">PASSWORD", &format!(">{host}")));
        }
        fs::write(directory.path().join("users.acl"), rules).unwrap();
        let mut server = Self {
            directory,
            child: None,
        };
        server.run();
        Some(server)
    }

    /// Starts it, empty, and waits until it answers.
    pub(crate) fn run(&mut self) {
        let directory = self.directory.path().to_owned();
        let file = |name: &str| directory.join(name);
        let child = Command::new("redis-server")
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no",
            ])
            .arg("--unixsocket")
            .arg(self.socket())
            .arg("--aclfile")
            .arg(file("users.acl"))
            .arg("--dir")
            .arg(self.directory.path())
            .stdout(fs::File::create(file("log")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(60);
        while self.root().is_err() {
            let log = || fs::read_to_string(file("log")).unwrap_or_default();
            assert!(
                Instant::now() < end,
                "the server does not answer: {}",
                log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once; it keeps nothing.
    pub(crate) fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.as_ref().expect("it runs").id();
        kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    /// As its administrator.
    pub(crate) fn root(&self) -> redis::RedisResult<redis::Connection> {
        self.user("root")
    }

    pub(crate) fn user(&self, name: &str) -> redis::RedisResult<redis::Connection> {
        let url = format!("unix://{}?user={name}&pass={name}", self.socket().display());
        redis::Client::open(url)?.get_connection()
    }

    /// The configuration of a host, in a file.
    pub(crate) fn config(&self, host: &str) -> PathBuf {
        let path = |end: &str| self.directory.path().join(format!("{host}.{end}"));
        fs::write(path("password"), format!("{host}\n")).unwrap();
        let text = format!(
            "host = \"{host}\"\n\n[engine]\naddress = \"{}\"\npassword-file = \"{}\"\n",
            self.socket().display(),
            path("password").display()
        );
        fs::write(path("toml"), text).unwrap();
        path("toml")
    }

    pub(crate) fn connect(&self, host: &str) -> Result<Valkey, EngineError> {
        Valkey::connect(&Config::read(&self.config(host)).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A host, as a program is one that syncs from time to time.
pub(crate) struct Member {
    pub(crate) node: Node,
    pub(crate) policy: Policy,
}

impl Member {
    pub(crate) fn new(name: &str) -> Self {
        let own: Host = name.parse().unwrap();
        let mut policy = Policy::new(own.clone());
        policy.from.push("web*".parse().unwrap());
        policy
            .take_set("blacklist".parse().unwrap(), NonZeroUsize::MIN)
            .unwrap();
        Self {
            node: Node::new(own),
            policy,
        }
    }

    pub(crate) fn tell(&mut self, line: &str) {
        self.node
            .tell(Record::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}")));
    }

    pub(crate) fn try_sync(&mut self, server: &Server) -> Result<Synced, EngineError> {
        let mut engine = server.connect(self.policy.own.as_str())?;
        let now = engine.now();
        self.node.sync(&mut engine, &self.policy, now)
    }

    pub(crate) fn sync(&mut self, server: &Server) -> Synced {
        self.try_sync(server)
            .unwrap_or_else(|error| panic!("{}: {error:?}", self.policy.own))
    }

    pub(crate) fn members(&self) -> Vec<(String, Time)> {
        let wanted = self.node.wanted(&self.policy, now());
        let members = wanted.members.into_iter();
        members
            .map(|((set, prefix), member)| (format!("{set} {prefix}"), member.end))
            .collect()
    }
}

pub(crate) fn now() -> Time {
    std::time::SystemTime::now().into()
}

/// A ban of an hour for a hit of by now.
pub(crate) fn ban(address: &str) -> String {
    let now = now();
    let end = now.after(Duration::from_secs(3600));
    format!("ban blacklist {address} end={end} last={now} scan rule=blocked hits=501 ports=-")
}

/// The program, run to its end.
pub(crate) fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ban-share"))
        .args(args)
        .output()
        .expect("it runs")
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
