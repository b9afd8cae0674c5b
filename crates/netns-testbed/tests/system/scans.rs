//! Bans by the follower's unit.

use std::path::Path;

use netns_testbed::{Failed, World};

use crate::attack::{gets_in, knock, strangers};
use crate::host::{SSH, Writer, banned, is_in, listen, up};
use crate::machine::Disk;
use crate::wait_for;

/// Shut out at the hundredth attempt.
const RULES: &str = "printf '%s\\n' '[[rule]]' 'rule = \"blocked\"' 'type = \"tcp\"' 'howmany = 100' 'within = \"10m\"' \
    'ipset = \"blacklist\"' 'removeafter = \"1h\"' >/etc/rampart/scan.toml";

/// The unit says that it is ready, bans at the line, takes new rules by a signal and goes on after
/// it was killed.
pub(crate) fn live(root: &Path) -> Result<(), Failed> {
    let (world, disk) = (World::new()?, Disk::new(root)?);
    let listening = listen(&world.gateway)?;
    let machine = up(&disk, &world, Writer::Collector, &[])?;
    machine.run(RULES)?;
    machine.run("systemctl enable --now rampart-live")?;
    for source in strangers() {
        world.attacker.add_address(source)?;
        assert!(gets_in(&world, source, SSH)?, "{source} does not get in");
        knock(&world, source, 100)?;
        banned(&machine, "blacklist", source)?;
        assert!(!gets_in(&world, source, SSH)?, "{source} gets in");
        wait_for("the line of the journal", || {
            let line = format!("{source}: added to blacklist");
            machine
                .journal("rampart-live")
                .is_ok_and(|journal| journal.contains(&line))
        })?;
    }
    // Killed, it is started again and knows from the log what it knew.
    let [source, _] = strangers();
    knock(&world, source, 60)?;
    crate::host::logged(&machine, source, 60)?;
    machine.run("systemctl kill --signal=KILL rampart-live")?;
    wait_for("it to be started again", || {
        machine
            .run("systemctl show --property=NRestarts,ActiveState rampart-live")
            .is_ok_and(|state| {
                state.contains("NRestarts=1") && state.contains("ActiveState=active")
            })
    })?;
    assert!(!is_in(&machine, "blacklist", source)?);
    knock(&world, source, 40)?;
    banned(&machine, "blacklist", source)?;

    machine.run("sed -i 's/howmany = 100/howmany = 10/' /etc/rampart/scan.toml")?;
    machine.run("systemctl kill --signal=HUP rampart-live")?;
    let [_, source] = strangers();
    knock(&world, source, 10)?;
    banned(&machine, "blacklist", source)?;
    drop(listening);
    machine.shut_down()
}
