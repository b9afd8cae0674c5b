//! What is wrong on a host is told with its cure.

use netns_testbed::{Failed, Trial, trial};
use serde_json::Value;

use crate::host::{DEFAULTS, Run, Scratch, apply, firewall_apply, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("doctor_finds_what_is_missing", doctor_finds_what_is_missing),
        trial("doctor_sees_a_host_in_order", doctor_sees_a_host_in_order),
        trial(
            "doctor_tells_of_lines_that_are_not_written",
            doctor_tells_of_lines_that_are_not_written,
        ),
    ]
}

/// A host made of files.
struct Made(Scratch);

impl Made {
    fn new() -> Result<Self, Failed> {
        Ok(Self(Scratch::new()?))
    }

    fn write(&self, path: &str, content: &str) -> Result<(), Failed> {
        let path = self.0.path(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().ok_or("no directory")?)?;
        Ok(std::fs::write(path, content)?)
    }

    fn doctor(&self, more: &[&str]) -> Result<Run, Failed> {
        let root = self.0.path("").to_string_lossy().into_owned();
        let arguments = [
            "--config",
            DEFAULTS,
            "doctor",
            "--last",
            "/dev/null",
            "--root",
            &root,
        ];
        firewall_apply(&[&arguments, more].concat())
    }
}

/// The outcomes of an item, and what is told about it.
fn item(json: &Value, name: &str) -> Vec<(String, String)> {
    let items = json["items"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    items
        .filter(|item| item["item"] == name)
        .map(|item| (text(&item["outcome"]), text(&item["about"])))
        .collect()
}

fn doctor_finds_what_is_missing() -> Result<(), Failed> {
    let made = Made::new()?;
    let run = made.doctor(&[])?.exits(1)?;
    for line in run.stdout.lines() {
        assert!(!line.contains('\x1b'), "{line:?}");
    }
    let json = made.doctor(&["--json"])?.exits(1)?.json()?;
    assert_eq!(
        (&json["command"], &json["exit_status"]),
        (&"doctor".into(), &1.into())
    );
    for (name, outcome, about) in [
        ("configuration", "ok", "/dev/null can be read"),
        ("kernel", "ok", "has every match, target and set type"),
        ("rules", "failure", "no firewall stands"),
        ("sets", "failure", "set \"whitelist\" is missing"),
        ("boot", "warning", "at boot"),
        ("ram-disk", "failure", "there is no /ram"),
        (
            "log-writer",
            "failure",
            "no file of rsyslog's names /ram/iptables.log",
        ),
        ("log", "warning", "there is no /ram/iptables.log"),
        (
            "rotation",
            "failure",
            "no file of logrotate's names /ram/iptables.log",
        ),
        ("scans", "warning", "nothing runs log-scanner"),
    ] {
        let found = item(&json, name);
        let is_it = |(told, text): &(String, String)| told == outcome && text.contains(about);
        assert!(found.iter().any(is_it), "{name}: {found:#?}");
    }
    Ok(())
}

fn doctor_sees_a_host_in_order() -> Result<(), Failed> {
    apply()?.exits(0)?;
    let made = Made::new()?;
    let packaging = |path: &str| {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/");
        std::fs::read_to_string(format!("{root}{path}"))
    };
    for (path, content) in [
        ("/etc/fstab", packaging("fstab/ram.fstab")?),
        (
            "/etc/rsyslog.d/10-iptables.conf",
            packaging("rsyslog/10-iptables.conf")?,
        ),
        (
            "/etc/rsyslog.d/05-rampart-imkmsg.conf",
            packaging("rsyslog/05-rampart-imkmsg.conf")?,
        ),
        ("/run/rsyslogd.pid", "7\n".to_owned()),
        ("/proc/7/comm", "rsyslogd\n".to_owned()),
        ("/proc/self/mounts", "tmpfs /ram tmpfs rw 0 0\n".to_owned()),
        (
            "/etc/rampart/logrotate.conf",
            packaging("rampart/logrotate.conf")?,
        ),
        ("/etc/rampart/scan.toml", packaging("rampart/scan.toml")?),
        (
            "/etc/systemd/system/timers.target.wants/rampart-logrotate.timer",
            String::new(),
        ),
        (
            "/etc/systemd/system/timers.target.wants/rampart-scan.timer",
            String::new(),
        ),
        (
            "/etc/systemd/system/sysinit.target.wants/rampart-firewall.service",
            String::new(),
        ),
        (
            "/ram/iptables.log",
            format!(
                "{} fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 \
                 PROTO=TCP SPT=4 DPT=2 WINDOW=6 RES=0x00 SYN URGP=0 \n",
                jiff::Timestamp::now()
            ),
        ),
    ] {
        made.write(path, &content)?;
    }
    let json = made.doctor(&["--json"])?.json()?;
    let wrong: Vec<&Value> = json["items"]
        .as_array()
        .into_iter()
        .flatten()
        // How full the disk is that the made files lie on is nobody's matter here.
        .filter(|item| item["outcome"] != "ok" && item["item"] != "ram-disk")
        .collect();
    assert_eq!(wrong, [&Value::Null; 0]);
    // A set of a scan that nobody made.
    made.write("/etc/rampart/scan.toml", "[[rule]]\nipset = \"none\"\n")?;
    let json = made.doctor(&["--json"])?.exits(1)?.json()?;
    let scans = item(&json, "scans");
    assert!(
        scans
            .iter()
            .any(|(outcome, about)| outcome == "failure" && about.contains("set \"none_v6\"")),
        "{scans:#?}"
    );
    // Somebody flushed the ruleset.
    tool("nft flush ruleset")?;
    let rules = item(&made.doctor(&["--json"])?.exits(1)?.json()?, "rules");
    assert_eq!(rules[0].0, "failure", "{rules:?}");
    Ok(())
}

fn doctor_tells_of_lines_that_are_not_written() -> Result<(), Failed> {
    apply()?.exits(0)?;
    let made = Made::new()?;
    made.write("/ram/iptables.log", "")?;
    let log = item(&made.doctor(&["--json"])?.json()?, "log");
    let none = ("ok", "no packet was to be logged so far");
    assert_eq!((&*log[0].0, &*log[0].1), none, "{log:?}");
    // A packet that is blocked and logged: over loopback, past the rule that lets it in.
    tool("iptables -D FIREWALL_INPUT 1")?;
    std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(b"x", "127.0.0.1:7")?;
    let log = item(&made.doctor(&["--json"])?.json()?, "log");
    let told = |(outcome, about): &(String, String)| {
        outcome == "failure" && about.contains("packets were logged as \"IPTABLES-BLOCKED:\"")
    };
    assert!(log.iter().any(told), "{log:#?}");
    Ok(())
}
