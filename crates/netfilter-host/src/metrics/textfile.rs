//! A file for the textfile collector of `node_exporter`, whose counters go on in the next run.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use nix::libc::O_NONBLOCK;

use super::Metrics;
use super::text::{BEGIN, END};
use crate::whole_file::{self, Readers, WriteError};

/// Where figures are written, for a textfile collector to read: a path that ends in `.prom`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Textfile(PathBuf);

/// What the counters of a textfile came to.
#[derive(Clone, Debug, Default)]
pub struct Before(HashMap<String, u64>);

impl FromStr for Textfile {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        let file = Self(PathBuf::from(path));
        if file.0.extension().is_none_or(|ending| ending != ENDING) || file.name().is_empty() {
            return Err(format!(
                "it has to end in .{ENDING}: a textfile collector reads no other files"
            ));
        }
        Ok(file)
    }
}

impl Textfile {
    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What tells it from others in its directory: `rampart-scan` of `rampart-scan.prom`.
    pub fn name(&self) -> String {
        let stem = self.0.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }

    /// What its counters came to; nothing where there is none.
    ///
    /// # Errors
    ///
    /// When it is no file of ours, or damaged; a sentence says what is wrong with it. Counters then
    /// begin anew, which monitoring systems know from every restart of a program.
    pub fn before(&self) -> Result<Before, String> {
        let text = match read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Before::default()),
            read => read.map_err(|error| error.to_string()),
        };
        let before = text.and_then(|text| Before::parse(&text));
        before.map_err(|why| {
            let path = self.0.display();
            format!("the counters of {path} begin anew: {why}")
        })
    }

    /// Replaces it, with mode 0644; its directory has to be there.
    ///
    /// # Errors
    ///
    /// Those of [`whole_file::write`]; the old file is as it was.
    pub fn write(&self, metrics: &Metrics) -> Result<(), WriteError> {
        self.write_text(&metrics.prometheus())
    }

    pub(super) fn write_text(&self, text: &str) -> Result<(), WriteError> {
        whole_file::write(&self.0, text.as_bytes(), Readers::Everybody)
    }
}

impl Before {
    /// What a series came to, if it was counted.
    pub(super) fn of(&self, series: &str) -> Option<u64> {
        self.0.get(series).copied()
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.lines().next() != Some(BEGIN) {
            return Err(format!("it does not begin with \"{BEGIN}\""));
        }
        if !text.ends_with(&format!("\n{END}\n")) {
            return Err(format!("it does not end with \"{END}\""));
        }
        let mut counters = HashMap::new();
        for (line, number) in text.lines().zip(1_u32..) {
            if line.starts_with('#') {
                continue;
            }
            // What a label says has its quotes and line ends escaped, and may have blanks.
            let sample = line.rsplit_once(' ');
            let sample = sample.and_then(|(series, value)| {
                value.parse::<f64>().ok()?;
                Some((series, value))
            });
            let (series, value) = sample.ok_or_else(|| format!("line {number} is no sample"))?;
            if let Ok(value) = value.parse() {
                counters.insert(series.to_owned(), value);
            }
        }
        Ok(Self(counters))
    }
}

/// The text of a regular file that is no larger than any of ours.
fn read(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new()
        .read(true)
        // Not to wait for a writer; for a regular file it means nothing.
        .custom_flags(O_NONBLOCK)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > MAX_SIZE {
        return Err(io::Error::other(format!(
            "it is larger than {MAX_SIZE} bytes"
        )));
    }
    let mut text = String::new();
    file.take(MAX_SIZE).read_to_string(&mut text)?;
    Ok(text)
}

const ENDING: &str = "prom";
/// In bytes: room for the figures of thousands of rules.
const MAX_SIZE: u64 = 16 << 20;
