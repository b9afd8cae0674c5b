//! A host that comes up although others have made chains of our names.

use netns_testbed::{Failed, World};

use crate::config::Config;
use crate::fate::{ALLOWED, BLOCKED};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[(
    "beside_a_chain_of_others_it_comes_up_closed",
    beside_a_chain_of_others_it_comes_up_closed,
)];

/// The administrator gets in, nobody else does, and their chain does what it did.
fn beside_a_chain_of_others_it_comes_up_closed(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::before_apply(World::new()?, case, Config::default())?;
    ground.iptables(&["-N", "LOG_AND_DROP"])?;
    ground.iptables(&["-A", "LOG_AND_DROP", "-p", "udp", "-j", "ACCEPT"])?;
    let Err(error) = ground.apply_at_boot() else {
        return Err("a chain of others in the way is no error".into());
    };
    assert!(format!("{error:?}").contains("--adopt"), "{error:?}");
    ground.whitelist_the_sentinel()?;
    ground.add("blacklist", ground.source(2), "")?;
    ground.add("whitelist", ground.source(3), "")?;
    ground.expect(&ground.connections(ground.source(1), 22, 1), ALLOWED)?;
    ground.expect(&ground.connections(ground.source(1), 9999, 1), BLOCKED)?;
    ground.expect(&ground.connections(ground.source(2), 22, 1), BLOCKED)?;
    ground.expect(&ground.connections(ground.source(3), 9999, 1), ALLOWED)?;
    // It is not needed any more: the firewall itself goes in, and the floor with it.
    ground.iptables(&["-F", "LOG_AND_DROP"])?;
    ground.apply()?;
    assert!(!ground.saved()?.contains("FIREWALL_FLOOR"));
    ground.expect(&ground.connections(ground.source(4), 443, 1), ALLOWED)?;
    ground.expect(&ground.connections(ground.source(4), 9999, 1), BLOCKED)
}
