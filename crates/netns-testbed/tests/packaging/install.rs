//! `install.sh`, into directories of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use netns_testbed::{Failed, Trial, trial};
use tempfile::TempDir;

use crate::{packaging, text_of};

const CONFIGURATION: &str = "/etc/rampart/firewall.toml";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("install::every_choice_has_its_files", every_choice),
        trial("install::what_was_changed_is_kept", changes_are_kept),
        trial(
            "install::what_is_left_to_do_is_said",
            what_is_left_to_do_is_said,
        ),
        trial(
            "install::an_upgrade_goes_on_as_before",
            an_upgrade_goes_on_as_before,
        ),
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
            .env("MANUAL", "/nowhere")
            .output()?;
        Ok(output)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(crate) fn path(&self, installed: &str) -> PathBuf {
        self.root().join(installed.trim_start_matches('/'))
    }

    fn text(&self, installed: &str) -> Result<String, Failed> {
        Ok(fs::read_to_string(self.path(installed))?)
    }

    fn has(&self, files: &[&str]) {
        for file in files {
            assert!(self.path(file).is_file(), "{file} is missing");
        }
    }

    fn has_not(&self, paths: &[&str]) {
        for path in paths {
            assert!(!self.path(path).exists(), "{path} is there");
        }
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
    for system in ["debian", "ubuntu", "fedora"] {
        let installed = Installed::new(&["--system", system])?;
        installed.has(&[
            "/usr/sbin/firewall-apply",
            "/usr/sbin/log-scanner",
            "/usr/sbin/log-collector",
            "/etc/rampart/firewall.toml",
            "/etc/rampart/scan.toml",
            "/usr/lib/modules-load.d/rampart.conf",
            "/usr/lib/systemd/system-preset/80-rampart.preset",
            "/usr/lib/systemd/system/ram.mount",
            "/usr/lib/systemd/system/rampart-collector.service",
            "/usr/lib/systemd/system/rampart-firewall.service",
            "/usr/lib/systemd/system/rampart-live.service",
            "/usr/lib/systemd/system/rampart-metrics.timer",
            "/usr/lib/systemd/system/rampart-scan.path",
            "/usr/lib/systemd/system/rampart-scan.timer",
            "/usr/share/rampart/metrics/rampart-alerts.yml",
            "/usr/share/rampart/metrics/rampart-dashboard.json",
        ]);
        installed.has_not(&[
            "/etc/rsyslog.d",
            "/etc/logrotate.d",
            "/etc/cron.d",
            "/etc/apparmor.d",
        ]);
        assert!(
            installed
                .text("/usr/lib/tmpfiles.d/rampart.conf")?
                .contains("0640 root adm")
        );
        assert!(
            installed
                .text(CONFIGURATION)?
                .contains("\ntarget = \"NFLOG\"")
        );
    }

    let installed = Installed::new(&["--system", "ubuntu", "--log", "rsyslog"])?;
    installed.has(&[
        "/etc/rsyslog.d/05-rampart-imkmsg.conf",
        "/etc/rsyslog.d/10-iptables.conf",
        "/etc/apparmor.d/rsyslog.d/rampart",
        "/etc/rampart/logrotate.conf",
        "/usr/lib/systemd/system/rsyslog.service.d/rampart.conf",
        "/usr/lib/systemd/system/rampart-logrotate.timer",
    ]);
    installed.has_not(&[
        "/etc/rsyslog.d/05-rampart-imklog.conf",
        "/etc/rsyslog.d/08-rampart-imklog.conf",
        "/usr/sbin/log-collector",
    ]);
    assert!(
        installed
            .text("/usr/lib/tmpfiles.d/rampart.conf")?
            .contains("0640 syslog adm")
    );
    assert_eq!(
        installed.text(CONFIGURATION)?,
        text_of("rampart/firewall.toml")?
    );

    let fedora = [
        "--system",
        "fedora",
        "--log",
        "rsyslog-imklog",
        "--scan",
        "cron",
    ];
    let installed = Installed::new(&fedora)?;
    installed.has(&[
        "/etc/cron.d/rampart",
        "/etc/logrotate.d/rampart-report",
        "/etc/rampart/scan.toml",
        "/etc/rsyslog.d/05-rampart-imklog.conf",
        "/etc/rsyslog.d/08-rampart-imklog.conf",
    ]);
    installed.has_not(&[
        "/etc/apparmor.d",
        "/etc/rsyslog.d/05-rampart-imkmsg.conf",
        "/usr/lib/systemd/system/rampart-scan.timer",
        "/usr/lib/systemd/system/rampart-scan.path",
    ]);
    assert!(
        installed
            .text("/usr/lib/tmpfiles.d/rampart.conf")?
            .contains("0640 root adm")
    );
    let said = installed.again(&fedora)?;
    assert!(said.contains("WARNING: any user of this host"), "{said}");
    Ok(())
}

/// What the host's own configuration of rsyslog has to do with the log is said, with the command
/// that changes it.
fn what_is_left_to_do_is_said() -> Result<(), Failed> {
    let installed = Installed::new(&["--system", "ubuntu"])?;
    assert!(!installed.again(&["--system", "ubuntu"])?.contains("To do:"));
    let conf = installed.path("/etc/rsyslog.conf");
    fs::write(
        &conf,
        "module(load=\"imuxsock\")\nmodule(load=\"imklog\" permitnonkernelfacility=\"on\")\n$RepeatedMsgReduction on\n",
    )?;
    let said = installed.again(&["--system", "ubuntu", "--log", "rsyslog"])?;
    let command = said
        .lines()
        .find_map(|line| line.trim().strip_suffix(" /etc/rsyslog.conf"))
        .ok_or(format!("no command in {said}"))?;
    assert!(
        text_of("rsyslog/05-rampart-imkmsg.conf")?
            .contains(&format!("{command} /etc/rsyslog.conf")),
        "{command} is not what the file says"
    );
    let done = Command::new("sh")
        .args(["-c", &format!("{command} \"$1\""), "sh"])
        .arg(&conf)
        .status()?;
    assert!(done.success());
    let text = fs::read_to_string(&conf)?;
    assert!(
        text.starts_with("module(load=\"imuxsock\")\n#module(load=\"imklog\""),
        "{text}"
    );
    assert!(said.contains("rampart-collector"), "{said}");
    // The configuration was ours for the other choice, and nobody had edited it.
    assert!(!said.contains("firewall.toml."), "{said}");
    assert!(!said.contains("target"), "{said}");
    let said = installed.again(&["--system", "ubuntu", "--log", "rsyslog"])?;
    assert!(!said.contains("imklog"), "{said}");

    let said = installed.again(&["--system", "ubuntu", "--log", "rsyslog-imklog"])?;
    assert!(said.contains("summed up"), "{said}");
    let said = installed.again(&["--system", "ubuntu", "--log", "collector"])?;
    for left in [
        "10-iptables.conf",
        "08-rampart-imklog.conf",
        "rampart-logrotate.timer",
    ] {
        assert!(said.contains(left), "{left} is not named: {said}");
    }
    Ok(())
}

/// A host whose rsyslog writes the log is not switched over by an upgrade.
fn an_upgrade_goes_on_as_before() -> Result<(), Failed> {
    let installed = Installed::new(&["--system", "debian", "--log", "rsyslog"])?;
    let rule = "/etc/rsyslog.d/10-iptables.conf";
    fs::write(installed.path(rule), "# of an older version\n")?;
    let said = installed.again(&["--system", "debian"])?;
    installed.has_not(&["/usr/sbin/log-collector"]);
    assert!(said.contains("rsyslog goes on"), "{said}");
    assert!(
        said.contains(&format!("compare {rule} with {rule}.rpmnew")),
        "{said}"
    );

    let daily = "/etc/logrotate.d/rampart";
    assert!(!said.contains(daily), "{said}");
    fs::create_dir(installed.path("/etc/logrotate.d"))?;
    fs::write(installed.path(daily), "# of an older version\n")?;
    let said = installed.again(&["--system", "debian"])?;
    assert!(said.contains(&format!("rm {daily}")), "{said}");

    let configuration = installed.path(CONFIGURATION);
    fs::write(&configuration, "[policy]\ninput = \"drop\"\n")?;
    let said = installed.again(&["--system", "debian", "--log", "collector"])?;
    assert!(said.contains("write target = \"NFLOG\""), "{said}");
    fs::write(&configuration, "[log]\ntarget = \"NFLOG\"\n")?;
    let said = installed.again(&["--system", "debian", "--log", "rsyslog"])?;
    assert!(said.contains("write target = \"LOG\""), "{said}");
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
        // Its rsyslog has no imkmsg.
        &["--system", "fedora", "--log", "rsyslog"],
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
