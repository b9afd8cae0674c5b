//! What cannot be done is refused before anything is begun: exit status 2, and why.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use netns_testbed::{Failed, Tool, Trial, World, trial};
use tempfile::TempDir;

use crate::file::Disk;
use crate::{Collector, collector};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("refusals::a_group_that_is_taken", group_taken),
        trial("refusals::no_privilege", no_privilege),
        trial("refusals::a_file_that_cannot_be_written", no_file),
        trial("refusals::a_place_that_others_can_write", shared_place),
        trial("refusals::a_disk_that_is_too_small", small_disk),
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
    let inner = directory.path().join("inner");
    fs::create_dir(&inner)?;
    for (path, why) in [
        (directory.path().join("no/log"), "No such file or directory"),
        (inner, "directory"),
        ("/dev/null".into(), "it is not a regular file"),
    ] {
        let said = refused(&world, collector().arg("--output").arg(&path))?;
        assert!(said.contains(&path.display().to_string()), "{said}");
        assert!(said.contains(why), "{said}");
    }
    Ok(())
}

fn shared_place() -> Result<(), Failed> {
    let world = World::new()?;
    let directory = TempDir::new()?;
    let log = directory.path().join("log");
    let refused = || refused(&world, collector().arg("--output").arg(&log));
    std::os::unix::fs::symlink("/etc/passwd", &log)?;
    assert!(refused()?.contains("it is a symbolic link"));
    fs::remove_file(&log)?;
    fs::set_permissions(directory.path(), Permissions::from_mode(0o1777))?;
    assert!(refused()?.contains("(mode 1777)"));
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?;
    // Only root of the host can give something away.
    if std::os::unix::fs::chown(directory.path(), Some(1234), None).is_ok() {
        assert!(refused()?.contains("belongs to user 1234"));
    }
    assert!(!log.exists(), "a refused start made a file");
    Ok(())
}

fn small_disk() -> Result<(), Failed> {
    let world = World::new()?;
    let disk = Disk::new("size=64k,mode=0755")?;
    let log = disk.path.join("log");
    let said = refused(&world, collector().arg("--output").arg(&log))?;
    assert_eq!(
        said,
        format!(
            "log-collector: cannot log to {}: 2 files of --max-size 104857600 bytes need 209723392 bytes, and the file system has \
             65536; use --max-size 28672 or less, a smaller --keep, or a larger file system\n",
            log.display()
        )
    );
    assert!(!log.exists(), "a refused start made a file");
    // As it says.
    let directory = TempDir::new()?;
    let fits = ["--max-size", "28672"];
    Collector::start_at(&world, &fits, directory, log.clone())?.end()?;
    let too_many = ["--max-size", "28672", "--keep", "2", "--output"];
    refused(&world, collector().args(too_many).arg(&log))?;
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
