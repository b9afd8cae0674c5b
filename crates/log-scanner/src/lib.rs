//! One pass over the firewall's log; who hit it too often goes into an ipset.
#![forbid(unsafe_code)]

mod args;
mod ban;
mod ban_by_hand;
mod bans;
mod bouts;
mod clock;
mod connected;
mod cut;
mod duration;
mod error;
mod events;
mod exempt;
mod follow;
mod handshake;
mod log;
mod metrics;
mod names;
mod neighbours;
mod notice;
mod notify;
mod offender;
mod ours;
mod overview;
mod prefixes;
mod progress;
mod reason;
mod record;
mod report;
mod rule;
mod run;
mod scan;
mod sets;
mod share;
mod source;
mod status;
mod trial;
mod unban;
mod violation;
mod who_is_exempt;
mod words;

use std::io::{self, BufWriter};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::{Cli, Command};
use crate::status::{DONE, UNUSABLE};

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The keys of a rule in a rules file, for the manual: each is the name of a flag, too.
pub fn rule_keys() -> &'static [&'static str] {
    rule::keys::of_a_rule()
}

/// The keys of a rules file, `rule` among them, for the manual.
pub fn rules_file_keys() -> &'static [&'static str] {
    rule::keys::of_the_file()
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
        Some(Command::Events(args)) => events::run(args, &mut out).map(|()| DONE),
        Some(Command::Report(args)) => overview::run(args, &mut out),
        Some(Command::Try(args)) => trial::run(args, &mut out),
        Some(Command::Follow(args)) => follow::run(args, &mut out),
        Some(Command::Bans(args)) => bans::run(args, &mut out),
        Some(Command::Ban(args)) => ban_by_hand::run(args, &mut out),
        Some(Command::Unban(args)) => unban::run(args, &mut out),
        Some(Command::Exempt(args)) => who_is_exempt::run(args, &mut out),
        None => run::run(&cli.scan, &mut out),
    };
    done.unwrap_or_else(|stop| status::of(&stop)).into()
}
