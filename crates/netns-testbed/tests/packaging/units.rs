//! The systemd units, read by systemd's own checker.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use netns_testbed::{Failed, Tool, Trial, trial};

use crate::install::Installed;
use crate::{text_of, utf8};

const UNITS: [&str; 14] = [
    "ram.mount",
    "rampart-firewall.service",
    "rampart-metrics.service",
    "rampart-metrics.timer",
    "rampart-rollback.path",
    "rampart-rollback.service",
    "rampart-logrotate.service",
    "rampart-logrotate.timer",
    "rampart-collector.service",
    "rampart-scan.service",
    "rampart-scan.timer",
    "rampart-scan.path",
    "rampart-live.service",
    // The system's, with what we add to it.
    "rsyslog.service",
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("units::systemd_takes_them_all", systemd_takes_them_all),
        trial("units::services_are_confined", services_are_confined),
        trial("units::the_log_is_there_from_boot_on", log_from_boot_on),
        trial("units::a_cut_asks_for_a_scan", a_cut_asks_for_a_scan),
    ]
}

/// All units, the programs of ours they start, and stand-ins for the system's.
fn installed() -> Result<Installed, Failed> {
    let installed = Installed::new(&["--system", "debian"])?;
    installed.again(&["--system", "debian", "--log", "rsyslog"])?;
    for stock in ["/usr/sbin/logrotate", "/usr/sbin/rsyslogd"] {
        let program = installed.path(stock);
        fs::write(&program, "#!/bin/sh\n")?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    }
    fs::write(
        installed.path("/usr/lib/systemd/system/rsyslog.service"),
        "[Service]\nExecStart=/usr/sbin/rsyslogd -n -iNONE\nPrivateDevices=yes\nProtectClock=yes\n",
    )?;
    // What every unit with default dependencies requires.
    fs::write(
        installed.path("/usr/lib/systemd/system/sysinit.target"),
        "[Unit]\n",
    )?;
    Ok(installed)
}

fn systemd_takes_them_all() -> Result<(), Failed> {
    let analyze = Tool::require("systemd-analyze")?;
    let installed = installed()?;
    let root = format!("--root={}", utf8(&installed.root())?);
    let arguments = [&["verify", &root][..], &UNITS].concat();
    let output = analyze.output(&arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");

    // The checker reads what it is given: it misses a program, and sees a word that is none.
    fs::remove_file(installed.path("/usr/sbin/firewall-apply"))?;
    let output = analyze.output(&arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("firewall-apply is not executable"), "{said}");
    Ok(())
}

fn services_are_confined() -> Result<(), Failed> {
    let analyze = Tool::require("systemd-analyze")?;
    let installed = installed()?;
    let root = format!("--root={}", utf8(&installed.root())?);
    for service in [
        "rampart-firewall.service",
        "rampart-metrics.service",
        "rampart-rollback.service",
        "rampart-logrotate.service",
        "rampart-collector.service",
        "rampart-scan.service",
        "rampart-live.service",
    ] {
        // Under 2.0 of 10; a service without any confinement has 9.6.
        analyze.run(&[
            "security",
            "--offline=true",
            "--threshold=19",
            "--no-pager",
            &root,
            service,
        ])?;
        assert!(
            text_of(&format!("systemd/{service}"))?.contains("\nNoNewPrivileges=yes\n"),
            "{service} may gain privileges"
        );
    }
    Ok(())
}

fn log_from_boot_on() -> Result<(), Failed> {
    let tmpfiles = Tool::require("systemd-tmpfiles")?;
    // Root of a namespace of its own, as the trials of an ordinary user are, has nobody to give a
    // file to.
    let users = fs::read_to_string("/proc/self/uid_map")?;
    if users.split_whitespace().nth(2) == Some("1") {
        return Err(netns_testbed::skip("giving files away needs root"));
    }
    for (system, owner) in [("debian", 0), ("ubuntu", 104)] {
        let installed = Installed::new(&["--system", system, "--log", "rsyslog"])?;
        fs::write(
            installed.path("/etc/passwd"),
            "root:x:0:0::/root:/bin/sh\nsyslog:x:104:110::/nonexistent:/bin/false\n",
        )?;
        fs::write(
            installed.path("/etc/group"),
            "root:x:0:\nadm:x:4:syslog\nsyslog:x:110:\n",
        )?;
        let root = format!("--root={}", utf8(&installed.root())?);
        tmpfiles.run(&["--create", &root, "rampart.conf"])?;
        let log = installed.path("/ram/iptables.log");
        let metadata = fs::metadata(&log)?;
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o640);
        assert_eq!(metadata.len(), 0);
        assert_eq!(metadata.uid(), owner);
        assert_eq!(metadata.gid(), 4);

        // A second time, as at the next boot or after an upgrade, what is in it stays.
        fs::write(&log, "a line\n")?;
        tmpfiles.run(&["--create", &root, "rampart.conf"])?;
        assert_eq!(fs::read_to_string(&log)?, "a line\n");
    }
    Ok(())
}

/// Where logrotate and log-collector put the log aside is where systemd looks, and no flood makes
/// it give up.
fn a_cut_asks_for_a_scan() -> Result<(), Failed> {
    let collector = text_of("systemd/rampart-collector.service")?;
    let log = collector
        .split_once(" --output ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .ok_or("the collector has no --output")?;
    assert!(collector.contains(" --keep 1\n"), "{collector}");
    assert!(text_of("rampart/logrotate.conf")?.contains(&format!("\n{log}\n")));
    let path = text_of("systemd/rampart-scan.path")?;
    assert!(path.contains(&format!("\nPathChanged={log}.1\n")), "{path}");
    assert!(!path.contains("Unit="), "{path}");
    let service = text_of("systemd/rampart-scan.service")?;
    assert!(service.contains("\nStartLimitIntervalSec=0\n"), "{service}");
    Ok(())
}
