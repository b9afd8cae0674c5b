//! Puts the firewall into the kernel: the sets and the chains of both families, all or nothing.
#![forbid(unsafe_code)]

mod amount;
mod apply;
mod args;
mod check;
mod config;
mod configured;
mod confirm;
mod diff;
mod doctor;
mod explain;
mod files;
mod findings;
mod flushers;
mod foreign;
mod host;
mod import;
mod instants;
mod last;
mod legacy;
mod lists;
mod needs;
mod own_addresses;
mod pending;
mod print;
mod refresh;
mod report;
mod reset;
mod restore;
mod rollback;
mod rules;
mod save;
mod set_fill;
mod sets;
mod standing;
mod status;
mod style;
mod surroundings;
mod syslog;
mod turn;
mod verify;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use clap::CommandFactory as _;

use args::{Args, Command, Format};
use findings::Findings;
use report::{emit, emit_text};

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

/// The program: reads the command line of the process and gives its exit status.
pub fn main() -> ExitCode {
    let args = Args::read();
    let command = args.chosen();
    let json = match &command {
        Command::Print(print) => args.json || print.format == Some(Format::Json),
        _ => args.json,
    };
    let findings = &mut Findings::default();
    if let Command::Import(args) = &command {
        // Whatever the configuration of this host says.
        return emit(&import::run(args, findings), findings, json);
    }
    let (path, required) = args.config();
    let (source, wanted) = config::load(path, required, findings);
    match command {
        Command::Apply(args) => emit(
            &apply::run(source, wanted.as_ref(), &args, findings),
            findings,
            json,
        ),
        Command::Check => emit(
            &check::run(source, wanted.as_ref(), findings),
            findings,
            json,
        ),
        Command::Diff => emit(
            &diff::run(source, wanted.as_ref(), findings),
            findings,
            json,
        ),
        Command::Doctor(args) => emit(
            &doctor::run(source, wanted.as_ref(), &args, findings),
            findings,
            json,
        ),
        Command::Confirm(args) => {
            // It is the one that waits that counts.
            findings.only_warn();
            emit(&confirm::run(&args.pending, findings), findings, json)
        }
        Command::Rollback(args) => {
            findings.only_warn();
            emit(&rollback::run(&args, findings), findings, json)
        }
        Command::Explain(args) => {
            // The rules are those in the kernel, whatever the file says.
            findings.only_warn();
            emit(&explain::run(&args, findings), findings, json)
        }
        // Has come and gone.
        Command::Import(args) => emit(&import::run(&args, findings), findings, json),
        Command::Print(args) => emit(&print::run(source, wanted, &args), findings, json),
        Command::Refresh(args) => emit(
            &refresh::run(source, wanted.as_ref(), &args, findings),
            findings,
            json,
        ),
        Command::Reset(args) => emit(&reset::run(wanted, &args, findings), findings, json),
        Command::Restore(args) => emit(&restore::run(wanted, &args.file, findings), findings, json),
        Command::Status(args) => {
            if let Some(seconds) = args.watch {
                let every = Duration::from_secs(seconds.into());
                return status::watch(&source, wanted.as_ref(), &args, every);
            }
            let report = status::run(source, wanted.as_ref(), &args, findings);
            match &args.textfile {
                Some(file) => status::write_textfile(&report, findings, file),
                None if args.openmetrics => {
                    let metrics = status::metrics(&report, findings);
                    emit_text(&metrics.openmetrics(), findings)
                }
                None => emit(&report, findings, json),
            }
        }
        Command::Save(args) => {
            // Without it there are still the lists: no ban is lost for a typing error.
            findings.only_warn();
            emit(
                &save::run(&args.file, wanted.as_ref(), findings),
                findings,
                json,
            )
        }
    }
}
