//! `status --watch`: again and again, with what came in a second.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::look;
use super::report::Rates;
use crate::args::StatusArgs;
use crate::config::{Source, Wanted};
use crate::findings::{Findings, Status};

/// Looks every so many seconds until a signal comes or nobody reads any more. On a terminal each
/// look takes the place of the one before; elsewhere it is a block, with an empty line behind it.
pub(crate) fn watch(
    config: &Source,
    wanted: Option<&Wanted>,
    args: &StatusArgs,
    every: Duration,
) -> ExitCode {
    let (send, ended) = mpsc::channel();
    match Signals::new([SIGINT, SIGTERM]) {
        Ok(mut signals) => {
            thread::spawn(move || {
                if signals.forever().next().is_some() {
                    // Who does not listen any more ends anyway.
                    let _ = send.send(());
                }
            });
        }
        // Then they end the process as they do any other.
        Err(_) => std::mem::forget(send),
    }
    let terminal = io::stdout().is_terminal();
    let mut before: Option<Rates> = None;
    loop {
        let mut findings = Findings::default();
        let report = look(config.clone(), wanted, args, before.as_ref(), &mut findings);
        before = Some(Rates::of(&report));
        let block = block(&report.to_string(), &findings);
        let status = findings.status();
        if show(&block, terminal).is_err() {
            return ExitCode::from(status as u8);
        }
        match ended.recv_timeout(every) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return exit(status, terminal),
        }
    }
}

/// Whoever stops watching has seen what there was.
fn exit(status: Status, terminal: bool) -> ExitCode {
    if terminal {
        // The shell's prompt goes below.
        let _ = writeln!(io::stdout());
    }
    ExitCode::from(status as u8)
}

/// What was found, and below it what is odd or wrong.
fn block(report: &str, findings: &Findings) -> String {
    let mut block = report.to_owned();
    let warnings = findings.warnings.iter().map(|problem| ("warning", problem));
    let errors = findings.errors.iter().map(|problem| ("error", problem));
    for (number, (what, problem)) in errors.chain(warnings).enumerate() {
        if number == 0 {
            block.push('\n');
        }
        let _ = writeln!(block, "{what}: {problem}");
    }
    block
}

fn show(block: &str, terminal: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if terminal {
        // Written over what is there, and the rest of each line and of the screen taken away:
        // clearing first would flicker.
        let lines = block.replace('\n', "\x1b[K\n");
        write!(out, "\x1b[H{lines}\x1b[J")?;
    } else {
        writeln!(out, "{block}")?;
    }
    out.flush()
}
