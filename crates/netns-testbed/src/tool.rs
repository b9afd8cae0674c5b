//! Stock tools, to read back what we wrote and to write what we read back.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, thread};

use libtest_mimic::Failed;
use nix::unistd::{AccessFlags, access};

use crate::trial::{required, skip};

/// Makes a missing tool a failure.
const REQUIRE_TOOLS: &str = "RAMPART_REQUIRE_TOOLS";
/// Where firewall tools live, also when an ordinary user's `PATH` does not say so.
const SYSTEM_DIRECTORIES: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// A stock program of the system such as `ipset`, `iptables-save` or `nft`.
///
/// It runs in the network namespace of the thread that calls it.
#[derive(Clone, Debug)]
pub struct Tool {
    path: PathBuf,
    input: Vec<u8>,
}

impl Tool {
    /// The tool called `name`, looked for in `PATH`, `/usr/sbin`, `/sbin` and `/usr/local/sbin`.
    pub fn find(name: &str) -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain(SYSTEM_DIRECTORIES.iter().map(PathBuf::from))
            .map(|directory| directory.join(name))
            .find(|path| path.is_file() && access(path, AccessFlags::X_OK).is_ok())
            .map(|path| Self {
                path,
                input: Vec::new(),
            })
    }

    /// The tool called `name`.
    ///
    /// # Errors
    ///
    /// When it is not installed: handed back from a trial, the error shows it as ignored, or as
    /// failed with `RAMPART_REQUIRE_TOOLS=1`.
    pub fn require(name: &str) -> Result<Self, Failed> {
        Self::find(name).ok_or_else(|| missing(name))
    }

    /// That it has what the package `name` brings: it exits with 0 on these arguments.
    ///
    /// # Errors
    ///
    /// Those of [`Tool::require`].
    pub(crate) fn require_library(&self, arguments: &[&str], name: &str) -> Result<(), Failed> {
        match self.output(arguments) {
            Ok(output) if output.status.success() => Ok(()),
            _ => Err(missing(name)),
        }
    }

    /// The program at `path`, such as one that [`program`](crate::program) found.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            input: Vec::new(),
        }
    }

    /// Where the tool is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same tool, with `text` on its standard input; without this the input is empty.
    pub fn input(&self, text: impl Into<Vec<u8>>) -> Self {
        Self {
            path: self.path.clone(),
            input: text.into(),
        }
    }

    /// Runs the tool and gives what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// When it cannot be started or its exit status is not 0: the message has the command line, the
    /// status and what it wrote to standard error.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.output(arguments)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(self.complaint(arguments, &output).into())
    }

    /// Runs the tool and gives all there is, whatever its exit status.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn output(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let fail = |error| Failed::from(format!("cannot run {}: {error}", self.line(arguments)));
        let mut child = Command::new(&self.path)
            .args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        let stdin = child.stdin.take();
        // Written from a second thread: a tool that answers before it has read all would otherwise
        // block us.
        thread::scope(|scope| {
            scope.spawn(|| {
                // A tool that ends without reading its input says so by its status.
                stdin.map(|mut stdin| stdin.write_all(&self.input))
            });
            child.wait_with_output()
        })
        .map_err(fail)
    }

    fn complaint(&self, arguments: &[&str], output: &Output) -> String {
        let mut text = format!("{}: {}", self.line(arguments), output.status);
        for stream in [&output.stderr, &output.stdout] {
            let stream = String::from_utf8_lossy(stream);
            if !stream.trim().is_empty() {
                let _ = write!(text, "\n{}", stream.trim_end());
            }
        }
        text
    }

    fn line(&self, arguments: &[&str]) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!("`{}`", [&[&*name], arguments].concat().join(" "))
    }
}

/// That `name` is not installed, as the end of a trial.
fn missing(name: &str) -> Failed {
    let reason = format!("{name} is not installed");
    if required(REQUIRE_TOOLS) {
        Failed::from(reason)
    } else {
        skip(reason)
    }
}
