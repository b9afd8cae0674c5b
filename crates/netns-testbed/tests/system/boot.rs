//! Before anything is enabled, and after a reboot.

use std::path::Path;

use netns_testbed::{Failed, World};

use crate::attack::{gets_in, strangers};
use crate::host::{SSH, Writer, install, is_in, listen, up};
use crate::machine::{Disk, Machine};

/// What is installed does nothing until it is told to, not even at the first boot of an image, at which
/// systemd enables what its presets have.
pub(crate) fn nothing_unasked(root: &Path) -> Result<(), Failed> {
    let (world, disk) = (World::new()?, Disk::new(root)?);
    install(&disk, &[])?;
    let machine = Machine::boot(&disk, &world.gateway)?;
    for nothing in ["iptables -S", "ip6tables -S"] {
        assert_eq!(
            machine.run(nothing)?,
            "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n"
        );
    }
    assert_eq!(machine.run("ipset list -name")?, "");
    let enabled = "systemctl list-unit-files --no-legend --state=enabled 'rampart*' ram.mount";
    // Its exit status says that there are none.
    let enabled = machine.output(enabled)?;
    assert_eq!(String::from_utf8_lossy(&enabled.stdout), "");
    machine.shut_down()
}

/// Rules, bans and who may always come in are there again after a reboot, each ban with the time
/// that was left of it.
pub(crate) fn the_bans_are_back(root: &Path) -> Result<(), Failed> {
    let disk = Disk::new(root)?;
    let (banned, trusted) = (strangers(), strangers());
    let before = World::new()?;
    let machine = up(&disk, &before, Writer::Collector, &[])?;
    for (name, [v4, v6]) in [("blacklist", banned), ("whitelist", trusted)] {
        let timeout = if name == "blacklist" {
            "timeout 3600"
        } else {
            ""
        };
        machine.run(&format!("ipset add {name} {v4} {timeout}"))?;
        machine.run(&format!("ipset add {name}_v6 {v6} {timeout}"))?;
    }
    let rules = ["iptables -S", "ip6tables -S"].map(|command| machine.run(command));
    machine.shut_down()?;
    // The kernel's tables are those of the network, which a machine that is off has none of.
    drop(before);

    let world = World::new()?;
    let listening = listen(&world.gateway)?;
    let machine = Machine::boot(&disk, &world.gateway)?;
    for (command, before) in ["iptables -S", "ip6tables -S"].into_iter().zip(rules) {
        assert_eq!(machine.run(command)?, before?, "{command}");
    }
    for (family, [banned, trusted]) in [
        ("", [banned[0], trusted[0]]),
        ("_v6", [banned[1], trusted[1]]),
    ] {
        assert!(is_in(&machine, "blacklist", banned)?, "{banned}");
        assert!(is_in(&machine, "whitelist", trusted)?, "{trusted}");
        let saved = machine.run(&format!("ipset save blacklist{family}"))?;
        let left = saved
            .lines()
            .filter(|line| line.starts_with("add "))
            .find_map(|line| {
                line.split_once(" timeout ")?
                    .1
                    .split(' ')
                    .next()?
                    .parse::<u32>()
                    .ok()
            })
            .ok_or("a ban without end")?;
        assert!((3000..3600).contains(&left), "{left} s are left");
        for source in [banned, trusted] {
            world.attacker.add_address(source)?;
        }
        assert!(!gets_in(&world, banned, SSH)?, "{banned} gets in");
        assert!(gets_in(&world, trusted, SSH)?, "{trusted} does not");
    }
    drop(listening);
    machine.shut_down()
}
