//! Logs as the kernel and rsyslog write them, the program, and sets.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use netns_testbed::{Failed, Tool};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_log-scanner");

/// The instant that most logs begin at, in seconds since 1970.
pub(crate) const START: i64 = 1_795_334_400;
/// The same as text: `START_TIME`.
pub(crate) const START_TIME: &str = "2026-11-22T08:00:00Z";

pub(crate) const V4: &str = "203.0.113.7";
pub(crate) const V6: &str = "2001:db8:1::7";

/// RFC 3339 in UTC.
pub(crate) fn stamp(second: i64) -> String {
    jiff::Timestamp::from_second(second)
        .expect("a date")
        .to_string()
}

/// The kernel's part of a line for a packet from `source`.
pub(crate) fn packet(prefix: &str, source: &str, protocol: &str) -> String {
    let source: IpAddr = source.parse().expect(source);
    let transport = match protocol {
        "TCP" => "PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ",
        "UDP" => "PROTO=UDP SPT=40000 DPT=53 LEN=8 ",
        "ICMP" => "PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 ",
        "ICMPv6" => "PROTO=ICMPv6 TYPE=128 CODE=0 ID=1 SEQ=1 ",
        other => panic!("no packet of {other}"),
    };
    match source {
        IpAddr::V4(source) => format!(
            "IPTABLES-{prefix}: IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC={source} \
             DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4660 DF {transport}"
        ),
        IpAddr::V6(source) => {
            // The kernel writes all digits.
            let groups: Vec<_> = source
                .segments()
                .iter()
                .map(|group| format!("{group:04x}"))
                .collect();
            format!(
                "IP6TABLES-{prefix}: IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:86:dd SRC={} \
                 DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0 {transport}",
                groups.join(":")
            )
        }
    }
}

/// A line as rsyslog writes it with an RFC 3339 stamp.
pub(crate) fn line(second: i64, packet: &str) -> String {
    format!("{} fw kernel: [ 1836.585591] {packet}\n", stamp(second))
}

/// A blocked TCP packet from each source, at each of these seconds after [`START`].
pub(crate) fn blocked(sources: &[&str], seconds: impl IntoIterator<Item = i64>) -> String {
    let mut log = String::new();
    for second in seconds {
        for source in sources {
            log.push_str(&line(START + second, &packet("BLOCKED", source, "TCP")));
        }
    }
    log
}

/// The program in a directory of its own with a log.
pub(crate) struct Scanner {
    directory: TempDir,
    arguments: Vec<String>,
    zone: String,
}

/// The set rule that most trials use: five blocked TCP packets in ten seconds, an hour in
/// `blacklist`.
pub(crate) const RULE: &str =
    "--rule blocked --type tcp --howmany 5 --within 10s --ipset blacklist --removeafter 1h";

impl Scanner {
    /// With `log` as `fw.log` in its working directory.
    pub(crate) fn new(log: impl AsRef<[u8]>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let scanner = Self {
            directory,
            arguments: Vec::new(),
            zone: "UTC".to_owned(),
        };
        scanner.write("fw.log", log)
    }

    /// One more file.
    pub(crate) fn write(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), text).expect("written");
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// More arguments, parted by spaces.
    pub(crate) fn with(mut self, arguments: &str) -> Self {
        self.arguments
            .extend(arguments.split_whitespace().map(str::to_owned));
        self
    }

    /// [`RULE`] on `fw.log`.
    pub(crate) fn rule(self) -> Self {
        self.with(RULE).with("--log fw.log")
    }

    /// As of a number of seconds after [`START`].
    pub(crate) fn at(self, second: i64) -> Self {
        let stamp = stamp(START + second);
        self.with("--as-of").with(&stamp)
    }

    pub(crate) fn zone(self, zone: &str) -> Self {
        Self {
            zone: zone.to_owned(),
            ..self
        }
    }

    pub(crate) fn command(&self) -> Command {
        self.command_of(&[PROGRAM])
    }

    /// The program started by another.
    pub(crate) fn command_of(&self, words: &[&str]) -> Command {
        let (program, first) = words.split_first().expect("a program");
        let mut command = Command::new(program);
        command
            .args(first)
            .args(&self.arguments)
            .current_dir(self.directory.path())
            .env("TZ", &self.zone)
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self) -> Ran {
        Ran::new(&self.command().output().expect("started"))
    }

    /// With `--json`, which must be one document and end with the given status.
    pub(crate) fn json(self, status: i32) -> Value {
        let ran = self.with("--json").run();
        assert_eq!(ran.status, Some(status), "{ran:?}");
        serde_json::from_str(&ran.stdout).expect("one JSON document")
    }
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr.clone()).expect("UTF-8"),
        }
    }

    #[track_caller]
    pub(crate) fn done(&self, status: i32) -> &Self {
        assert_eq!(
            self.status,
            Some(status),
            "{}\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(
            self.stdout.contains(text),
            "no {text:?} in:\n{}",
            self.stdout
        );
        self
    }

    #[track_caller]
    pub(crate) fn complains(&self, text: &str) -> &Self {
        assert!(
            self.stderr.contains(text),
            "no {text:?} in:\n{}",
            self.stderr
        );
        self
    }
}

/// Source and outcome of every violation.
pub(crate) fn outcomes(report: &Value) -> Vec<(String, String)> {
    outcomes_of(report, 0)
}

/// Those of one rule of several, from 0.
pub(crate) fn outcomes_of(report: &Value, rule: usize) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    violations_of(report, rule)
        .iter()
        .map(|violation| (text(&violation["source"]), text(&violation["outcome"])))
        .collect()
}

pub(crate) fn violations(report: &Value) -> &[Value] {
    violations_of(report, 0)
}

/// Those of one rule of several, from 0.
pub(crate) fn violations_of(report: &Value, rule: usize) -> &[Value] {
    report["rules"][rule]["violations"]
        .as_array()
        .expect("a list")
}

/// The kernel's sets, through the stock tool.
pub(crate) struct Sets(Tool);

impl Sets {
    /// None there yet.
    pub(crate) fn none() -> Result<Self, Failed> {
        Tool::require("ipset").map(Self)
    }

    /// `blacklist` and `blacklist_v6` of type hash:ip with timeouts.
    pub(crate) fn blacklist() -> Result<Self, Failed> {
        let sets = Self::none()?;
        sets.create("blacklist", "hash:ip timeout 0")?;
        sets.create("blacklist_v6", "hash:ip family inet6 timeout 0")?;
        Ok(sets)
    }

    /// The same of type hash:net.
    pub(crate) fn of_networks() -> Result<Self, Failed> {
        let sets = Self::none()?;
        sets.create("blacklist", "hash:net timeout 0")?;
        sets.create("blacklist_v6", "hash:net family inet6 timeout 0")?;
        Ok(sets)
    }

    /// The same of type hash:net that keep comments, as `firewall-apply` makes them.
    pub(crate) fn as_firewall_apply() -> Result<Self, Failed> {
        let sets = Self::none()?;
        sets.create("blacklist", "hash:net timeout 0 comment")?;
        sets.create("blacklist_v6", "hash:net family inet6 timeout 0 comment")?;
        Ok(sets)
    }

    pub(crate) fn create(&self, name: &str, options: &str) -> Result<(), Failed> {
        self.ipset(&format!("create {name} {options}")).map(drop)
    }

    pub(crate) fn add(&self, name: &str, entry: &str) -> Result<(), Failed> {
        self.ipset(&format!("add {name} {entry}")).map(drop)
    }

    pub(crate) fn ipset(&self, line: &str) -> Result<String, Failed> {
        self.0.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// The members of a set with what stands after them in the list.
    pub(crate) fn members(&self, name: &str) -> Result<BTreeMap<String, String>, Failed> {
        let list = self.ipset(&format!("list {name}"))?;
        let (_, members) = list
            .split_once("Members:\n")
            .ok_or("no members in the list")?;
        let split = |line: &str| match line.split_once(' ') {
            Some((member, rest)) => (member.to_owned(), rest.to_owned()),
            None => (line.to_owned(), String::new()),
        };
        Ok(members.lines().map(split).collect())
    }

    /// The names of the members of a set.
    pub(crate) fn names(&self, name: &str) -> Result<Vec<String>, Failed> {
        Ok(self.members(name)?.into_keys().collect())
    }

    /// Whether `member` has about this many seconds left: the test may have taken a while.
    #[track_caller]
    pub(crate) fn assert_left(&self, name: &str, member: &str, seconds: u32) -> Result<(), Failed> {
        let members = self.members(name)?;
        let text = members
            .get(member)
            .ok_or_else(|| format!("{member} is not in {name}"))?;
        let left = text
            .strip_prefix("timeout ")
            .and_then(|text| text.split(' ').next());
        let left: u32 = left
            .and_then(|left| left.parse().ok())
            .ok_or("no timeout")?;
        assert!(
            left <= seconds && left + 300 >= seconds,
            "{left} left, not {seconds}"
        );
        Ok(())
    }

    /// Everything, to compare; without the seconds that pass.
    pub(crate) fn all(&self) -> Result<String, Failed> {
        self.ipset("save")
    }
}

/// The text as gzip writes it.
pub(crate) fn compressed(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(text.as_bytes()).expect("compressed");
    gz.finish().expect("compressed")
}
