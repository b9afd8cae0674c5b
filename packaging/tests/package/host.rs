//! This host's files with another file system laid over them: what is written stays there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use netns_testbed::{Failed, Tool, program, skip};
use tempfile::TempDir;

const PROGRAMS: [&str; 3] = ["firewall-apply", "log-scanner", "log-collector"];

/// What is called and does nothing; each call is a line of `/calls`.
const STANDINS: [&str; 6] = [
    "systemctl",
    "systemd-tmpfiles",
    "modprobe",
    "sysctl",
    "rsyslogd",
    "apparmor_parser",
];

/// Lays the file systems, and runs a script in them with the stand-ins first in its `PATH`. What it
/// left is told by `left`.
const LAY: &str = r#"
set -eu
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/root"
if ! mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root" 2>"$work/why"; then
    cat "$work/why" >&2
    exit 77
fi
mount --rbind /dev "$work/root/dev"
mount -t proc proc "$work/root/proc" 2>/dev/null || mount --rbind /proc "$work/root/proc"
# Root of a namespace of an ordinary user's may not.
[ -w "$work/root/var/lib/dpkg" ] || { echo "/var/lib/dpkg is not to be written" >&2; exit 77; }
mkdir "$work/root/stub"
cp -r "$with/." "$work/root/stub"
rm -rf "$work/root/etc/rampart" "$work/root/var/lib/rampart"
mkdir -p "$work/root/run/systemd/system"
status=0
chroot "$work/root" /bin/sh -eu /stub/script || status=$?
cd "$work/upper"
# What is there and was not; a device is how the file system says that something is gone.
{
    find . \( -type f -o -type l \)
    find . -type d | while read -r directory; do [ -d "/$directory" ] || echo "$directory/"; done
} | grep -Ev '^\./(stub|run|tmp|calls|var/lib/dpkg|var/log/dpkg|var/cache)' | sed 's/^\.//' | sort >"$left"
exit $status
"#;

/// The files of such a host.
pub(crate) struct Host {
    directory: TempDir,
}

/// What became of it.
pub(crate) struct Done {
    /// What the script wrote.
    pub(crate) said: String,
    pub(crate) errors: String,
    pub(crate) status: Option<i32>,
    /// The paths that it left, sorted; directories end in `/`.
    pub(crate) left: Vec<String>,
}

impl Host {
    /// A host with the packages `/stub/1.deb` and, a version later, `/stub/2.deb`.
    pub(crate) fn new() -> Result<Self, Failed> {
        Tool::require("dpkg-deb")?;
        let host = Self {
            directory: TempDir::new()?,
        };
        for name in ["work", "with", "binaries", "stage"] {
            fs::create_dir(host.path(name))?;
        }
        for name in STANDINS {
            host.script(&format!("with/{name}"), &stand_in(name))?;
        }
        for name in PROGRAMS {
            host.script(&format!("binaries/{name}"), "#!/bin/sh\n")?;
        }
        host.stage()?;
        for (file, version) in [("with/1.deb", "0.1.0-1"), ("with/2.deb", "0.1.1-1")] {
            host.pack(file, version)?;
        }
        Ok(host)
    }

    /// With the programs as cargo built them.
    pub(crate) fn with_programs(self) -> Result<Self, Failed> {
        for name in PROGRAMS {
            fs::copy(program(name), self.path("with").join(name))?;
        }
        Ok(self)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn script(&self, name: &str, text: &str) -> Result<(), Failed> {
        let path = self.path(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    fn stage(&self) -> Result<(), Failed> {
        let output = Command::new(packaging("install.sh"))
            .args(["--package", "--system", "debian"])
            .env("DESTDIR", self.path("stage"))
            .env("BINARIES", self.path("binaries"))
            .env("MANUAL", "/nowhere")
            .output()?;
        succeeded(&output)
    }

    fn pack(&self, file: &str, version: &str) -> Result<(), Failed> {
        let control = self.path("stage").join("DEBIAN");
        fs::create_dir_all(&control)?;
        for script in ["postinst", "prerm", "postrm"] {
            fs::copy(packaging("scripts").join(script), control.join(script))?;
        }
        fs::write(
            control.join("control"),
            format!(
                "Package: rampart\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@y>\nDescription: x\n"
            ),
        )?;
        fs::write(
            control.join("conffiles"),
            "/etc/rampart/firewall.toml\n/etc/rampart/scan.toml\n/etc/sysctl.d/60-rampart.conf\n",
        )?;
        let output = Command::new("dpkg-deb")
            .args(["--root-owner-group", "-Znone", "--build"])
            .arg(self.path("stage"))
            .arg(self.path(file))
            .output()?;
        succeeded(&output)
    }

    /// Runs a script as root of that host.
    pub(crate) fn run(&self, script: &str) -> Result<Done, Failed> {
        let prologue = "PATH=/stub:/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH\ncd /\n\
                        dpkg() { command dpkg --no-triggers --force-unsafe-io --force-confold \"$@\"; }\n";
        fs::write(self.path("with/script"), format!("{prologue}{script}"))?;
        let output = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "sh", "-c", LAY])
            .env("work", self.path("work"))
            .env("with", self.path("with"))
            .env("left", self.path("left"))
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env_remove("SSH_CONNECTION")
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(77) {
            return Err(skip(format!(
                "no file system can be laid over /: {}",
                errors.trim()
            )));
        }
        let left =
            fs::read_to_string(self.path("left")).map_err(|error| format!("{error}: {errors}"))?;
        Ok(Done {
            said: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors,
            status: output.status.code(),
            left: left.lines().map(str::to_owned).collect(),
        })
    }

    /// Runs a script that has to succeed.
    pub(crate) fn done(&self, script: &str) -> Result<Done, Failed> {
        let done = self.run(script)?;
        assert_eq!(done.status, Some(0), "{}{}", done.said, done.errors);
        Ok(done)
    }

    /// The paths of the files in the package, sorted.
    pub(crate) fn packed(&self) -> Result<Vec<String>, Failed> {
        let stage = self.path("stage");
        let mut paths = Vec::new();
        collect(&stage, &stage, &mut paths)?;
        paths.retain(|path| !path.starts_with("/DEBIAN"));
        paths.sort();
        Ok(paths)
    }
}

/// A program that only notes how it was called. No unit is active.
fn stand_in(name: &str) -> String {
    format!("#!/bin/sh\necho \"{name} $*\" >>/calls\n[ \"$1\" != is-active ]\n")
}

fn collect(root: &Path, directory: &Path, paths: &mut Vec<String>) -> Result<(), Failed> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, paths)?;
        } else {
            let path = path.strip_prefix(root)?;
            paths.push(format!("/{}", path.display()));
        }
    }
    Ok(())
}

fn succeeded(output: &Output) -> Result<(), Failed> {
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {errors}", output.status).into())
}

pub(crate) fn packaging(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}
