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

fn main() {}
