//! A whole machine: a Debian root file system with its own systemd as process 1.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use netns_testbed::{Failed, Host, Process};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tempfile::TempDir;

use crate::{PATIENCE, wait_for};

/// Mounts what a system needs and becomes systemd.
const BOOT: &str = include_str!("boot.sh");
/// The namespaces of a machine; its network is that of the host that it is booted on.
const NAMESPACES: [&str; 7] = [
    "--pid",
    "--mount",
    "--uts",
    "--ipc",
    "--cgroup",
    "--fork",
    "--kill-child",
];

/// The disk of one machine: a root file system that stays as it is, and what was written since.
///
/// It outlives the machine, as a disk does.
#[derive(Debug)]
pub(crate) struct Disk {
    lower: PathBuf,
    written: TempDir,
}

impl Disk {
    /// Nothing written yet.
    pub(crate) fn new(lower: &Path) -> Result<Self, Failed> {
        let written = TempDir::new()?;
        let disk = Self {
            lower: lower.to_owned(),
            written,
        };
        // A file system of its own: an overlay cannot lie on another one, as /tmp may.
        mount(
            Some("tmpfs"),
            disk.written.path(),
            Some("tmpfs"),
            MsFlags::empty(),
            None::<&str>,
        )
        .map_err(|error| format!("cannot mount a disk: {error}"))?;
        for part in ["upper", "work"] {
            fs::create_dir(disk.written.path().join(part))?;
        }
        Ok(disk)
    }

    /// Where what is put at `path` is written to while no machine runs.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        let below = path.trim_start_matches('/');
        self.written.path().join("upper").join(below)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(self.written.path(), MntFlags::MNT_DETACH);
    }
}

/// A machine that is up; killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Machine {
    unshared: Process,
    first: u32,
    /// The last to be dropped: it can be removed once all processes are gone.
    _group: Group,
}

impl Machine {
    /// Boots from `disk`, in the network of `host`, and waits until all that is to be started is.
    pub(crate) fn boot(disk: &Disk, host: &Host) -> Result<Self, Failed> {
        let group = Group::new()?;
        let join = format!(
            "echo $$ >{}/cgroup.procs && exec unshare \"$@\"",
            group.path.display()
        );
        let mut command = Command::new("sh");
        command
            .args(["-c", &join, "unshare"])
            .args(NAMESPACES)
            .args(["sh", "-c", BOOT, "boot.sh"])
            .arg(&disk.lower)
            .arg(disk.written.path())
            .stdin(Stdio::null());
        let mut unshared = host.start(&mut command)?;
        let id = unshared.id();
        let mut first = None;
        wait_for("systemd to be started", || {
            first = child_of(id).filter(|&child| is_systemd(child));
            first.is_some() || unshared.try_wait().is_ok_and(|ended| ended.is_some())
        })?;
        let first = first.ok_or("systemd was not started")?;
        let machine = Self {
            unshared,
            first,
            _group: group,
        };
        wait_for("the bus", || {
            machine.file("/run/dbus/system_bus_socket").exists()
        })?;
        // Degraded, too, is up: a unit of the distribution that wants hardware has failed.
        machine.output("systemctl is-system-running --wait")?;
        Ok(machine)
    }

    /// Runs a line of shell as root and gives what it wrote to standard output.
    pub(crate) fn run(&self, line: &str) -> Result<String, Failed> {
        let output = self.output(line)?;
        let [text, errors] =
            [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        if output.status.success() {
            return Ok(text.into_owned());
        }
        Err(format!("`{line}`: {}\n{text}{errors}", output.status).into())
    }

    /// Runs a line of shell and gives all there is, whatever its exit status.
    pub(crate) fn output(&self, line: &str) -> Result<Output, Failed> {
        let output = Command::new("nsenter")
            .arg(format!("--target={}", self.first))
            .args(["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup"])
            .args(["--root", "--wd", "/bin/sh", "-c", line])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()?;
        if output.status.signal().is_some() {
            return Err(format!("`{line}`: {}", output.status).into());
        }
        Ok(output)
    }

    /// A file of the running machine, as it is to be opened from outside.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.first));
        root.join(path.trim_start_matches('/'))
    }

    /// Shuts down, as `poweroff` does.
    pub(crate) fn shut_down(mut self) -> Result<(), Failed> {
        self.output("systemctl poweroff")?;
        wait_for("the machine to shut down", || {
            self.unshared.try_wait().is_ok_and(|ended| ended.is_some())
        })
    }

    /// Why a unit is not as it should be.
    pub(crate) fn journal(&self, unit: &str) -> Result<String, Failed> {
        self.run(&format!("journalctl --no-pager --output=cat --unit={unit}"))
    }
}

fn child_of(parent: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

fn is_systemd(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "systemd")
}

/// A control group of the unified hierarchy, so that systemd has one to rule.
#[derive(Debug)]
struct Group {
    path: PathBuf,
}

impl Group {
    fn new() -> Result<Self, Failed> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let unified = mounts.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let path = fields.next()?;
            (fields.next()? == "cgroup2").then(|| PathBuf::from(path))
        });
        let unified = unified.ok_or("there is no unified hierarchy of control groups")?;
        let name = format!(
            "rampart-{}-{}",
            process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = unified.join(name);
        fs::create_dir(&path)
            .map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Processes of a machine that was killed are on their way out.
        let end = std::time::Instant::now() + PATIENCE;
        while remove(&self.path).is_err() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// Removes a control group with those in it.
fn remove(group: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}
