//! Taking the firewall out again.

use iptables_ruleset::{Config, Family, Nftables, Plan};
use netns_testbed::{Failed, Tool, Trial, trial};

use crate::fixture::{apply, rulesets, saved, snapshot, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "removing_leaves_what_was_there_before",
            leaves_what_was_there,
        ),
        trial("removing_what_is_not_there_is_no_error", nothing_there),
        trial("a_chain_that_others_use_is_not_removed", still_used),
        trial(
            "a_jump_of_others_that_every_packet_takes_is_not_removed",
            jump_of_others,
        ),
        trial(
            "a_chain_for_others_is_removed_when_it_is_empty_and_unused",
            local_chain,
        ),
    ]
}

const EMPTY: &str =
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";

fn remove(config: &Config) -> Result<Result<(), iptables_ruleset::ApplyError>, Failed> {
    Ok(Plan::remove(&rulesets(config)?)?
        .apply(&mut Nftables::connect()?)
        .map(drop))
}

fn leaves_what_was_there() -> Result<(), Failed> {
    let config = Config::default();
    let iptables = tool(Family::Ipv4, "")?;
    iptables.run(&["-A", "INPUT", "-s", "192.0.2.1", "-j", "ACCEPT"])?;
    let before = saved(Family::Ipv4)?;
    apply(&config)?;
    // A second jump of somebody who tried by hand.
    iptables.run(&["-A", "INPUT", "-j", "FIREWALL_INPUT"])?;
    remove(&config)??;
    assert_eq!(saved(Family::Ipv4)?, before);
    assert_eq!(saved(Family::Ipv6)?, EMPTY);
    // The sets are free.
    Tool::require("ipset")?.run(&["destroy"])?;
    Ok(())
}

fn nothing_there() -> Result<(), Failed> {
    let config = Config::default();
    let before = snapshot()?;
    remove(&config)??;
    assert_eq!(snapshot()?, before);
    apply(&config)?;
    remove(&config)??;
    let before = snapshot()?;
    remove(&config)??;
    assert_eq!(snapshot()?, before);
    Ok(())
}

fn still_used() -> Result<(), Failed> {
    let config = Config::default();
    apply(&config)?;
    let iptables = tool(Family::Ipv6, "")?;
    iptables.run(&["-A", "FORWARD", "-i", "eth0", "-j", "LOG_AND_DROP"])?;
    let before = snapshot()?;
    let error = remove(&config)?.unwrap_err();
    assert!(error.is_still_referenced());
    assert_eq!(
        error.to_string(),
        "chain LOG_AND_DROP of table ip6 filter is still used: rule 1 of chain FORWARD jumps to it"
    );
    assert_eq!(snapshot()?, before, "both families as they were");
    Ok(())
}

/// Ours is the one from INPUT; without theirs, forwarded packets would pass.
fn jump_of_others() -> Result<(), Failed> {
    let config = Config::default();
    apply(&config)?;
    let iptables = tool(Family::Ipv4, "")?;
    iptables.run(&["-A", "FORWARD", "-j", "LOG_AND_DROP"])?;
    let before = snapshot()?;
    assert_eq!(
        remove(&config)?.unwrap_err().to_string(),
        "chain LOG_AND_DROP of table ip filter is still used: rule 1 of chain FORWARD jumps to it"
    );
    assert_eq!(snapshot()?, before);
    iptables.run(&["-D", "FORWARD", "1"])?;
    remove(&config)??;
    assert_eq!(saved(Family::Ipv4)?, EMPTY);
    Ok(())
}

fn local_chain() -> Result<(), Failed> {
    let config = Config::default();
    let iptables = tool(Family::Ipv4, "")?;
    // Somebody has it before us, and leads to it from elsewhere.
    iptables.run(&["-N", "FIREWALL_LOCAL"])?;
    iptables.run(&["-A", "FIREWALL_LOCAL", "-p", "tcp", "-j", "ACCEPT"])?;
    iptables.run(&["-A", "FORWARD", "-j", "FIREWALL_LOCAL"])?;
    let before = saved(Family::Ipv4)?;
    apply(&config)?;
    remove(&config)??;
    assert_eq!(saved(Family::Ipv4)?, before);
    assert_eq!(saved(Family::Ipv6)?, EMPTY);
    iptables.run(&["-F", "FIREWALL_LOCAL"])?;
    remove(&config)??;
    assert!(saved(Family::Ipv4)?.contains(":FIREWALL_LOCAL - [0:0]\n"));
    iptables.run(&["-D", "FORWARD", "1"])?;
    remove(&config)??;
    assert_eq!(saved(Family::Ipv4)?, EMPTY);
    Ok(())
}
