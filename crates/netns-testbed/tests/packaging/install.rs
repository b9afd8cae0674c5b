//! `install.sh`, into directories of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use netns_testbed::{Failed, Trial, trial};
use tempfile::TempDir;

use crate::packaging;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("install::every_choice_has_its_files", every_choice),
        trial("install::what_was_changed_is_kept", changes_are_kept),
        trial("install::twice_is_once", twice_is_once),
        trial(
            "install::refuses_what_it_does_not_know",
            refuses_what_it_does_not_know,
        ),
    ]
}

/// An installation below a directory of its own, with stand-ins for the programs.
pub(crate) struct Installed {
    directory: TempDir,
}

impl Installed {
    pub(crate) fn new(arguments: &[&str]) -> Result<Self, Failed> {
        let installed = Self {
            directory: TempDir::new()?,
        };
        fs::create_dir(installed.binaries())?;
        for program in ["firewall-apply", "log-scanner", "log-collector"] {
            let path = installed.binaries().join(program);
            fs::write(&path, "#!/bin/sh\n")?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        installed.again(arguments)?;
        Ok(installed)
    }

    /// Installs over what is there and gives what the script said.
    pub(crate) fn again(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.run(arguments)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", output.status);
        assert_eq!(errors, "");
        Ok(String::from_utf8(output.stdout)?)
    }

    fn run(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let output = Command::new(packaging("install.sh"))
            .args(arguments)
            .env("DESTDIR", self.root())
            .env("BINARIES", self.binaries())
            .output()?;
        Ok(output)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(crate) fn path(&self, installed: &str) -> PathBuf {
        self.root().join(installed.trim_start_matches('/'))
    }

    fn binaries(&self) -> PathBuf {
        self.directory.path().join("binaries")
    }

    /// Every file below the root with its text, sorted.
    fn files(&self) -> Result<Vec<(PathBuf, String)>, Failed> {
        let mut files = Vec::new();
        collect(&self.root(), &mut files)?;
        files.sort();
        Ok(files)
    }
}

fn collect(directory: &Path, files: &mut Vec<(PathBuf, String)>) -> Result<(), Failed> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            let text = fs::read_to_string(&path)?;
            files.push((path, text));
        }
    }
    Ok(())
}

fn every_choice() -> Result<(), Failed> {
    let installed = Installed::new(&["--system", "ubuntu"])?;
    for there in [
        "/usr/sbin/firewall-apply",
        "/usr/sbin/log-scanner",
        "/etc/rampart/firewall.toml",
        "/etc/rsyslog.d/10-iptables.conf",
        "/etc/apparmor.d/rsyslog.d/rampart",
        "/etc/logrotate.d/rampart",
        "/etc/rampart/scan.toml",
        "/usr/lib/systemd/system/ram.mount",
        "/usr/lib/systemd/system/rampart-firewall.service",
        "/usr/lib/systemd/system/rampart-scan.timer",
    ] {
        assert!(installed.path(there).is_file(), "{there} is missing");
    }
    for elsewhere in [
        "/etc/cron.d",
        "/etc/rsyslog.d/05-rampart-imklog.conf",
        "/usr/sbin/log-collector",
    ] {
        assert!(!installed.path(elsewhere).exists(), "{elsewhere} is there");
    }
    let log_of = |installed: &Installed| {
        fs::read_to_string(installed.path("/usr/lib/tmpfiles.d/rampart.conf"))
    };
    assert!(log_of(&installed)?.contains("0640 syslog adm"));

    let installed = Installed::new(&["--system", "fedora", "--scan", "cron"])?;
    for there in [
        "/etc/cron.d/rampart",
        "/etc/rampart/scan.toml",
        "/etc/rsyslog.d/05-rampart-imklog.conf",
    ] {
        assert!(installed.path(there).is_file(), "{there} is missing");
    }
    assert!(!installed.path("/etc/apparmor.d").exists());
    assert!(
        !installed
            .path("/usr/lib/systemd/system/rampart-scan.timer")
            .exists()
    );
    assert!(log_of(&installed)?.contains("0640 root adm"));

    let installed = Installed::new(&["--system", "ubuntu", "--log", "collector"])?;
    assert!(installed.path("/usr/sbin/log-collector").is_file());
    assert!(!installed.path("/etc/rsyslog.d").exists());
    assert!(!installed.path("/etc/logrotate.d").exists());
    assert!(log_of(&installed)?.contains("0640 root adm"));
    Ok(())
}

fn changes_are_kept() -> Result<(), Failed> {
    let installed = Installed::new(&["--system", "debian"])?;
    let configuration = installed.path("/etc/rampart/firewall.toml");
    let beside = installed.path("/etc/rampart/firewall.toml.rpmnew");
    let ours = fs::read_to_string(&configuration)?;
    fs::write(&configuration, "[policy]\ninput = \"accept\"\n")?;
    let said = installed.again(&["--system", "debian"])?;
    assert!(said.contains("/etc/rampart/firewall.toml.rpmnew"), "{said}");
    assert_eq!(
        fs::read_to_string(&configuration)?,
        "[policy]\ninput = \"accept\"\n"
    );
    assert_eq!(fs::read_to_string(&beside)?, ours);

    fs::write(&configuration, &ours)?;
    installed.again(&["--system", "debian"])?;
    assert!(!beside.exists(), "a leftover beside an unchanged file");
    Ok(())
}

fn twice_is_once() -> Result<(), Failed> {
    let installed = Installed::new(&["--system", "fedora"])?;
    let once = installed.files()?;
    installed.again(&["--system", "fedora"])?;
    assert_eq!(installed.files()?, once);
    Ok(())
}

fn refuses_what_it_does_not_know() -> Result<(), Failed> {
    let installed = Installed::new(&["--system", "debian"])?;
    for arguments in [
        &["--log", "syslog-ng"][..],
        &["--scan"],
        &["--system", "plan9"],
        &["--enable"],
    ] {
        let output = installed.run(arguments)?;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("install.sh: "),
            "{arguments:?} refused without a reason"
        );
        assert!(output.stdout.is_empty(), "{arguments:?} copied something");
    }
    Ok(())
}
