//! What ends a run early.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use ban_fleet::OutboxError;
use netfilter_host::whole_file::WriteError;

use crate::config::ConfigError;
use crate::valkey::EngineError;

/// Why a run ends early; exit status 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("configuration \"{}\"", .path.display())]
    Config { path: PathBuf, source: ConfigError },
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("cannot ask for the sets")]
    Sets(#[from] ban_sets::Error),
    #[error(transparent)]
    Keep(#[from] WriteError),
    #[error("cannot write the report")]
    Output(#[from] io::Error),
}

/// The error and what caused it, on one line.
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
