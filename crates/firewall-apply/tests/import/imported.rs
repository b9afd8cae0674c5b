//! A run of `import`, and what our programs say of what it wrote.

use std::path::{Path, PathBuf};
use std::process::Command;

use netns_testbed::{Failed, Tool, program};
use serde_json::Value;
use tempfile::TempDir;

/// What an import wrote.
pub(crate) struct Imported {
    directory: TempDir,
    pub(crate) status: Option<i32>,
    pub(crate) report: Value,
}

impl Imported {
    /// Imports; whatever is written has to be read by our programs.
    pub(crate) fn from(arguments: &[&str]) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let to = directory.path().join("new");
        let output = Command::new(env!("CARGO_BIN_EXE_firewall-apply"))
            .args(["--json", "import", "--to"])
            .arg(&to)
            .args(arguments)
            .output()?;
        let report = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{error}: {output:#?}"))?;
        let imported = Self {
            directory,
            status: output.status.code(),
            report,
        };
        if imported.status != Some(2) {
            imported.is_read()?;
        }
        Ok(imported)
    }

    /// A file that was written.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("new").join(name)
    }

    /// What stands in one.
    pub(crate) fn text(&self, name: &str) -> Result<String, Failed> {
        let path = self.path(name);
        std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}: {:#}", path.display(), self.report).into())
    }

    /// The messages of `errors` or `warnings`, each behind `FILE:LINE: `.
    pub(crate) fn said(&self, of: &str) -> Vec<String> {
        let problems = self.report[of].as_array();
        let said = problems.into_iter().flatten().map(|problem| {
            let path = problem["path"].as_str().unwrap_or_default();
            let name = Path::new(path).file_name().unwrap_or_default();
            let line = problem["line"].as_u64().unwrap_or_default();
            let message = problem["message"].as_str().unwrap_or_default();
            format!("{}:{line}: {message}", name.to_string_lossy())
        });
        said.collect()
    }

    /// `check` and a dry run of the scans find nothing wrong.
    fn is_read(&self) -> Result<(), Failed> {
        let config = self.path("firewall.toml");
        if config.exists() {
            let config = config.display().to_string();
            let check = Tool::at(env!("CARGO_BIN_EXE_firewall-apply"));
            check.run(&["--config", &config, "check"])?;
        }
        let rules = self.path("scan.toml");
        if rules.exists() {
            let rules = rules.display().to_string();
            let arguments = ["--rules", &rules, "--dryrun", "--log", "/dev/null"];
            Tool::at(program("log-scanner")).run(&arguments)?;
        }
        Ok(())
    }
}
