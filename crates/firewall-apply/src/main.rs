//! Puts the firewall into the kernel: the sets and the chains of both families, all or nothing.
#![forbid(unsafe_code)]

mod apply;
mod args;
mod check;
mod config;
mod files;
mod findings;
mod print;
mod report;
mod reset;
mod restore;
mod save;
mod sets;
mod turn;
mod verify;

use std::process::ExitCode;

use args::{Args, Command, Format};
use findings::Findings;
use report::Body;

fn main() -> ExitCode {
    let args = Args::read();
    let command = args.chosen();
    let json = match &command {
        Command::Print(print) => args.json || print.format == Some(Format::Json),
        _ => args.json,
    };
    let mut findings = Findings::default();
    let body = run(&args, command, &mut findings);
    report::emit(&body, &findings, json)
}

fn run(args: &Args, command: Command, findings: &mut Findings) -> Body {
    let (path, required) = args.config();
    let (source, wanted) = config::load(path, required, findings);
    match command {
        Command::Apply(args) => Body::Apply(apply::run(source, wanted.as_ref(), &args, findings)),
        Command::Check => Body::Check(check::run(source, wanted.as_ref(), findings)),
        Command::Print(args) => Body::Print(print::run(source, wanted, &args)),
        Command::Reset(args) => Body::Reset(reset::run(wanted, args.sets, findings)),
        Command::Restore(args) => Body::Restore(restore::run(wanted, &args.file, findings)),
        Command::Save(args) => {
            // The names of the sets do not depend on it: no ban is lost for a typing error.
            findings.only_warn();
            Body::Save(save::run(&args.file, findings))
        }
    }
}
