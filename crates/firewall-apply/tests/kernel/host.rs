//! The program, and what the stock tools say of the host it ran on.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use netns_testbed::{Failed, Tool};
use serde_json::Value;
use tempfile::TempDir;

/// An empty configuration, which is the defaults; whatever the machine has in /etc is not read.
pub(crate) const DEFAULTS: &str = "/dev/null";

/// Both families: the name of the tools, and of `--family`.
pub(crate) const FAMILIES: [(&str, &str); 2] = [("iptables", "inet"), ("ip6tables", "inet6")];

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs firewall-apply with these arguments.
pub(crate) fn firewall_apply(arguments: &[&str]) -> Result<Run, Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_firewall-apply"))
        .args(arguments)
        .output()?;
    Ok(Run::from(output))
}

/// Applies the defaults, without saved members.
pub(crate) fn apply() -> Result<Run, Failed> {
    firewall_apply(&["--config", DEFAULTS, "apply", "--saved", "/dev/null"])
}

/// Applies the defaults, without saved members, and tells of it in JSON.
pub(crate) fn apply_json() -> Result<Run, Failed> {
    apply_json_of(DEFAULTS)
}

/// Applies this configuration file, without saved members, and tells of it in JSON.
pub(crate) fn apply_json_of(config: &str) -> Result<Run, Failed> {
    firewall_apply(&[
        "--config",
        config,
        "--json",
        "apply",
        "--saved",
        "/dev/null",
    ])
}

impl Run {
    /// Itself, when its exit status is `status`.
    pub(crate) fn exits(self, status: i32) -> Result<Self, Failed> {
        if self.status == Some(status) {
            return Ok(self);
        }
        Err(format!(
            "exit status {:?} instead of {status}: {self:#?}",
            self.status
        )
        .into())
    }

    /// The JSON document that is all of its standard output.
    pub(crate) fn json(&self) -> Result<Value, Failed> {
        serde_json::from_str(&self.stdout).map_err(|error| format!("{error}: {self:#?}").into())
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// `iptables-save` or `ip6tables-save` of the filter table, without comments and counters.
pub(crate) fn rules(tool: &str) -> Result<String, Failed> {
    let text = Tool::require(&format!("{tool}-save"))?.run(&["-t", "filter"])?;
    Ok(text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            match line
                .strip_prefix(':')
                .and_then(|chain| chain.split_once(" ["))
            {
                Some((chain, _)) => format!(":{chain} [0:0]\n"),
                None => format!("{line}\n"),
            }
        })
        .collect())
}

/// The filter tables of both families.
pub(crate) fn all_rules() -> Result<String, Failed> {
    let [ip, ip6] = FAMILIES.map(|(tool, _)| rules(tool));
    Ok(ip? + &ip6?)
}

/// `ipset save` without what differs between two sets of the same members: order and table layout.
pub(crate) fn all_sets() -> Result<String, Failed> {
    let text = Tool::require("ipset")?.run(&["save"])?;
    let mut lines: Vec<_> = text
        .lines()
        .map(|line| match line.split_once(" bucketsize ") {
            Some((line, _)) => line,
            None => line,
        })
        .collect();
    lines.sort_unstable();
    Ok(lines.join("\n"))
}

/// Runs a stock tool on words that are separated by blanks.
pub(crate) fn tool(line: &str) -> Result<String, Failed> {
    let mut words = line.split_whitespace();
    Tool::require(words.next().unwrap_or_default())?.run(&words.collect::<Vec<_>>())
}

/// A directory with a file in it.
pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// An empty directory.
    pub(crate) fn new() -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        Ok(Self { directory })
    }

    /// A file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file; returns its path as text.
    pub(crate) fn file(&self, name: &str, content: &str) -> Result<String, Failed> {
        let path = self.path(name);
        std::fs::write(&path, content)?;
        Ok(text(&path))
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
