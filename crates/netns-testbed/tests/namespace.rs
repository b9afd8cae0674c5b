//! Every trial has a network of its own, and what happens in it is told as it is.

use std::panic::resume_unwind;
use std::process::{Command, ExitCode};

use libtest_mimic::Arguments;
use netns_testbed::{Failed, Namespace, Tool, Trial, World, run, skip, trial};

fn main() -> ExitCode {
    run(vec![
        trial("loopback_is_up_and_alone", loopback_is_up_and_alone),
        trial(
            "sets_stay_in_their_namespace::first",
            sets_stay_in_their_namespace,
        ),
        trial(
            "sets_stay_in_their_namespace::second",
            sets_stay_in_their_namespace,
        ),
        trial("namespaces_have_no_names", namespaces_have_no_names),
        told("a_panic_fails", [0, 1, 0], || {
            resume_unwind(Box::new("as it should"))
        }),
        told("an_error_fails", [0, 1, 0], || Err("as it should".into())),
        told("a_skipped_trial_is_ignored", [0, 0, 1], || {
            Err(skip("as it should"))
        }),
        told("a_panic_on_a_host_fails", [0, 1, 0], || {
            World::new()?
                .server
                .run(|| resume_unwind(Box::new("as it should")))
        }),
        trial("a_missing_tool_skips", a_missing_tool_skips),
        trial("a_tool_that_fails_says_why", a_tool_that_fails_says_why),
        trial(
            "a_process_ends_with_its_handle",
            a_process_ends_with_its_handle,
        ),
    ])
}

fn loopback_is_up_and_alone() -> Result<(), Failed> {
    let ip = Tool::require("ip")?;
    let links = ip.run(&["-o", "link", "show", "up"])?;
    assert_eq!(links.lines().count(), 1, "{links}");
    assert!(links.starts_with("1: lo:"), "{links}");
    Ok(())
}

fn sets_stay_in_their_namespace() -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    assert_eq!(ipset.run(&["list", "-name"])?, "");
    ipset.run(&["create", "ours", "hash:ip"])?;
    assert_eq!(ipset.run(&["list", "-name"])?, "ours\n");
    ipset
        .input("add ours 192.0.2.1\nadd ours 192.0.2.2\n")
        .run(&["restore"])?;
    ipset.run(&["test", "ours", "192.0.2.2"])?;
    // Nor do they get into one that is made from here.
    assert_eq!(Namespace::new()?.run(|| ipset.run(&["list", "-name"]))?, "");
    Ok(())
}

fn namespaces_have_no_names() -> Result<(), Failed> {
    let _world = World::new()?;
    assert_eq!(Tool::require("ip")?.run(&["netns", "list"])?, "");
    Ok(())
}

fn a_missing_tool_skips() -> Result<(), Failed> {
    if std::env::var_os("RAMPART_REQUIRE_TOOLS").is_some() {
        return Err(skip("RAMPART_REQUIRE_TOOLS makes it fail"));
    }
    let missing = || Tool::require("no-such-tool").map(drop);
    assert_eq!(outcome(trial("missing", missing)), [0, 0, 1]);
    Ok(())
}

fn a_tool_that_fails_says_why() -> Result<(), Failed> {
    let failed = Tool::require("ipset")?
        .run(&["flush", "no-such-set"])
        .map_err(|failed| format!("{failed:?}"));
    let message = failed.err().ok_or("it did not fail")?;
    for part in [
        "`ipset flush no-such-set`",
        "exit status: 1",
        "does not exist",
    ] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    Ok(())
}

fn a_process_ends_with_its_handle() -> Result<(), Failed> {
    let sleep = Tool::require("sleep")?;
    let world = World::new()?;
    let process = world.gateway.start(Command::new(sleep.path()).arg("600"))?;
    let place = format!("/proc/{}", process.id());
    assert!(std::fs::exists(&place)?);
    drop(process);
    assert!(!std::fs::exists(&place)?);
    Ok(())
}

/// Of a trial with this body, so many pass, fail and are ignored.
fn told(name: &str, expected: [u64; 3], body: fn() -> Result<(), Failed>) -> Trial {
    trial(name, move || {
        assert_eq!(outcome(trial("inner", body)), expected);
        Ok(())
    })
}

/// How many passed, failed and were ignored when this one is run, without a word on the terminal.
fn outcome(inner: Trial) -> [u64; 3] {
    let arguments = Arguments::from_iter(["", "--test-threads", "1", "--logfile", "/dev/null"]);
    let conclusion = libtest_mimic::run(&arguments, vec![inner]);
    [
        conclusion.num_passed,
        conclusion.num_failed,
        conclusion.num_ignored,
    ]
}
