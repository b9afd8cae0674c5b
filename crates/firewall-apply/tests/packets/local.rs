//! `FIREWALL_LOCAL`: the administrator's own rules.

use netns_testbed::Failed;

use crate::fate::{ALLOWED, BLOCKED, PASSED};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    (
        "own_rules_decide_behind_the_lists",
        own_rules_decide_behind_the_lists,
    ),
    (
        "own_rules_survive_apply_and_reset",
        own_rules_survive_apply_and_reset,
    ),
    (
        "an_empty_chain_goes_with_reset",
        an_empty_chain_goes_with_reset,
    ),
    (
        "own_rules_that_lead_to_ours_hold_reset_up",
        own_rules_that_lead_to_ours_hold_reset_up,
    ),
];

/// An own rule: port 9999 is open.
const OPEN: [&str; 8] = [
    "-A",
    "FIREWALL_LOCAL",
    "-p",
    "tcp",
    "--dport",
    "9999",
    "-j",
    "ACCEPT",
];
const CLOSED: [&str; 8] = [
    "-A",
    "FIREWALL_LOCAL",
    "-p",
    "tcp",
    "--dport",
    "22",
    "-j",
    "DROP",
];

fn own_rules_decide_behind_the_lists(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.expect(&ground.connections(ground.source(1), 9999, 1), BLOCKED)?;
    ground.iptables(&OPEN)?;
    ground.iptables(&CLOSED)?;
    ground.add("blacklist", ground.source(2), "")?;
    ground.add("whitelist", ground.source(3), "")?;
    ground.expect(&ground.connections(ground.source(1), 9999, 1), PASSED)?;
    ground.expect(&ground.connections(ground.source(2), 9999, 1), BLOCKED)?;
    ground.expect(&ground.connections(ground.source(3), 22, 1), ALLOWED)?;
    ground.expect(
        &ground.connections(ground.source(1), 22, 1),
        crate::fate::IGNORED,
    )?;
    // Where they decide nothing, it goes on as ever.
    ground.expect(&ground.connections(ground.source(1), 443, 1), ALLOWED)
}

fn own_rules_survive_apply_and_reset(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.iptables(&OPEN)?;
    ground.expect(&ground.connections(ground.source(1), 9999, 2), PASSED)?;
    let own = |ground: &Ground| ground.iptables(&["-vS", "FIREWALL_LOCAL"]);
    let before = own(&ground)?;
    assert!(before.contains("-c 2 "), "{before}");
    ground.apply()?;
    assert_eq!(own(&ground)?, before);
    ground.firewall_apply(&["reset"])?;
    assert_eq!(own(&ground)?, before);
    ground.apply()?;
    assert_eq!(own(&ground)?, before);
    Ok(())
}

fn an_empty_chain_goes_with_reset(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    assert!(ground.saved()?.contains(":FIREWALL_LOCAL - "));
    // One that is gone is missed, and comes back.
    ground.iptables(&["-D", "FIREWALL_INPUT", "-j", "FIREWALL_LOCAL"])?;
    ground.iptables(&["-X", "FIREWALL_LOCAL"])?;
    ground.apply()?;
    assert!(
        ground
            .saved()?
            .contains("-A FIREWALL_INPUT -j FIREWALL_LOCAL\n")
    );
    ground.firewall_apply(&["reset"])?;
    let saved = ground.saved()?;
    assert!(!saved.contains("FIREWALL_LOCAL"), "{saved}");
    Ok(())
}

/// Nobody else's rule is taken away, so it is named instead.
fn own_rules_that_lead_to_ours_hold_reset_up(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    let source = ground.source(1).to_string();
    let own = ["FIREWALL_LOCAL", "-s", &source, "-j", "LOG_AND_DROP"];
    ground.iptables(&[&["-A"], &own[..]].concat())?;
    let before = ground.saved()?;
    let Err(error) = ground.firewall_apply(&["reset"]) else {
        return Err("reset took the chain away that a rule leads to".into());
    };
    let told = "rule 1 of chain FIREWALL_LOCAL jumps to it";
    assert!(format!("{error:?}").contains(told), "{error:?}");
    let without_counters = |text: &str| -> Vec<String> {
        let rules = text.lines().filter(|line| line.starts_with("-A"));
        rules.map(str::to_owned).collect()
    };
    assert_eq!(
        without_counters(&ground.saved()?),
        without_counters(&before)
    );
    ground.iptables(&[&["-D"], &own[..]].concat())?;
    ground.firewall_apply(&["reset"])?;
    Ok(())
}
