//! One pass over the firewall's log; who hit it too often goes into an ipset.
#![forbid(unsafe_code)]

mod args;
mod ban;
mod clock;
mod connected;
mod cut;
mod duration;
mod error;
mod events;
mod exempt;
mod log;
mod networks;
mod plain;
mod prefixes;
mod progress;
mod report;
mod rule;
mod run;
mod scan;
mod sets;
mod source;

use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::error::Stop;

/// All that was wanted is in the kernel.
const DONE: u8 = 0;
/// Something wanted is not in the kernel, or could not be told.
const INCOMPLETE: u8 = 1;
/// Nothing was changed.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
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
        Some(Command::Events(args)) => events::run(args, &mut out).map(|()| DONE),
        None => run::run(&cli.scan, &mut out),
    };
    done.unwrap_or_else(|stop| status(&stop)).into()
}

/// Says why the run ended early, and gives the exit status.
fn status(stop: &Stop) -> u8 {
    match stop {
        Stop::Fatal(fatal) => {
            for complaint in fatal.complaints() {
                complain(&format!("[ERROR] {complaint}"));
            }
            complain("nothing was changed");
            UNUSABLE
        }
        // Who closed the pipe has read enough.
        Stop::Output(error) if error.kind() == ErrorKind::BrokenPipe => DONE,
        Stop::Output(error) => {
            complain(&format!("[ERROR] cannot write the report: {error}"));
            INCOMPLETE
        }
    }
}

fn complain(text: &str) {
    // There is nobody left to tell when this fails.
    let _ = writeln!(io::stderr(), "{text}");
}
