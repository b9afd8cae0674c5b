//! Writes the manual's pages and the shells' completions of Rampart's programs.
//!
//! Each page of a program or subcommand is made of the command line that the program reads by, so
//! that neither can say what the other does not. `firewall.toml(5)` is the packaged file, which
//! names every key, and what the README of firewall-apply says of them; `scan.toml(5)` is the keys
//! that the reader of that file knows, each with the help of the flag of its name. The programs
//! themselves carry none of it.
#![forbid(unsafe_code)]

mod completions;
mod firewall_toml;
mod markdown;
mod page;
mod program_page;
mod scan_toml;
mod setup_page;
mod trailer;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::page::Issue;

/// Writes the manual's pages and the shells' completions of Rampart's programs
///
/// SOURCE_DATE_EPOCH, in seconds, is the date on the pages; without it, today.
#[expect(clippy::doc_markdown, reason = "it is the text of --help")]
#[derive(Debug, Parser)]
#[command(name = "rampart-manual", version)]
struct Args {
    /// Where to: man8, man5, bash, zsh and fish are made there
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// Why there is no manual.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("SOURCE_DATE_EPOCH is no number of seconds since 1970")]
    Date,
    #[error("{path}: {why}")]
    Write { path: PathBuf, why: std::io::Error },
    #[error("packaging/rampart-setup has no text for --help")]
    Setup,
    #[error(transparent)]
    Firewall(#[from] firewall_toml::Error),
    #[error(transparent)]
    Scan(#[from] scan_toml::Error),
}

fn main() -> ExitCode {
    let args = Args::parse();
    match write_all(&args.directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            // Nobody is left to tell where this fails.
            let _ = writeln!(std::io::stderr(), "rampart-manual: {error}");
            ExitCode::from(2)
        }
    }
}

fn write_all(directory: &Path) -> Result<(), Error> {
    let issue = Issue::of(env::var("SOURCE_DATE_EPOCH").ok().as_deref()).ok_or(Error::Date)?;
    for mut command in programs() {
        for (name, page) in program_page::pages(&command, &issue) {
            write(directory, &format!("man8/{name}.8"), &page)?;
        }
        for (path, script) in completions::of(&mut command) {
            write(directory, &path, &script)?;
        }
    }
    let setup = setup_page::page(&issue).ok_or(Error::Setup)?;
    write(directory, &format!("man8/{}.8", setup_page::NAME), &setup)?;
    write(
        directory,
        "man5/firewall.toml.5",
        &firewall_toml::page(&issue)?,
    )?;
    let keys = scan_toml::Keys {
        of_the_file: log_scanner::rules_file_keys(),
        of_a_rule: log_scanner::rule_keys(),
    };
    let page = scan_toml::page(&log_scanner::command(), &keys, &issue)?;
    write(directory, "man5/scan.toml.5", &page)
}

/// The programs that are installed.
fn programs() -> [clap::Command; 3] {
    [
        firewall_apply::command(),
        log_scanner::command(),
        log_collector::command(),
    ]
}

fn write(directory: &Path, name: &str, text: &str) -> Result<(), Error> {
    let path = directory.join(name);
    let parent = path.parent().unwrap_or(directory);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&path, text))
        .map_err(|why| Error::Write { path, why })
}
