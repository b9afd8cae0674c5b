//! The RAM disk: mount unit and fstab line say the same, and the kernel does what they say.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use netns_testbed::{Failed, Tool, Trial, trial};
use nix::mount::{MntFlags, umount2};
use nix::sys::statvfs::statvfs;
use tempfile::TempDir;

use crate::{text_of, utf8};

const FSTAB: &str = "fstab/ram.fstab";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("ram_disk::unit_and_fstab_agree", unit_and_fstab_agree),
        trial("ram_disk::mounted_as_fstab_says", mounted_as_fstab_says),
        trial("ram_disk::does_not_grow", does_not_grow),
    ]
}

fn unit_and_fstab_agree() -> Result<(), Failed> {
    let unit = text_of("systemd/ram.mount")?;
    let value = |key: &str| {
        let mut lines = unit.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(name, _)| *name == key);
        found
            .map(|(_, value)| value)
            .ok_or_else(|| Failed::from(format!("the unit has no {key}=")))
    };
    let fstab = text_of(FSTAB)?;
    let fields: Vec<&str> = fstab.split_whitespace().collect();
    let unit = [
        value("What")?,
        value("Where")?,
        value("Type")?,
        value("Options")?,
        "0",
        "0",
    ];
    assert_eq!(fields, unit);
    Ok(())
}

/// A tmpfs mounted by the stock `mount` from our fstab line, at a directory of its own.
struct RamDisk {
    directory: TempDir,
}

impl RamDisk {
    fn mount(change: impl FnOnce(String) -> String) -> Result<Self, Failed> {
        let mount = Tool::require("mount")?;
        let directory = TempDir::new()?;
        let fstab = directory.path().join("fstab");
        let disk = Self { directory };
        fs::create_dir(disk.path())?;
        let line = text_of(FSTAB)?.replace("/ram", utf8(&disk.path())?);
        fs::write(&fstab, change(line))?;

        let findmnt = Tool::require("findmnt")?;
        findmnt.run(&["--verify", "--tab-file", utf8(&fstab)?])?;
        mount.run(&["--fstab", utf8(&fstab)?, utf8(&disk.path())?])?;
        Ok(disk)
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("ram")
    }
}

impl Drop for RamDisk {
    fn drop(&mut self) {
        // Where mounting failed there is nothing to undo; else the directory could not be removed.
        let _ = umount2(&self.path(), MntFlags::MNT_DETACH);
    }
}

fn mounted_as_fstab_says() -> Result<(), Failed> {
    let disk = RamDisk::mount(|line| line)?;
    let mount = mounted(&disk.path())?;
    for option in ["rw", "nosuid", "nodev", "noexec", "mode=755"] {
        assert!(
            mount.contains(option),
            "mounted without {option}: {mount:?}"
        );
    }
    let size = statvfs(&disk.path())?;
    assert_eq!(size.blocks() * size.fragment_size(), 1 << 30);
    Ok(())
}

/// The options that the kernel shows for the mount at `path`.
fn mounted(path: &Path) -> Result<BTreeSet<String>, Failed> {
    let path = utf8(path)?;
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let options = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        (fields.nth(1) == Some(path)).then(|| fields.nth(1))?
    });
    let options = options.ok_or_else(|| format!("{path} is not mounted"))?;
    Ok(options.split(',').map(str::to_owned).collect())
}

fn does_not_grow() -> Result<(), Failed> {
    let disk = RamDisk::mount(|line| line.replace("size=1G", "size=1M"))?;
    let log = disk.path().join("iptables.log");
    let error = fs::write(&log, vec![b'x'; 2 << 20])
        .err()
        .ok_or("2 MB fit on a disk of 1 MB")?;
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(fs::metadata(&log)?.len(), 1 << 20);
    Ok(())
}
