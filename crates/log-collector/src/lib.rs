//! Writes the packets of an NFLOG group into a file, each as the line that rsyslog makes of a
//! kernel LOG line.
#![forbid(unsafe_code)]

mod args;
mod collector;
mod output;
mod say;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::Args;
use crate::collector::Collector;
use crate::say::say;

/// The command line, the configuration or what they name cannot be used.
const UNUSABLE: u8 = 2;

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

/// The program: reads the command line of the process and gives its exit status.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let collector = match Collector::start(&args) {
        Ok(collector) => collector,
        Err(error) => return complain(&error, UNUSABLE),
    };
    match collector.run() {
        Ok(totals) => {
            say(&format_args!("{totals}"));
            ExitCode::SUCCESS
        }
        Err(error) => complain(&error, 1),
    }
}

fn complain(error: &dyn std::error::Error, status: u8) -> ExitCode {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    say(&format_args!("{text}"));
    ExitCode::from(status)
}
