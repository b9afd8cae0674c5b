//! The package, from its installation to its purge.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use netns_testbed::{Failed, KernelLog, World, skip};

use crate::attack::{gets_in, knock, strangers};
use crate::host::{SSH, banned, is_in, listen, logged};
use crate::machine::{Disk, Machine};

/// What the shipped `scan.toml` takes for too many.
const TOO_MANY: u16 = 500;

/// Where the package lies on the machine, and one of the version after it.
const PACKAGE: &str = "/root/rampart.deb";
const NEXT: &str = "/root/rampart-next.deb";

/// Files of the system, without what each running system writes by itself.
const FILES: &str = "find / -xdev \\( -path /tmp -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg \
    -o -path /var/lib/systemd -o -path /var/log/journal -o -path /var/log/apt -o -path /var/tmp -o -path /root \\) -prune \
    -o \\( -type f -o -type l \\) -print | grep -v '^/var/log/[^/]*$' | sort";

const NO_RULES: &str = "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n";

/// Installed by apt, nothing is at work; `rampart-setup` brings it up with rsyslog and cron, which
/// bans; a reboot and an upgrade keep rules and bans; purge leaves nothing.
pub(crate) fn from_installation_to_purge(root: &Path) -> Result<(), Failed> {
    let package = package()?;
    let disk = Disk::new(root)?;
    fs::create_dir_all(disk.path("/root"))?;
    fs::copy(package, disk.path(PACKAGE))?;
    let before = World::new()?;
    let all = KernelLog::open(&before)?;
    let machine = Machine::boot(&disk, &before.gateway)?;
    let files = files(&machine)?;

    machine.run(&format!("apt-get install -qq -y {PACKAGE}"))?;
    nothing_at_work(&machine)?;
    let installed = self::files(&machine)?;
    assert!(installed.contains("/usr/sbin/firewall-apply"));

    let ([trusted, _], sources) = (strangers(), strangers());
    let set_up = format!(
        "SSH_CONNECTION='{trusted} 50000 {} {SSH}' \
         rampart-setup --log rsyslog --scan cron --whitelist-me --no-confirm",
        before.gateway.address(netns_testbed::Family::V4)
    );
    let said = machine.output(&set_up)?;
    let verdict = String::from_utf8_lossy(&said.stdout).into_owned();
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(verdict.contains("== the verdict"), "{verdict}{errors}");
    assert!(is_in(&machine, "whitelist", trusted)?, "{verdict}{errors}");
    // For the seconds after its start the rule of rsyslog takes no line that comes late.
    machine.run("sleep 6")?;
    machine.run(
        "sed -i 's#^\\*/5 #* #' /etc/cron.d/rampart && grep -q '^\\* \\* ' /etc/cron.d/rampart",
    )?;
    for source in sources {
        knock(&before, source, TOO_MANY)?;
        logged(&machine, source, TOO_MANY.into())?;
    }
    for source in sources {
        banned(&machine, "throttle-hard", source)?;
    }
    let rules = rules(&machine)?;
    machine.shut_down()?;
    drop(all);
    // The kernel's tables are those of the network, which a machine that is off has none of.
    drop(before);

    let after = World::new()?;
    let listening = listen(&after.gateway)?;
    let machine = Machine::boot(&disk, &after.gateway)?;
    as_it_was(&machine, &rules, &sources)?;
    after.attacker.add_address(trusted)?;
    assert!(gets_in(&after, trusted, SSH)?, "{trusted} does not get in");

    let version = "dpkg-query --show --showformat='${Version}' rampart";
    let installed = machine.run(version)?;
    machine.run(&format!(
        "cd /root && dpkg-deb --raw-extract {PACKAGE} next && \
         sed -i 's/^Version: .*/&.1/' next/DEBIAN/control && \
         dpkg-deb --build --root-owner-group -Znone next {NEXT} && apt-get install -qq -y {NEXT}"
    ))?;
    assert_eq!(machine.run(version)?, format!("{installed}.1"));
    as_it_was(&machine, &rules, &sources)?;

    machine.run("apt-get purge -qq -y rampart")?;
    // Whoever takes a package away has not said that every port shall be open.
    assert_eq!(self::rules(&machine)?, rules, "before the next boot");
    let left: Vec<_> = self::files(&machine)?.difference(&files).cloned().collect();
    assert!(left.is_empty(), "purge left {left:?}");
    drop(listening);
    machine.shut_down()?;
    drop(after);

    let world = World::new()?;
    let machine = Machine::boot(&disk, &world.gateway)?;
    nothing_at_work(&machine)?;
    machine.shut_down()
}

/// The package that is tried.
fn package() -> Result<PathBuf, Failed> {
    env::var_os("RAMPART_PACKAGE")
        .map(PathBuf::from)
        .ok_or_else(|| skip("no package is named by RAMPART_PACKAGE: `./dev system` makes one"))
}

fn files(machine: &Machine) -> Result<BTreeSet<String>, Failed> {
    let found = machine.run(FILES)?;
    Ok(found.lines().map(str::to_owned).collect())
}

fn rules(machine: &Machine) -> Result<[String; 2], Failed> {
    Ok([
        machine.run("iptables-save -t filter | grep '^-'")?,
        machine.run("ip6tables-save -t filter | grep '^-'")?,
    ])
}

fn nothing_at_work(machine: &Machine) -> Result<(), Failed> {
    for command in ["iptables -S", "ip6tables -S"] {
        assert_eq!(machine.run(command)?, NO_RULES, "{command}");
    }
    assert_eq!(machine.run("ipset list -name")?, "");
    let units = machine.output(
        "systemctl list-units --no-legend --plain --all 'rampart*' | grep -E ' (active|failed) '",
    )?;
    assert_eq!(String::from_utf8_lossy(&units.stdout), "");
    Ok(())
}

/// The rules are these, and who was banned is so, with less time left than at the beginning.
fn as_it_was(
    machine: &Machine,
    before: &[String; 2],
    sources: &[std::net::IpAddr; 2],
) -> Result<(), Failed> {
    assert_eq!(&rules(machine)?, before);
    for &source in sources {
        assert!(is_in(machine, "throttle-hard", source)?, "{source}");
    }
    Ok(())
}
