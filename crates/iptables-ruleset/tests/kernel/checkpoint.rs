//! Our part of the tables comes back as it was.

use std::error::Error;
use std::thread;
use std::time::Duration;

use iptables_ruleset::{Checkpoint, Config, Family, Kernel as _, KernelSet, Nftables};
use netns_testbed::{Failed, Tool, Trial, trial};

use crate::fixture::{EVERYTHING, apply, make_sets, plan, rulesets, saved, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_checkpoint_puts_back_every_rule",
            a_checkpoint_puts_back_every_rule,
        ),
        trial(
            "a_rule_whose_set_is_gone_is_left_out_and_told",
            a_rule_whose_set_is_gone_is_left_out,
        ),
    ]
}

type BoxError = Box<dyn Error + Send + Sync>;

/// Finds no set but those of a new namespace, which have numbers from 0.
fn find(name: &str) -> Result<KernelSet, BoxError> {
    let names = Tool::require("ipset")
        .and_then(|ipset| ipset.run(&["list", "-n"]))
        .map_err(|error| format!("{error:?}"))?;
    let known = names.lines().position(|known| known == name);
    let index = known.ok_or("there is no such set")?;
    Ok(KernelSet::new(u16::try_from(index)?, None))
}

fn name_of(index: u16) -> Option<String> {
    let names = Tool::require("ipset").ok()?.run(&["list", "-n"]).ok()?;
    names.lines().nth(index.into()).map(str::to_owned)
}

fn a_checkpoint_puts_back_every_rule() -> Result<(), Failed> {
    let (other, config) = (Config::default(), Config::parse(EVERYTHING)?);
    apply(&config)?;
    let before = [saved(Family::Ipv4)?, saved(Family::Ipv6)?];
    let mut kernel = Nftables::connect()?;
    let checkpoint = Checkpoint::of(&kernel.snapshot()?, &rulesets(&config)?, name_of);
    assert_eq!(
        checkpoint.differences(&kernel.snapshot()?, &mut find),
        [""; 0]
    );
    plan(&other)?.apply(&mut kernel)?;
    assert!(
        !checkpoint
            .differences(&kernel.snapshot()?, &mut find)
            .is_empty()
    );
    let back = checkpoint.go_back(&mut kernel, &mut find)?;
    assert_eq!(back.left_out, [""; 0]);
    assert_eq!([saved(Family::Ipv4)?, saved(Family::Ipv6)?], before);
    // Whoever does not know that it is done can do it again.
    checkpoint.go_back(&mut kernel, &mut find)?;
    assert_eq!([saved(Family::Ipv4)?, saved(Family::Ipv6)?], before);
    Ok(())
}

fn a_rule_whose_set_is_gone_is_left_out() -> Result<(), Failed> {
    let config = Config::default();
    make_sets(&config)?;
    let ipset = Tool::require("ipset")?;
    ipset.run(&["create", "office", "hash:ip"])?;
    let mut kernel = Nftables::connect()?;
    plan(&config)?.apply(&mut kernel)?;
    let before = saved(Family::Ipv4)?;
    let words = ["-I", "FIREWALL_INPUT", "-m", "set", "--match-set", "office"];
    tool(Family::Ipv4, "")?.run(&[&words[..], &["src", "-j", "ACCEPT"]].concat())?;
    let checkpoint = Checkpoint::of(&kernel.snapshot()?, &rulesets(&config)?, |index| {
        Some(if index == 8 { "office" } else { "another" }.to_owned())
    });
    plan(&config)?.apply(&mut kernel)?;
    // The kernel lets go of the sets of a rule some time after the rule is gone.
    let mut destroyed = ipset.run(&["destroy", "office"]);
    for _ in 0..200 {
        if destroyed.is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
        destroyed = ipset.run(&["destroy", "office"]);
    }
    destroyed?;
    let mut kept = |name: &str| match name {
        "office" => Err("there is no such set"),
        // All rules but one look into the sets that they looked into.
        _ => Ok(KernelSet::new(0, None)),
    };
    let back = checkpoint.go_back(&mut kernel, &mut kept)?;
    assert_eq!(back.left_out.len(), 1, "{back:?}");
    assert!(back.left_out[0].contains("rule 1 of chain FIREWALL_INPUT"));
    assert!(back.left_out[0].contains("office"));
    let rules = |text: &str| text.matches("-A FIREWALL_INPUT").count();
    assert_eq!(rules(&saved(Family::Ipv4)?), rules(&before));
    Ok(())
}
