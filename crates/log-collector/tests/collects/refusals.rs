//! What cannot be done is refused before anything is begun: exit status 2, and why.

use std::process::Command;

use netns_testbed::{Failed, Tool, Trial, World, trial};
use tempfile::TempDir;

use crate::{Collector, collector};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("refusals::a_group_that_is_taken", group_taken),
        trial("refusals::no_privilege", no_privilege),
        trial("refusals::a_file_that_cannot_be_written", no_file),
        trial("refusals::arguments", arguments),
    ]
}

/// Runs the program on the gateway and gives what it says when it refuses.
fn refused(world: &World, command: &mut Command) -> Result<String, Failed> {
    let output = world.gateway.run(|| command.output())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    Ok(said)
}

fn group_taken() -> Result<(), Failed> {
    let world = World::new()?;
    let first = Collector::start(&world, &[])?;
    let log = first.log.with_extension("second");
    let said = refused(&world, collector().arg("--output").arg(&log))?;
    let port = first.process.id();
    let expected = format!(
        "log-collector: cannot read NFLOG group 5: another program reads it already (netlink port {port}, most often its pid)\n"
    );
    assert_eq!(said, expected);
    assert!(!log.exists(), "a refused start made a file");
    first.end()?;
    Ok(())
}

fn no_privilege() -> Result<(), Failed> {
    let world = World::new()?;
    let setpriv = Tool::require("setpriv")?;
    let directory = TempDir::new()?;
    let said = refused(
        &world,
        Command::new(setpriv.path())
            .args(["--inh-caps=-all", "--bounding-set=-all"])
            .arg(env!("CARGO_BIN_EXE_log-collector"))
            .arg("--output")
            .arg(directory.path().join("log")),
    )?;
    assert!(said.contains("CAP_NET_ADMIN"), "{said}");
    Ok(())
}

fn no_file() -> Result<(), Failed> {
    let world = World::new()?;
    let directory = TempDir::new()?;
    for (path, why) in [
        (directory.path().join("no/log"), "No such file or directory"),
        (directory.path().to_owned(), "directory"),
        ("/dev/null".into(), "it is not a regular file"),
    ] {
        let said = refused(&world, collector().arg("--output").arg(&path))?;
        assert!(said.contains(&path.display().to_string()), "{said}");
        assert!(said.contains(why), "{said}");
    }
    Ok(())
}

fn arguments() -> Result<(), Failed> {
    let world = World::new()?;
    for arguments in [
        &["--group", "65536"][..],
        &["--max-size", "1"],
        &["--keep", "-1"],
        &["--daemon"],
    ] {
        let said = refused(&world, collector().args(arguments))?;
        assert!(said.starts_with("error: "), "{said}");
    }
    Ok(())
}
