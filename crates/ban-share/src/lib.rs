//! Bans of a fleet of hosts over Valkey or Redis.
//!
//! [`Valkey`] is the engine of [`ban_fleet`] that a server is, by commands that Redis 7.0 has. What
//! lies there, and under which keys, is in the README.
#![forbid(unsafe_code)]

mod acl;
mod args;
mod by_hand;
mod check;
mod config;
mod error;
mod snapshot;
mod sync;
mod valkey;

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::{Cli, Command};
pub use crate::config::{Config, ConfigError, EngineConfig, Take};
use crate::error::chain;
pub use crate::valkey::{EngineError, Keys, Valkey};

/// All is well.
const DONE: u8 = 0;
/// Something is not as it should be.
const FINDING: u8 = 1;
/// The command line, the configuration or the engine cannot be used.
const UNUSABLE: u8 = 2;

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The program: reads the command line of the process and gives its exit status.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to a pipe that may be closed.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(UNUSABLE).into();
        }
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let done = match &cli.command {
        Command::Acl(args) => acl::run(args, &mut out),
        Command::Check(args) => check::run(args, &mut out),
        Command::Sync(args) => sync::run(args, &mut out),
        Command::Pardon(args) => by_hand::pardon(args, &mut out),
        Command::Ban(args) => by_hand::ban(args, &mut out),
        Command::Snapshot(args) => snapshot::run(args, &mut out),
    };
    let done = done.and_then(|status| Ok(out.flush().map(|()| status)?));
    let status = done.unwrap_or_else(|stop| {
        // There is nobody left to tell when this fails.
        let _ = writeln!(io::stderr(), "[ERROR] {}", chain(&stop));
        UNUSABLE
    });
    status.into()
}
