//! From a packet to a ban by way of each log, and what cannot get into it.

use std::net::IpAddr;
use std::path::Path;

use netns_testbed::{Failed, KernelLog, World};

use crate::attack::{datagram, gets_in, knock, stranger, strangers};
use crate::host::{LOG, SSH, Writer, banned, is_in, lines_of, listen, logged, up};
use crate::machine::{Disk, Machine};
use crate::wait_for;

/// What the shipped `scan.toml` takes for too many.
const TOO_MANY: u16 = 500;

/// log-collector writes, the timer's unit scans, doctor has nothing to mend.
pub(crate) fn collector(root: &Path) -> Result<(), Failed> {
    let (world, disk) = (World::new()?, Disk::new(root)?);
    let listening = listen(&world.gateway)?;
    let machine = up(&disk, &world, Writer::Collector, &[])?;
    machine.run("systemctl enable --now rampart-scan.timer rampart-scan.path")?;
    let sources = strangers();
    for source in sources {
        world.attacker.add_address(source)?;
        assert!(gets_in(&world, source, SSH)?, "{source} does not get in");
        knock(&world, source, TOO_MANY)?;
        // One more is of the connection that was let in.
        logged(&machine, source, usize::from(TOO_MANY) + 1)?;
    }
    machine.run("systemctl start rampart-scan.service")?;
    for source in sources {
        assert!(is_in(&machine, "throttle-hard", source)?, "{source}");
        let journal = machine.journal("rampart-scan")?;
        let line = format!("[ACTION] {source}: added to throttle-hard");
        assert!(journal.contains(&line), "{journal}");
    }
    let doctor = machine.output("firewall-apply doctor")?;
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(!said.contains("FAILURE") && !said.contains("✘"), "{said}");
    drop(listening);
    machine.shut_down()
}

/// rsyslog writes, cron scans by the line that the README has, every minute instead of every five.
pub(crate) fn rsyslog_and_cron(root: &Path) -> Result<(), Failed> {
    let (world, disk) = (World::new()?, Disk::new(root)?);
    let _all = KernelLog::open(&world)?;
    let machine = up(&disk, &world, Writer::Rsyslog, &["--scan", "cron"])?;
    let sources = strangers();
    for source in sources {
        knock(&world, source, TOO_MANY)?;
        logged(&machine, source, TOO_MANY.into())?;
    }
    machine.run(
        "sed -i 's#^\\*/5 #* #' /etc/cron.d/rampart && grep -q '^\\* \\* ' /etc/cron.d/rampart",
    )?;
    for source in sources {
        banned(&machine, "throttle-hard", source)?;
        wait_for("cron's report", || {
            let report = std::fs::read_to_string(machine.file("/var/log/log_scanner.log"));
            let line = format!("[ACTION] {source}: added to throttle-hard");
            report.is_ok_and(|report| report.contains(&line))
        })?;
    }
    machine.shut_down()
}

/// A line that a program writes to syslog, as root or not, with the kernel's tag and facility, gets
/// into neither the log nor a set.
pub(crate) fn forged(root: &Path) -> Result<(), Failed> {
    let (world, disk) = (World::new()?, Disk::new(root)?);
    let _all = KernelLog::open(&world)?;
    let machine = up(&disk, &world, Writer::Rsyslog, &[])?;
    let [genuine, _] = strangers();
    let [victim, _] = strangers();
    knock(&world, genuine, 1)?;
    logged(&machine, genuine, 1)?;
    let line = std::fs::read_to_string(machine.file(LOG))?;
    let line = line
        .lines()
        .find(|line| line.contains(&format!("SRC={genuine} ")));
    let line = line
        .ok_or("the line was there")?
        .replace(&genuine.to_string(), &victim.to_string());
    let (_, text) = line.split_once(" kernel: ").ok_or("no tag")?;
    for logger in [
        "logger --tag kernel",
        "logger --tag kernel --priority kern.warning",
        "setpriv --reuid=nobody --regid=nogroup --clear-groups logger --tag kernel --priority kern.warning",
        "systemd-cat --identifier=kernel --priority=4",
    ] {
        machine.run(&format!(
            "for i in $(seq 600); do echo '{text}'; done | {logger}"
        ))?;
    }
    // What came in before it is written before it.
    machine.run("logger --tag fence --priority user.notice the fence")?;
    wait_for("syslog to have written them", || {
        machine
            .run("grep -rhs 'the fence' /var/log | head -1")
            .is_ok_and(|found| !found.is_empty())
    })?;
    knock(&world, genuine, 1)?;
    logged(&machine, genuine, 2)?;
    assert_eq!(lines_of(&machine, LOG, victim), 0, "forged lines");
    machine.run("systemctl start rampart-scan.service")?;
    assert!(!is_in(&machine, "throttle-hard", victim)?);
    machine.shut_down()
}

/// A source that is one packet short stays short, however often the log is put aside while a
/// follower and the scans at each cut read it; with one more it is banned.
pub(crate) fn cuts(root: &Path) -> Result<(), Failed> {
    const PORTIONS: u16 = 8;
    const PORTION: u16 = 50;
    let (world, disk) = (World::new()?, Disk::new(root)?);
    let _all = KernelLog::open(&world)?;
    let machine = up(&disk, &world, Writer::Rsyslog, &[])?;
    let rule = |kind: &str, many: u16, set: &str| {
        format!(
            "[[rule]]\nrule = \"blocked\"\ntype = \"{kind}\"\nhowmany = {many}\nwithin = \"1h\"\nipset = \"{set}\"\nremoveafter = \"1h\"\n"
        )
    };
    // The second rule shows how far the follower has read.
    let rules = rule("tcp", PORTIONS * PORTION + 1, "blacklist") + &rule("udp", 1, "throttle-soft");
    std::fs::write(machine.file("/etc/rampart/scan.toml"), rules)?;
    machine.run("systemctl enable --now rampart-live rampart-scan.path")?;
    for source in strangers() {
        for _ in 0..PORTIONS {
            knock(&world, source, PORTION / 2)?;
            machine.run("logrotate --force --state /var/lib/logrotate/rampart.status /etc/rampart/logrotate.conf")?;
            knock(&world, source, PORTION - PORTION / 2)?;
            let beacon = if source.is_ipv4() {
                stranger(netns_testbed::Family::V4)
            } else {
                stranger(netns_testbed::Family::V6)
            };
            datagram(&world, beacon)?;
            banned(&machine, "throttle-soft", beacon)?;
        }
        assert!(
            !is_in(&machine, "blacklist", source)?,
            "{source} is banned too early"
        );
        knock(&world, source, 1)?;
        banned(&machine, "blacklist", source)
            .map_err(|failed| why(&machine, source, failed.message()))?;
    }
    let journal = machine.journal("rampart-live")?;
    // logrotate makes the new log before it gives it to the group that may read it.
    let lost = journal.lines().filter(|line| {
        line.contains("[WARNING]") && !line.ends_with("Permission denied (os error 13)")
    });
    assert_eq!(lost.count(), 0, "{journal}");
    machine.shut_down()
}

/// What is to be looked at when somebody was not banned.
fn why(machine: &Machine, source: IpAddr, failed: Option<&str>) -> Failed {
    let [lines, before] = [LOG, "/ram/iptables.log.1"].map(|log| lines_of(machine, log, source));
    let journals =
        ["rampart-live", "rsyslog"].map(|unit| machine.journal(unit).unwrap_or_default());
    format!(
        "{}; the log has {lines} lines of him, the one put aside {before}\n{}",
        failed.unwrap_or_default(),
        journals.join("\n")
    )
    .into()
}
