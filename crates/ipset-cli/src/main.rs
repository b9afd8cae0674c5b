//! The command line of `ipset`, over netlink.
#![forbid(unsafe_code)]

mod command_line;
mod grammar;
mod message;
mod names;
mod output;
mod report;
mod restore;
mod session;
mod types;

use std::process::ExitCode;

use command_line::Stop;
use session::Session;

fn main() -> ExitCode {
    let mut session = Session::default();
    let words = std::env::args_os().skip(1).map(|word| {
        word.into_string()
            .map_err(|word| Stop::Failed(format!("{} is not UTF-8", word.to_string_lossy())))
    });
    let result = words
        .collect::<Result<Vec<_>, _>>()
        .and_then(|words| session.run(words));
    ExitCode::from(session.conclude(result))
}
