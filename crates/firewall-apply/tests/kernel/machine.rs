//! A host with a state directory, on which changes are to be confirmed.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Tool};

use crate::host::{FAMILIES, Run, Scratch, firewall_apply, text};

/// Far more than anything here takes.
pub(crate) const ENOUGH: Duration = Duration::from_secs(60);
/// A time that no trial reaches.
pub(crate) const LONG: &str = "1h";

pub(crate) const BEFORE: &str =
    "[[service]]\nname = \"ssh\"\nprotocol = \"tcp\"\nports = [22]\nrate = \"10/minute\"\n";
pub(crate) const AFTER: &str = "[policy]\nforward = \"accept\"\nposition = \"first\"\n[forward]\nprotect = true\n[[service]]\nname = \"web\"\nprotocol = \"tcp\"\nports = [80]\n";

/// A host with a state directory.
pub(crate) struct Machine {
    pub(crate) scratch: Scratch,
    saved: String,
    pub(crate) pending: String,
}

impl Machine {
    pub(crate) fn new() -> Result<Self, Failed> {
        let scratch = Scratch::new()?;
        let saved = text(&scratch.path("sets.save"));
        let pending = text(&scratch.path("firewall.pending.json"));
        Ok(Self {
            scratch,
            saved,
            pending,
        })
    }

    /// The arguments of an apply of this configuration.
    pub(crate) fn arguments(&self, config: &str, more: &[&str]) -> Result<Vec<String>, Failed> {
        let config = self.scratch.file("firewall.toml", config)?;
        let arguments = [
            "--config",
            &config,
            "--json",
            "apply",
            "--saved",
            &self.saved,
        ];
        let all = arguments.iter().chain(more);
        Ok(all.map(|argument| (*argument).to_owned()).collect())
    }

    pub(crate) fn apply(&self, config: &str, more: &[&str]) -> Result<Run, Failed> {
        let arguments = self.arguments(config, more)?;
        firewall_apply(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(crate) fn reset(&self) -> Result<Run, Failed> {
        firewall_apply(&["--config", "/dev/null", "reset", "--pending", &self.pending])
    }

    pub(crate) fn say(&self, command: &str) -> Result<Run, Failed> {
        firewall_apply(&["--json", command, "--pending", &self.pending])
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.scratch.path("firewall.pending.json")
    }

    /// What is kept of the configuration that went in last.
    pub(crate) fn last(&self) -> Result<String, Failed> {
        Ok(fs::read_to_string(self.scratch.path("firewall.last.toml"))?)
    }

    /// Writes what is kept of the configuration that went in last.
    pub(crate) fn write_last(&self, last: &str) -> Result<(), Failed> {
        self.scratch.file("firewall.last.toml", last).map(drop)
    }

    /// Waits until nothing waits to be confirmed.
    pub(crate) fn settled(&self) -> Result<(), Failed> {
        wait_until("the change goes back", || !self.file().exists())
    }
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) -> Result<(), Failed> {
    let started = Instant::now();
    while !is_so() {
        if started.elapsed() > ENOUGH {
            return Err(format!("never: {what}").into());
        }
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Both families as the stock tools list them, with counters of rules, and as nft does.
pub(crate) fn listed() -> Result<String, Failed> {
    let mut all = String::new();
    for family in ["ip", "ip6"] {
        let listing = Tool::require("nft")?.run(&["list", "table", family, "filter"]);
        // There may be none.
        all += &listing.unwrap_or_default();
    }
    for (tool_name, _) in FAMILIES {
        let save = Tool::require(&format!("{tool_name}-save"))?;
        let text = save.output(&["-c", "-t", "filter"])?;
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        for line in text.lines().filter(|line| !line.starts_with(['#', ':'])) {
            all += line;
            all.push('\n');
        }
    }
    Ok(all)
}

pub(crate) fn process_of(run: &Run) -> Result<i32, Failed> {
    let process = run.json()?["confirm"]["process"].as_i64();
    let process = process.ok_or_else(|| format!("nobody waits: {run:?}"))?;
    Ok(i32::try_from(process)?)
}

/// Whether a process has ended; one that nobody waited for counts.
pub(crate) fn is_gone(process: i32) -> bool {
    match fs::read_to_string(format!("/proc/{process}/stat")) {
        Ok(stat) => stat
            .rsplit(") ")
            .next()
            .is_some_and(|rest| rest.starts_with('Z')),
        Err(_) => true,
    }
}
