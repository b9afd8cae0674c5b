//! The program `ban-share`. What it does is in the library beside it, so that the manual's pages and the
//! shells' completions are made of the same command line.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ban_share::main()
}
