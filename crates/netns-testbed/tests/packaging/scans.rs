//! The scans of cron and systemd and the configuration, handed to our own programs.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use netns_testbed::{Failed, Trial, program, trial};
use tempfile::TempDir;

use crate::install::Installed;
use crate::{packaging, text_of, utf8};

const CRONTAB: &str = "cron.d/rampart";
const RULES: &str = "rampart/scan.toml";
const INSTALLED_RULES: &str = "/etc/rampart/scan.toml";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("scans::cron_lines_are_scans", cron_lines_are_scans),
        trial("scans::rules_are_scans", rules_are_scans),
        trial(
            "scans::nobody_is_shut_out_by_forged_packets",
            forged_packets,
        ),
        trial(
            "scans::every_schedule_reads_the_rules",
            every_schedule_reads_the_rules,
        ),
        trial(
            "configuration::is_the_default",
            configuration_is_the_default,
        ),
        trial(
            "configuration::logs_to_whom_the_log_is_written_by",
            logs_to_whom_the_log_is_written_by,
        ),
        trial(
            "configuration::what_is_commented_out_is_right_too",
            what_is_commented_out_is_right_too,
        ),
    ]
}

/// The commands of the crontab's lines, checked for the form that `/etc/cron.d` asks for.
fn cron_commands() -> Result<Vec<String>, Failed> {
    let crontab = text_of(CRONTAB)?;
    assert!(
        crontab.ends_with('\n'),
        "cron ignores a last line without end"
    );
    let mut commands = Vec::new();
    for line in crontab.lines() {
        let setting = line.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase())
        });
        if line.is_empty() || line.starts_with('#') || setting {
            continue;
        }
        let fields: Vec<&str> = line.splitn(7, ' ').collect();
        let [minute, hour, day, month, weekday, user, command] = *fields else {
            return Err(format!("not a line of /etc/cron.d: {line}").into());
        };
        let every = minute.strip_prefix("*/").ok_or("not every N minutes")?;
        assert!((1..60).contains(&every.parse::<u32>()?), "{line}");
        assert_eq!(
            [hour, day, month, weekday, user],
            ["*", "*", "*", "*", "root"]
        );
        // cron makes a line feed of a percent sign.
        assert!(!command.contains('%'), "{line}");
        commands.push(command.to_owned());
    }
    Ok(commands)
}

/// Runs a shell's command line as cron would, with our programs where they will be.
fn shell(command: &str, directory: &Path) -> Result<Output, Failed> {
    let scanner = program("log-scanner");
    let programs = scanner.parent().ok_or("the program is nowhere")?;
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(directory)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", utf8(programs)?))
        .output()?;
    Ok(output)
}

fn cron_lines_are_scans() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let log = directory.path().join("iptables.log");
    File::create(&log)?;
    let report = directory.path().join("log_scanner.log");
    let commands = cron_commands()?;
    assert!(!commands.is_empty());
    for command in commands {
        let (scan, redirected) = command.split_once(" >> ").ok_or("nothing is kept")?;
        assert_eq!(redirected, "/var/log/log_scanner.log 2>&1");
        let rules = packaging(RULES);
        let scan = scan.replace(INSTALLED_RULES, utf8(&rules)?);
        let command = format!(
            "{scan} --dryrun --log {} >> {} 2>&1",
            utf8(&log)?,
            utf8(&report)?
        );
        let output = shell(&command, directory.path())?;
        let said = fs::read_to_string(&report)?;
        assert_eq!(output.status.code(), Some(0), "{command}: {said}");
        assert!(!said.is_empty(), "{command} says nothing");
        fs::remove_file(&report)?;
    }
    // The one to be run by hand, as it stands but for the log.
    let crontab = text_of(CRONTAB)?;
    let example = crontab
        .lines()
        .find_map(|line| line.strip_prefix("# log-scanner "))
        .ok_or("no example")?;
    assert!(example.ends_with(" --dryrun"));
    let output = shell(
        &format!("log-scanner {example} --log {}", utf8(&log)?),
        directory.path(),
    )?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    Ok(())
}

/// As they are, and with what is commented out.
fn rules_are_scans() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let log = directory.path().join("iptables.log");
    File::create(&log)?;
    let text = text_of(RULES)?;
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(code) if code.contains(" = ") || code == "[[rule]]" => format!("{code}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    for (text, number) in [(text, 2), (uncommented, 7)] {
        let rules = directory.path().join("scan.toml");
        fs::write(&rules, text)?;
        let output = Command::new(program("log-scanner"))
            .args(["--rules", utf8(&rules)?, "--dryrun", "--log", utf8(&log)?])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let report = String::from_utf8(output.stdout)?;
        assert_eq!(report.matches("\nRule ").count() + 1, number, "{report}");
    }
    Ok(())
}

/// What comes of packets in somebody else's name: answers to them count for nothing, and what
/// counts slows down.
fn forged_packets() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let log = directory.path().join("iptables.log");
    let mut lines = Vec::new();
    let mut said = |source: &str, number: u32, packet: &str| {
        lines.push(format!(
            "2026-11-22T09:00:00Z fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC={source} DST=203.0.113.1 LEN=60 \
             TOS=0x00 PREC=0x00 TTL=64 ID={number} {packet}\n"
        ));
    };
    for number in 0..600 {
        let tcp = |flags: &str| {
            format!(
                "PROTO=TCP SPT=443 DPT={} WINDOW=64240 RES=0x00 {flags} URGP=0 ",
                1000 + number
            )
        };
        // Servers answer SYNs that were sent to them in our name.
        said("198.51.100.1", number, &tcp("ACK SYN"));
        said("198.51.100.2", number, &tcp("RST"));
        said("198.51.100.3", number, &tcp("ACK RST"));
        // Anybody sends these in somebody's name.
        said("198.51.100.4", number, &tcp("SYN"));
        said(
            "198.51.100.5",
            number,
            &format!("PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ={number} "),
        );
    }
    fs::write(&log, lines.concat())?;
    let output = Command::new(program("log-scanner"))
        .args(["--rules", utf8(&packaging(RULES))?, "--dryrun"])
        .args(["--log", utf8(&log)?, "--as-of", "log-end"])
        .output()?;
    let report = String::from_utf8(output.stdout)?;
    assert!(!report.contains("blacklist"), "{report}");
    let violators: Vec<&str> = report
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[VIOLATION] ")?.split(':').next())
        .collect();
    assert_eq!(violators, ["198.51.100.4", "198.51.100.5"], "{report}");
    Ok(())
}

/// cron and systemd scan by the same rules.
fn every_schedule_reads_the_rules() -> Result<(), Failed> {
    let scan = format!("log-scanner --rules {INSTALLED_RULES}");
    for command in cron_commands()? {
        assert!(command.starts_with(&format!("{scan} >> ")), "{command}");
    }
    let service = text_of("systemd/rampart-scan.service")?;
    let start = format!("\nExecStart=/usr/sbin/{scan} --textfile ");
    assert!(service.contains(&start), "{service}");
    Ok(())
}

fn firewall_apply(configuration: Option<&Path>, command: &str) -> Result<Output, Failed> {
    let mut firewall = Command::new(program("firewall-apply"));
    if let Some(path) = configuration {
        firewall.arg("--config").arg(path);
    }
    Ok(firewall.arg(command).output()?)
}

fn printed(configuration: Option<&Path>) -> Result<String, Failed> {
    let output = firewall_apply(configuration, "print")?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Ok(String::from_utf8(output.stdout)?)
}

fn configuration_is_the_default() -> Result<(), Failed> {
    if Path::new("/etc/rampart/firewall.toml").exists() {
        return Err(netns_testbed::skip(
            "this host has a configuration of its own",
        ));
    }
    let default = printed(None)?;
    assert!(default.contains("FIREWALL_INPUT"), "{default}");
    assert_eq!(printed(Some(&packaging("rampart/firewall.toml")))?, default);
    Ok(())
}

/// As `install.sh` puts it in place: to the group that log-collector reads, or to the kernel's log.
fn logs_to_whom_the_log_is_written_by() -> Result<(), Failed> {
    let collector = text_of("systemd/rampart-collector.service")?;
    let group = collector
        .split_once(" --group ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .ok_or("the collector has no --group")?;
    let group = format!(" --nflog-group {group}");
    for (log, ours, other) in [
        ("collector", group.as_str(), " -j LOG "),
        ("rsyslog", " -j LOG ", " -j NFLOG "),
    ] {
        let installed = Installed::new(&["--system", "debian", "--log", log])?;
        let rules = printed(Some(&installed.path("/etc/rampart/firewall.toml")))?;
        assert!(
            rules.contains(ours) && !rules.contains(other),
            "{log}: {rules}"
        );
    }
    Ok(())
}

fn what_is_commented_out_is_right_too() -> Result<(), Failed> {
    let is_key = |line: &str| {
        let name = line.split_once(" = ").map_or("", |(name, _)| name);
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let mut uncommented = 0;
    let text: Vec<String> = text_of("rampart/firewall.toml")?
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(key) if is_key(key) || key.starts_with("[[") => {
                uncommented += 1;
                key.replace("/var/lib/rampart/lists/", "")
            }
            _ => line.to_owned(),
        })
        .collect();
    assert!(uncommented > 60, "only {uncommented} keys found");
    let directory = TempDir::new()?;
    for list in ["office.txt", "drop.txt"] {
        fs::write(directory.path().join(list), "192.0.2.1\n")?;
    }
    let path = directory.path().join("firewall.toml");
    fs::write(&path, text.join("\n"))?;
    let output = firewall_apply(Some(&path), "check")?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Ok(())
}
