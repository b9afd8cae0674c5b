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
mod text;
mod types;

use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use session::Session;

fn main() -> ExitCode {
    let mut session = Session::default();
    let words = std::env::args_os()
        .skip(1)
        .map(|word| text::of(word.as_bytes()));
    let result = session.run(words.collect());
    ExitCode::from(session.conclude(result))
}
