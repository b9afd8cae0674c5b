//! How far a scan has come, on a terminal and nowhere else.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use netns_testbed::Failed;
use nix::pty::openpty;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::support::{RULE, Scanner, V4, blocked};

crate::trials!(
    a_long_scan_shows_how_far_it_is,
    a_short_one_does_not,
    nobody_is_watching,
);

/// Longer than a scan is silent.
const LONG: Duration = Duration::from_millis(1300);

/// Runs a scan whose log comes through a pipe, the last of it after `pause`. What went to the
/// terminal, and to standard output.
fn run(more: &str, pause: Duration, on_terminal: Streams) -> Result<(String, String), Failed> {
    let log = blocked(&[V4], 0..5);
    let scanner = Scanner::new(log.repeat(100))
        .with(RULE)
        .with("--dryrun --log fw.log --log slow")
        .with(more)
        .at(60);
    mkfifo(&scanner.path("slow"), Mode::S_IRWXU)?;
    let terminal = openpty(None, None)?;
    let slave = || terminal.slave.try_clone().map(Stdio::from);
    let mut command = scanner.command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if on_terminal.errors {
        command.stderr(slave()?);
    }
    if on_terminal.report {
        command.stdout(slave()?);
    }
    let mut child = command.spawn()?;
    drop(command);
    drop(terminal.slave);
    let shown = listen(terminal.master);
    let mut pipe = OpenOptions::new().write(true).open(scanner.path("slow"))?;
    pipe.write_all(log.as_bytes())?;
    sleep(pause);
    pipe.write_all(log.as_bytes())?;
    drop(pipe);
    let mut report = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut report)?;
    }
    assert!(child.wait()?.success());
    let shown = shown.join().map_err(|_| "the listener failed")?;
    Ok((shown, report))
}

/// Which of the program's streams are a terminal.
#[derive(Clone, Copy)]
struct Streams {
    report: bool,
    errors: bool,
}

/// All that comes until the program has closed the terminal, which then fails to read.
fn listen(master: OwnedFd) -> std::thread::JoinHandle<String> {
    spawn(move || {
        let mut master = std::fs::File::from(master);
        let (mut shown, mut piece) = (Vec::new(), [0; 1024]);
        while let Ok(length @ 1..) = master.read(&mut piece) {
            shown.extend(piece.iter().take(length));
        }
        String::from_utf8_lossy(&shown).into_owned()
    })
}

const ERRORS: Streams = Streams {
    report: false,
    errors: true,
};
const BOTH: Streams = Streams {
    report: true,
    errors: true,
};

fn a_long_scan_shows_how_far_it_is() -> Result<(), Failed> {
    let (shown, report) = run("", LONG, ERRORS)?;
    assert!(shown.starts_with("\rscanning, 0 MB so far"), "{shown:?}");
    // It is taken away again, by blanks and not by escape sequences.
    let last = shown.rsplit("scanning").next().unwrap_or_default();
    assert!(shown.ends_with(" \r") && last.contains("\r  "), "{shown:?}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(report.contains("[VIOLATION]") && !report.contains("scanning"));
    // A person who reads JSON on a terminal.
    let (shown, _) = run("--json", LONG, BOTH)?;
    assert!(shown.contains("\rscanning, "), "{shown:?}");
    Ok(())
}

fn a_short_one_does_not() -> Result<(), Failed> {
    let started = Instant::now();
    let (shown, _) = run("", Duration::ZERO, ERRORS)?;
    // Where the machine took its time, it may.
    if started.elapsed() < Duration::from_secs(1) {
        assert_eq!(shown, "");
    }
    Ok(())
}

fn nobody_is_watching() -> Result<(), Failed> {
    let report_only = Streams {
        report: true,
        errors: false,
    };
    let (shown, _) = run("", LONG, report_only)?;
    assert!(!shown.contains("scanning"), "{shown:?}");
    // A program reads the document.
    let (shown, report) = run("--json", LONG, ERRORS)?;
    assert!(!shown.contains("scanning"), "{shown:?}");
    serde_json::from_str::<serde_json::Value>(&report)?;
    Ok(())
}
