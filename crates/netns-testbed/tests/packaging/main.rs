//! The files of `packaging/`, each tried with the program that reads it.

mod install;
mod logrotate;
mod metrics;
mod ram_disk;
mod rsyslog;
mod scans;
mod units;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use netns_testbed::{Failed, run};

/// How long a program may take for what it does at once, before the trial fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> std::process::ExitCode {
    let mut trials = install::trials();
    trials.extend(units::trials());
    trials.extend(ram_disk::trials());
    trials.extend(rsyslog::trials());
    trials.extend(logrotate::trials());
    trials.extend(scans::trials());
    trials.extend(metrics::trials());
    run(trials)
}

/// The path of a file in `packaging/`.
fn packaging(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../packaging")
        .join(file)
}

/// The text of a file in `packaging/`.
fn text_of(file: &str) -> Result<String, Failed> {
    let path = packaging(file);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// A file in `packaging/` written to `copy`, with `/ram` replaced by `directory` and nothing else
/// changed.
fn with_ram_at(directory: &Path, file: &str, copy: &Path) -> Result<(), Failed> {
    let text = text_of(file)?;
    assert!(text.contains("/ram"), "{file} does not speak of /ram");
    let directory = utf8(directory)?;
    fs::write(copy, text.replace("/ram", directory))?;
    Ok(())
}

fn utf8(path: &Path) -> Result<&str, Failed> {
    path.to_str()
        .ok_or_else(|| format!("{} is not UTF-8", path.display()).into())
}

/// Waits until `done` says yes.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) -> Result<(), Failed> {
    let end = Instant::now() + PATIENCE;
    while !done() {
        if Instant::now() > end {
            return Err(format!("waited {PATIENCE:?} for {what}").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
