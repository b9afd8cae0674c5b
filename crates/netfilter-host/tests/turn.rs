//! Who has the turn, and when another gets it, in network namespaces of their own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use netfilter_host::turn::{Turn, TurnError};
use netns_testbed::{Failed, Namespace, trial};
use nix::sched::{CloneFlags, unshare};

fn main() -> ExitCode {
    // This program is also the others that it needs.
    match env::args().nth(1).as_deref() {
        Some(HOLD) => return hold(),
        Some(STRANGER) => return be_a_stranger(),
        _ => {}
    }
    netns_testbed::run(vec![
        trial("one_process_at_a_time", one_process_at_a_time),
        trial("a_killed_process_gives_it_up", a_killed_process_gives_it_up),
        trial(
            "each_network_namespace_has_its_own",
            each_network_namespace_has_its_own,
        ),
        trial(
            "nobody_without_privilege_gets_it",
            nobody_without_privilege_gets_it,
        ),
    ])
}

const HOLD: &str = "hold-the-turn";
const STRANGER: &str = "be-a-stranger";

/// Takes the turn, says so, and holds it until it is killed.
fn hold() -> ExitCode {
    let turn = Turn::take();
    println!("{}", turn.is_ok());
    loop {
        thread::park();
    }
}

/// Tries to take the turn as somebody who is nobody here: privileged in another user namespace
/// only.
fn be_a_stranger() -> ExitCode {
    if let Err(error) = unshare(CloneFlags::CLONE_NEWUSER) {
        println!("{error}");
        return ExitCode::FAILURE;
    }
    match Turn::take() {
        Ok(_) => println!("taken"),
        Err(error) => println!("{error}"),
    }
    ExitCode::SUCCESS
}

/// Killed, and waited for, when dropped.
struct Holding(Child);

impl Holding {
    fn start() -> Result<Self, Failed> {
        let mut child = Command::new(env::current_exe()?)
            .arg(HOLD)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut said)?;
        let holding = Self(child);
        assert_eq!(said, "true\n");
        Ok(holding)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn one_process_at_a_time() -> Result<(), Failed> {
    let other = Holding::start()?;
    for patience in [0, 200].map(Duration::from_millis) {
        let Err(TurnError::Held { by, waited }) = Turn::take_within(patience) else {
            return Err("two have it".into());
        };
        assert_eq!(by.process(), Some(other.0.id()));
        assert!(waited >= patience, "{waited:?}");
        let name = fs::read_to_string(format!("/proc/{}/comm", other.0.id()))?;
        let who = format!("{} (process {}) ", name.trim_end(), other.0.id());
        let text = TurnError::Held { by, waited }.to_string();
        assert!(text.starts_with(&who), "{text}");
    }
    Ok(())
}

fn a_killed_process_gives_it_up() -> Result<(), Failed> {
    let other = Holding::start()?;
    let waiting = thread::spawn(|| Turn::take().map(drop));
    drop(other);
    waiting.join().map_err(|_| "panicked")??;
    let turn = Turn::take_within(Duration::ZERO)?;
    assert!(matches!(
        Turn::take_within(Duration::ZERO),
        Err(TurnError::Held { .. })
    ));
    drop(turn);
    Turn::take_within(Duration::ZERO).map(drop)?;
    Ok(())
}

fn each_network_namespace_has_its_own() -> Result<(), Failed> {
    let _turn = Turn::take_within(Duration::ZERO)?;
    Namespace::new()?.run(|| Turn::take_within(Duration::ZERO).map(drop))?;
    Ok(())
}

fn nobody_without_privilege_gets_it() -> Result<(), Failed> {
    let stranger = || Command::new(env::current_exe()?).arg(STRANGER).output();
    let output = stranger()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stdout).into_owned();
        return Err(netns_testbed::skip(format!("no user namespace: {why}")));
    }
    let refused = format!("{}\n", TurnError::NotPermitted);
    assert_eq!(String::from_utf8(output.stdout)?, refused);
    // Also while another has it: who may not is told at once.
    let _other = Holding::start()?;
    assert_eq!(String::from_utf8(stranger()?.stdout)?, refused);
    Ok(())
}
