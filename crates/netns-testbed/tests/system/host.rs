//! A machine set up as the README says.

use std::net::{IpAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use netns_testbed::{Failed, Family, Host, World, program};

use crate::machine::{Disk, Machine};
use crate::wait_for;

/// Where the kernel's lines or the collector's go.
pub(crate) const LOG: &str = "/ram/iptables.log";
/// The port of a service that the configuration as shipped lets in.
pub(crate) const SSH: u16 = 22;

/// Step 1 of the README. What it loads, a kernel that runs containers has; a machine in namespaces
/// has no modules of its own.
const RAM_DISK: &str = "systemctl daemon-reload && \
    systemctl enable --now ram.mount && \
    systemd-tmpfiles --create rampart.conf && \
    sysctl -p /etc/sysctl.d/60-rampart.conf";
/// Step 2, the default.
const COLLECTOR: &str = "systemctl enable --now rampart-collector";
/// Step 2 with rsyslog.
const RSYSLOG: &str = r#"sed -i -E 's/^(module\(load="imklog"|\$ModLoad imklog)/#\1/' /etc/rsyslog.conf && \
    rsyslogd -N1 && \
    systemctl daemon-reload && \
    systemctl restart rsyslog && \
    systemctl enable --now rampart-logrotate.timer"#;
/// Steps 3 and 4.
const FIREWALL: &str = "firewall-apply check && \
    firewall-apply && \
    systemctl enable --now rampart-firewall rampart-rollback.path";

/// Who writes the firewall's log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Writer {
    Collector,
    Rsyslog,
}

/// Puts the files of Rampart on `disk`, as `packaging/install.sh` does with `arguments`.
pub(crate) fn install(disk: &Disk, arguments: &[&str]) -> Result<(), Failed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/install.sh");
    let programs = program("firewall-apply");
    let output = Command::new(script)
        .args(["--system", "debian"])
        .args(arguments)
        .env("DESTDIR", disk.path("/"))
        .env("BINARIES", programs.parent().unwrap_or(Path::new("")))
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("install.sh: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// A machine with Rampart installed, its log written and its firewall up.
pub(crate) fn up(
    disk: &Disk,
    world: &World,
    writer: Writer,
    arguments: &[&str],
) -> Result<Machine, Failed> {
    let (log, step) = match writer {
        Writer::Collector => ("collector", COLLECTOR),
        Writer::Rsyslog => ("rsyslog", RSYSLOG),
    };
    install(disk, &[&["--log", log], arguments].concat())?;
    let machine = Machine::boot(disk, &world.gateway)?;
    for step in [RAM_DISK, step, FIREWALL] {
        machine.run(step)?;
    }
    if writer == Writer::Rsyslog {
        // For the seconds after its start the rule takes no line that comes late, as lines do on a
        // busy machine.
        machine.run("sleep 6")?;
    }
    Ok(machine)
}

/// Listens on the port of ssh of a host, both families; the machine has no server of its own.
pub(crate) fn listen(host: &Host) -> Result<Vec<TcpListener>, Failed> {
    host.run(|| {
        Family::BOTH
            .into_iter()
            .map(|family| {
                TcpListener::bind((host.address(family), SSH))
                    .map_err(|error| format!("cannot listen: {error}").into())
            })
            .collect()
    })
}

/// How many lines of the log that is at `path` are of `source`; none where there is no such file.
pub(crate) fn lines_of(machine: &Machine, path: &str, source: IpAddr) -> usize {
    let text = std::fs::read(machine.file(path)).unwrap_or_default();
    let wanted = match source {
        IpAddr::V4(address) => format!(" SRC={address} "),
        // The kernel writes all of it.
        IpAddr::V6(address) => {
            let groups = address.segments().map(|group| format!("{group:04x}"));
            format!(" SRC={} ", groups.join(":"))
        }
    };
    String::from_utf8_lossy(&text)
        .lines()
        .filter(|line| line.contains(&wanted))
        .count()
}

/// Waits until the log holds `count` lines of `source`.
pub(crate) fn logged(machine: &Machine, source: IpAddr, count: usize) -> Result<(), Failed> {
    let mut found = 0;
    wait_for("the lines", || {
        found = lines_of(machine, LOG, source);
        found >= count
    })
    .map_err(|_| Failed::from(format!("{LOG} has {found} lines of {source}, not {count}")))?;
    assert_eq!(found, count, "lines of {source}");
    Ok(())
}

/// Whether `source` is in the set `name`, or the one of its family.
pub(crate) fn is_in(machine: &Machine, name: &str, source: IpAddr) -> Result<bool, Failed> {
    let family = if source.is_ipv4() { "" } else { "_v6" };
    let output = machine.output(&format!("ipset test {name}{family} {source}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(true)
    } else if said.contains("is NOT in set") {
        Ok(false)
    } else {
        Err(said.into())
    }
}

/// Waits until `source` is in the set.
pub(crate) fn banned(machine: &Machine, name: &str, source: IpAddr) -> Result<(), Failed> {
    wait_for(&format!("{source} to be in {name}"), || {
        is_in(machine, name, source).is_ok_and(|found| found)
    })
}
