//! A change that nobody confirms.

use std::path::Path;

use netns_testbed::{Failed, World};

use crate::host::{Writer, up};
use crate::machine::Disk;
use crate::wait_for;

const OPEN_8080: &str = "printf '\\n[[service]]\\nname = \"later\"\\nprotocol = \"tcp\"\\nports = [8080]\\n' \
    >>/etc/rampart/firewall.toml";

/// The process that waits ends with the session that began the change, as logind has it with
/// `KillUserProcesses=yes`; the unit that waits beside it takes the change back.
pub(crate) fn taken_back_by_systemd(root: &Path) -> Result<(), Failed> {
    let (world, disk) = (World::new()?, Disk::new(root)?);
    let machine = up(&disk, &world, Writer::Collector, &[])?;
    let has = |family: &str| {
        let rules = machine.run(&format!("{family} -S FIREWALL_INPUT"))?;
        Ok::<_, Failed>(rules.contains("--dport 8080"))
    };
    machine.run(OPEN_8080)?;
    machine.run("firewall-apply apply --confirm-within 15s")?;
    wait_for("the unit to wait", || {
        machine
            .run("systemctl show --property=ActiveState --value rampart-rollback.service")
            .is_ok_and(|state| state.trim() == "activating")
    })?;
    let waits = "pgrep --full '[f]irewall-apply apply --confirm-within'";
    assert_eq!(machine.run(waits)?.lines().count(), 1);
    machine.run("pkill --signal=KILL --full '[f]irewall-apply apply --confirm-within'")?;
    for family in ["iptables", "ip6tables"] {
        assert!(has(family)?, "{family} lacks what was applied");
    }
    wait_for("what was there to come back", || {
        ["iptables", "ip6tables"]
            .iter()
            .all(|family| has(family).is_ok_and(|has| !has))
    })?;
    wait_for("the unit to end", || {
        machine
            .run("systemctl show --property=ActiveState,Result rampart-rollback.service")
            .is_ok_and(|state| {
                state.contains("ActiveState=inactive") && state.contains("Result=success")
            })
    })?;

    // Confirmed in time, it stays, and nobody waits any more.
    machine.run("firewall-apply apply --confirm-within 1h")?;
    machine.run("firewall-apply confirm")?;
    wait_for("nobody to wait", || {
        machine
            .output(waits)
            .is_ok_and(|found| !found.status.success())
    })?;
    assert!(has("iptables")? && has("ip6tables")?);
    machine.shut_down()
}
