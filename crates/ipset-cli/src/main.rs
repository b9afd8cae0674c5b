//! The command line of `ipset`, over netlink.
#![forbid(unsafe_code)]

mod command_line;
mod error_text;
mod grammar;
mod names;
mod output;
mod report;
mod restore;
mod session;
mod text;
mod types;

use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use command_line::{Command, Stop};
use session::Session;

fn main() -> ExitCode {
    let mut session = Session::default();
    let words = std::env::args_os()
        .skip(1)
        .map(|word| text::of(word.as_bytes()));
    let result = run(&mut session, words.collect());
    ExitCode::from(session.conclude(result))
}

fn run(session: &mut Session, words: Vec<String>) -> Result<(), Stop> {
    match session.read(words)? {
        Some(call) if call.command == Command::Restore => {
            let input = session.open_file(&call)?;
            restore::restore(session, input)
        }
        Some(call) => session.call(&call),
        None => Ok(()),
    }
}
