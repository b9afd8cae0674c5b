//! The table `nat` of a router: as iptables makes it, and taken out again.

use std::fs;
use std::path::PathBuf;

use iptables_ruleset::{Config, Family, Kernel as _, Nftables, Plan, Ruleset, Snapshot, Table};
use netns_testbed::{Failed, Namespace, Trial, trial};

use crate::fixture::{make_sets, sets, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_routers_nat_is_what_iptables_would_have_made", same),
        trial("a_routers_nat_goes_with_its_configuration", goes),
    ]
}

/// A router with everything that it can say, and the text of its `nat` beside it.
fn router() -> Result<(Config, [String; 2]), Failed> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/nat");
    let read = |name: &str| fs::read_to_string(folder.join(name));
    let config = Config::parse(&read("firewall.toml")?)?;
    Ok((config, [read("iptables.save")?, read("ip6tables.save")?]))
}

fn rulesets(config: &Config) -> Result<Vec<Ruleset>, Failed> {
    let [v4, v6] = Family::BOTH.map(|family| config.rulesets(family));
    Ok([v4?, v6?].concat())
}

fn put_in(config: &Config) -> Result<bool, Failed> {
    let rulesets = rulesets(config)?;
    let [v4, v6] = Family::BOTH.map(|family| config.unwanted(family));
    let plan = Plan::install(&rulesets, &mut sets(config))?.without(&[v4?, v6?].concat())?;
    Ok(plan.apply(&mut Nftables::connect()?)?.changed)
}

/// What the stock tool lists, without comments and counters of chains.
fn nat(family: Family) -> Result<String, Failed> {
    let text = tool(family, "-save")?.run(&["-t", "nat"])?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let line = |line: &str| match line.split_once(" [") {
        Some((chain, _)) if line.starts_with(':') => format!("{chain} [0:0]\n"),
        _ => format!("{line}\n"),
    };
    Ok(lines.map(line).collect())
}

fn same() -> Result<(), Failed> {
    let (config, expected) = router()?;
    for (family, expected) in Family::BOTH.into_iter().zip(&expected) {
        let rulesets = config.rulesets(family)?;
        let ours = rulesets
            .iter()
            .find(|one| one.table() == Table::Nat)
            .ok_or("no nat")?;
        assert_eq!(ours.to_iptables_save().to_string(), *expected);
    }
    make_sets(&config)?;
    assert!(put_in(&config)?);
    for (family, expected) in Family::BOTH.into_iter().zip(&expected) {
        assert_eq!(nat(family)?, *expected);
    }
    assert!(!put_in(&config)?, "it is there");
    let ours = Nftables::connect()?.snapshot()?;
    for ruleset in rulesets(&config)? {
        let names = sets_by_index(&config)?;
        let lines = ours.diff(&ruleset, |index| names.get(usize::from(index)).cloned());
        assert!(
            lines
                .iter()
                .all(|line| line.side == iptables_ruleset::Side::Both),
            "{lines:#?}"
        );
    }
    let theirs = Namespace::new()?.run(|| -> Result<Snapshot, Failed> {
        make_sets(&config)?;
        for (family, expected) in Family::BOTH.into_iter().zip(&expected) {
            tool(family, "-restore")?.input(expected.clone()).run(&[])?;
        }
        Ok(Nftables::connect()?.snapshot()?)
    })?;
    let mut compared = 0;
    for family in Family::BOTH {
        let table = |of: &Snapshot| of.find(Table::Nat, family).cloned().ok_or("no nat");
        let (ours, theirs) = (table(&ours)?, table(&theirs)?);
        for ((name, ours), (_, theirs)) in ours.chains().zip(theirs.chains()) {
            assert_eq!(ours.rules().len(), theirs.rules().len(), "{name}");
            for (ours, theirs) in ours.rules().iter().zip(theirs.rules()) {
                assert_eq!(ours.expressions(), theirs.expressions(), "{family} {name}");
                compared += 1;
            }
        }
    }
    assert!(compared > 8, "compared only {compared} rules");
    Ok(())
}

fn sets_by_index(config: &Config) -> Result<Vec<String>, Failed> {
    let sets = config.required_sets()?;
    Ok(sets.iter().map(|set| set.name.to_string()).collect())
}

fn goes() -> Result<(), Failed> {
    let (router, _) = router()?;
    let iptables = tool(Family::Ipv4, "")?;
    iptables.run(&[
        "-t",
        "nat",
        "-A",
        "POSTROUTING",
        "-o",
        "tun0",
        "-j",
        "MASQUERADE",
    ])?;
    let before = nat(Family::Ipv4)?;
    make_sets(&router)?;
    put_in(&router)?;
    assert!(nat(Family::Ipv4)?.contains(
        "-A POSTROUTING -o tun0 -j MASQUERADE\n-A POSTROUTING -j FIREWALL_POSTROUTING\n"
    ));
    put_in(&Config::parse("")?)?;
    assert_eq!(nat(Family::Ipv4)?, before);
    // Also without the mark, which is lost on the way through a saved file.
    put_in(&router)?;
    let saved = tool(Family::Ipv4, "-save")?.run(&["-t", "nat"])?;
    tool(Family::Ipv4, "-restore")?.input(saved).run(&[])?;
    put_in(&Config::parse("")?)?;
    assert_eq!(nat(Family::Ipv4)?, before);
    Ok(())
}
