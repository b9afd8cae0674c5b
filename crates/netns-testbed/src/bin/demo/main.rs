//! The main job of Rampart, from the first rule to the proof, in private network namespaces.
//!
//! Nothing of the host is touched and nothing is left behind. Every step is checked: the exit
//! status is 0 only when the firewall did all that the story says.
#![forbid(unsafe_code)]

mod cast;
mod connection;
mod gateway;
mod plot;
mod story;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(reason) = netns_testbed::enter() {
        eprintln!("demo: {reason}");
        return ExitCode::from(2);
    }
    match plot::play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("\ndemo: {}", failed.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}
