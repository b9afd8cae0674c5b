//! What ends a run before anything is changed.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use netfilter_host::nflog;

use crate::rule::RulesFileError;
use crate::words::plain;

/// Why the run ended with nothing changed; exit status 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fatal {
    #[error("rules file {}", quoted(path))]
    Rules {
        path: PathBuf,
        source: RulesFileError,
    },
    #[error("the rule cannot be: {0}")]
    Rule(String),
    #[error("cannot open log {}", quoted(path))]
    OpenLog { path: PathBuf, source: io::Error },
    #[error("log {} is given twice, its lines would count twice", quoted(path))]
    SameLog { path: PathBuf },
    #[error(
        "log {} is compressed ({name}) and not read as text; read it as {}",
        quoted(path),
        by_hand(path, command)
    )]
    Compressed {
        path: PathBuf,
        name: &'static str,
        /// Writes the text to standard output, given the file: `xzcat`.
        command: &'static str,
    },
    #[error(
        "log {} is no plain text, so its end cannot be followed; what grows: tail -c +1 -F FILE | log-scanner follow --log -",
        quoted(path)
    )]
    NotFollowed { path: PathBuf },
    #[error("cannot read log {} after line {line}", quoted(path))]
    ReadLog {
        path: PathBuf,
        line: u64,
        source: io::Error,
    },
    #[error(
        "log {} is no file and cannot be read twice; give the end of the report with --as-of TIME",
        quoted(path)
    )]
    ReadTwice { path: PathBuf },
    #[error("cannot read the database {}", quoted(path))]
    Places { path: PathBuf, source: io::Error },
    #[error("cannot tell the addresses of this host, which must not be banned")]
    OwnAddresses(#[source] io::Error),
    #[error(transparent)]
    Packets(nflog::Error),
    #[error("cannot take signals")]
    Signals(#[source] io::Error),
    #[error("cannot start what writes the file of --textfile")]
    Textfile(#[source] io::Error),
    /// Each trouble by itself.
    #[error("{}", .0.join("; "))]
    Sets(Vec<String>),
}

impl Fatal {
    /// What is wrong, each on a line of its own.
    pub(crate) fn complaints(&self) -> Vec<String> {
        match self {
            Self::Sets(troubles) => troubles.clone(),
            other => vec![chain(other)],
        }
    }
}

/// Why a run ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// What was found out cannot be told.
    #[error("cannot write the report: {0}")]
    Output(#[from] io::Error),
    /// Nobody can tell when there is more to read.
    #[error("cannot wait for lines: {0}")]
    Wait(#[source] io::Error),
    /// Packets come no longer.
    #[error(transparent)]
    Packets(nflog::Error),
}

/// The error and what caused it, on one line, fit for a terminal.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn quoted(path: &std::path::Path) -> String {
    if path.as_os_str() == "-" {
        return "- (standard input)".to_owned();
    }
    format!("\"{}\"", plain(path.as_os_str().as_encoded_bytes()))
}

/// What to type, where the path is one that can be typed.
fn by_hand(path: &std::path::Path, command: &str) -> String {
    let is_typed = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(byte);
    let typed = path
        .to_str()
        .filter(|path| *path != "-" && path.bytes().all(|byte| is_typed(&byte)));
    format!("{command} {} | log-scanner --log -", typed.unwrap_or("…"))
}
