//! Trials: tests that each have a network of their own.

use std::any::Any;
use std::io::Write as _;
use std::process::ExitCode;
use std::thread;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::enter::enter;
use crate::entered::{entered, fresh_network};

/// Makes a host that forbids namespaces a failure.
const REQUIRE_NAMESPACES: &str = "RAMPART_REQUIRE_NAMESPACES";
/// Marks the message of a [`Failed`] that stands for "skipped".
const SKIPPED: &str = "\u{0}skipped: ";

/// Enters namespaces of its own and runs the trials, with the command line of `cargo test`.
///
/// To be called first in `main`, while the process has a single thread. Where the host forbids
/// namespaces, the reason and its cure are written to standard error once and every trial counts as
/// ignored, or as failed with `RAMPART_REQUIRE_NAMESPACES=1`.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    if !arguments.list {
        if let Err(reason) = enter() {
            // Standard error may be closed; the trials still say it each.
            let _ = writeln!(std::io::stderr(), "netns-testbed: {reason}");
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test whose body runs on a thread of its own in a fresh network namespace, with loopback up.
///
/// A panic in the body is a failure, a body that returns [`skip`] is shown as ignored.
pub fn trial(
    name: impl Into<String>,
    body: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let name = name.into();
    let thread = name.clone();
    Trial::ignorable_test(name, move || in_fresh_network(thread, body))
}

/// Ends a trial as ignored, for `reason`: `return Err(skip("no kernel log in this container"))`.
pub fn skip(reason: impl Into<String>) -> Failed {
    Failed::from(format!("{SKIPPED}{}", reason.into()))
}

/// Whether the variable `name` asks that what is missing be a failure.
pub(crate) fn required(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value == "1")
}

fn in_fresh_network(
    name: String,
    body: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Result<Completion, Failed> {
    if let Err(reason) = entered() {
        return if required(REQUIRE_NAMESPACES) {
            Err(reason.into())
        } else {
            Ok(Completion::ignored_with(reason))
        };
    }
    let thread = thread::Builder::new()
        .name(name)
        .spawn(|| fresh_network().and_then(|()| body()))
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    let result = thread
        .join()
        .unwrap_or_else(|panic| Err(Failed::from(text_of(&*panic))));
    match result {
        Ok(()) => Ok(Completion::Completed),
        Err(failed) => match failed
            .message()
            .and_then(|message| message.strip_prefix(SKIPPED))
        {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => Err(failed),
        },
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panicked").to_owned()
}
