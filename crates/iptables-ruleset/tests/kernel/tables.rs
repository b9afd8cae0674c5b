//! The tables beside `filter`: several in one transaction, as iptables makes them.

use std::error::Error;

use iptables_ruleset::match_::{Direction, InInterface, Protocol, Set, Tcp};
use iptables_ruleset::{
    Checkpoint, Family, Hook, Kernel as _, KernelSet, Nftables, Plan, Policy, Rule, Ruleset, Side,
    Table, Target,
};
use netns_testbed::{Failed, Namespace, Tool, Trial, trial};

use crate::fixture::tool;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("every_table_is_what_iptables_would_have_made", same),
        trial("iptables_goes_on_with_every_table", edited),
        trial("all_tables_change_or_none", all_or_none),
        trial("every_table_comes_back_as_it_was", comes_back),
        trial("what_is_withdrawn_goes_if_it_is_ours", withdrawn),
        trial(
            "what_stands_before_a_jump_is_told_by_its_table",
            before_ours,
        ),
    ]
}

type BoxError = Box<dyn Error + Send + Sync>;

fn no_set(_: &str) -> Result<KernelSet, BoxError> {
    Err("there are no sets".into())
}

/// A chain of ours in each table, to which every built-in chain jumps.
fn every_table() -> Result<Vec<Ruleset>, Failed> {
    let mut all = Vec::new();
    for family in Family::BOTH {
        for table in Table::ALL {
            let mut ruleset = Ruleset::of(table, family);
            for hook in table.hooks() {
                ruleset.jump(*hook, "OURS".parse()?);
            }
            if table == Table::Filter {
                ruleset.policy(Hook::Forward, Policy::Drop);
            }
            ruleset
                .chain("OURS".parse()?)
                .append(
                    Rule::new(Target::Return)
                        .matching(Protocol::TCP)
                        .matching(Tcp::new().destination(22)),
                )
                .append(Rule::new(Target::Accept));
            all.push(ruleset);
        }
    }
    Ok(all)
}

fn put_in(rulesets: &[Ruleset]) -> Result<bool, Failed> {
    let plan = Plan::install(rulesets, &mut no_set)?;
    Ok(plan.apply(&mut Nftables::connect()?)?.changed)
}

/// All that `iptables-save` prints, without comments.
fn all_saved(family: Family) -> Result<String, Failed> {
    let text = tool(family, "-save")?.run(&[])?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines
        .map(|line| match line.split_once(" [") {
            Some((chain, _)) if line.starts_with(':') => format!("{chain} [0:0]\n"),
            _ => format!("{line}\n"),
        })
        .collect())
}

/// What nft says of each chain with its hook, sorted.
fn chains() -> Result<Vec<String>, Failed> {
    let text = Tool::require("nft")?.run(&["list", "chains"])?;
    let mut found: Vec<String> = Vec::new();
    let mut table = "";
    let mut chain = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with("table ") {
            table = line;
        } else if line.starts_with("chain ") {
            chain = line;
        } else if line.starts_with("type ") {
            found.push(format!("{table} {chain} {line}"));
        }
    }
    found.sort();
    Ok(found)
}

fn same() -> Result<(), Failed> {
    let rulesets = every_table()?;
    assert!(put_in(&rulesets)?);
    let text = |family: Family| -> String {
        let of_family = rulesets.iter().filter(|one| one.family() == family);
        of_family
            .map(|ruleset| ruleset.to_iptables_save().to_string())
            .collect()
    };
    for family in Family::BOTH {
        assert_eq!(all_saved(family)?, text(family));
    }
    let theirs = Namespace::new()?.run(|| -> Result<_, Failed> {
        for family in Family::BOTH {
            tool(family, "-restore")?.input(text(family)).run(&[])?;
        }
        chains()
    })?;
    assert_eq!(theirs.len(), 2 * (5 + 2 + 3 + 4), "{theirs:#?}");
    assert_eq!(chains()?, theirs);
    // It is all there.
    assert!(!put_in(&rulesets)?);
    let snapshot = Nftables::connect()?.snapshot()?;
    for ruleset in &rulesets {
        let lines = snapshot.diff(ruleset, |_| None);
        assert!(
            lines.iter().all(|line| line.side == Side::Both),
            "{lines:?}"
        );
    }
    Ok(())
}

fn edited() -> Result<(), Failed> {
    let rulesets = every_table()?;
    put_in(&rulesets)?;
    for family in Family::BOTH {
        let iptables = tool(family, "")?;
        let before = all_saved(family)?;
        for table in Table::ALL {
            let (table, hook) = (table.name(), table.hooks()[0].chain());
            iptables.run(&["-t", table, "-I", "OURS", "1", "-i", "lo", "-j", "ACCEPT"])?;
            iptables.run(&["-t", table, "-A", hook, "-i", "lo", "-j", "OURS"])?;
            iptables.run(&["-t", table, "-N", "THEIRS"])?;
            let listed = iptables.run(&["-t", table, "-vnL"])?;
            assert!(!listed.contains("incompatible"), "{listed}");
            iptables.run(&["-t", table, "-X", "THEIRS"])?;
            iptables.run(&["-t", table, "-D", hook, "-i", "lo", "-j", "OURS"])?;
            iptables.run(&["-t", table, "-D", "OURS", "1"])?;
        }
        assert_eq!(all_saved(family)?, before);
    }
    Ok(())
}

fn all_or_none() -> Result<(), Failed> {
    let mut rulesets = every_table()?;
    // The kernel knows no such set.
    let last = rulesets.last_mut().ok_or("there is none")?;
    let set = Set::new("gone".parse()?, Direction::Source);
    last.chain("OURS".parse()?)
        .append(Rule::new(Target::Accept).matching(set));
    let mut stale = |_: &str| Ok::<_, BoxError>(KernelSet::new(77, None));
    let plan = Plan::install(&rulesets, &mut stale)?;
    let error = plan.apply(&mut Nftables::connect()?).unwrap_err();
    assert!(error.to_string().contains("ip6 nat/OURS rule 3"), "{error}");
    let snapshot = Nftables::connect()?.snapshot()?;
    for ruleset in &rulesets {
        assert!(snapshot.table_of(ruleset).is_none());
    }
    let twice = [&rulesets[0], &rulesets[0]];
    let error = Plan::install(twice, &mut stale).unwrap_err();
    assert_eq!(
        error.to_string(),
        "IPv4 mangle ruleset: there are two for this table in one plan"
    );
    Ok(())
}

fn comes_back() -> Result<(), Failed> {
    let rulesets = every_table()?;
    let iptables = tool(Family::Ipv4, "")?;
    // One table is there, with rules of others and a chain of ours that is otherwise.
    iptables.run(&["-t", "raw", "-A", "OUTPUT", "-o", "lo", "-j", "ACCEPT"])?;
    iptables.run(&["-t", "raw", "-N", "OURS"])?;
    iptables.run(&["-t", "raw", "-A", "OURS", "-s", "192.0.2.1", "-j", "DROP"])?;
    iptables.run(&["-t", "raw", "-A", "PREROUTING", "-j", "OURS"])?;
    let before = (all_saved(Family::Ipv4)?, chains()?);
    let mut kernel = Nftables::connect()?;
    let checkpoint = Checkpoint::of(&kernel.snapshot()?, &rulesets, |_| None);
    // As a file keeps it.
    let text = serde_json::to_string(&checkpoint)?;
    let checkpoint: Checkpoint = serde_json::from_str(&text)?;
    let plan = Plan::install(&rulesets, &mut no_set)?.adopting();
    plan.apply(&mut Nftables::connect()?)?;
    assert!(
        !checkpoint
            .differences(&kernel.snapshot()?, &mut no_set)
            .is_empty()
    );
    let back = checkpoint.go_back(&mut kernel, &mut no_set)?;
    assert_eq!(back.left_out, [""; 0]);
    assert_eq!(
        checkpoint.differences(&kernel.snapshot()?, &mut no_set),
        [""; 0]
    );
    // Tables that there were not are gone again.
    assert_eq!((all_saved(Family::Ipv4)?, chains()?), before);
    assert_eq!(all_saved(Family::Ipv6)?, "");
    Ok(())
}

fn withdrawn() -> Result<(), Failed> {
    let rulesets = every_table()?;
    let raw = |rulesets: &[Ruleset]| -> Vec<Ruleset> {
        let raw = rulesets.iter().filter(|one| one.table() == Table::Raw);
        raw.cloned().collect()
    };
    let filter = |one: &Ruleset| one.table() == Table::Filter;
    let kept: Vec<Ruleset> = rulesets.iter().filter(|one| filter(one)).cloned().collect();
    let mut kernel = Nftables::connect()?;
    let withdraw = |kernel: &mut Nftables| -> Result<bool, Failed> {
        let plan = Plan::install(&kept, &mut no_set)?.without(&raw(&rulesets))?;
        Ok(plan.apply(kernel)?.changed)
    };
    // Somebody else has a chain of that name in one of the families.
    let theirs = tool(Family::Ipv6, "")?;
    theirs.run(&["-t", "raw", "-N", "OURS"])?;
    theirs.run(&["-t", "raw", "-A", "OURS", "-j", "RETURN"])?;
    theirs.run(&["-t", "raw", "-A", "PREROUTING", "-j", "OURS"])?;
    let before = tool(Family::Ipv6, "-save")?.run(&["-t", "raw"])?;
    let v4 = [&raw(&rulesets)[0]];
    Plan::install(v4, &mut no_set)?.apply(&mut kernel)?;
    let left = kernel.snapshot()?.leftovers(v4[0], |_| None);
    let lines: Vec<&str> = left.iter().map(|line| line.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            ":OURS - [0:0]",
            "-A PREROUTING -j OURS",
            "-A OUTPUT -j OURS",
            "-A OURS -p tcp -m tcp --dport 22 -j RETURN",
            "-A OURS -j ACCEPT",
        ]
    );
    assert!(withdraw(&mut kernel)?);
    let after = kernel.snapshot()?;
    let table = after.table_of(v4[0]).ok_or("raw is gone")?;
    assert!(table.chain("OURS").is_none());
    assert!(after.leftovers(v4[0], |_| None).is_empty());
    let now = tool(Family::Ipv6, "-save")?.run(&["-t", "raw"])?;
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("-A"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(lines(&now), lines(&before));
    assert!(!withdraw(&mut kernel)?, "there is nothing left to do");
    // Where others lead to it, it is named.
    Plan::install(v4, &mut no_set)?.apply(&mut kernel)?;
    let iptables = tool(Family::Ipv4, "")?;
    iptables.run(&["-t", "raw", "-A", "OUTPUT", "-o", "lo", "-j", "OURS"])?;
    let plan = Plan::install(&kept, &mut no_set)?.without(&raw(&rulesets))?;
    assert_eq!(
        plan.apply(&mut kernel).unwrap_err().to_string(),
        "chain OURS of table ip raw is still used: rule 2 of chain OUTPUT jumps to it"
    );
    Ok(())
}

fn before_ours() -> Result<(), Failed> {
    let iptables = tool(Family::Ipv4, "")?;
    iptables.run(&["-t", "raw", "-A", "PREROUTING", "-i", "lo", "-j", "ACCEPT"])?;
    iptables.run(&[
        "-t",
        "raw",
        "-A",
        "PREROUTING",
        "-s",
        "192.0.2.1",
        "-j",
        "ACCEPT",
    ])?;
    let mut early = Ruleset::of(Table::Raw, Family::Ipv4);
    early.jump(Hook::Prerouting, "OURS".parse()?);
    early
        .chain("OURS".parse()?)
        .append(Rule::new(Target::Return).matching(InInterface::new("lo".parse()?)));
    let plan = Plan::install([&early], &mut no_set)?;
    let mut kernel = Nftables::connect()?;
    let applied = plan.apply(&mut kernel)?;
    assert_eq!(
        applied
            .ahead
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [
            "rule 2 of the IPv4 raw chain PREROUTING does ACCEPT with \"-s 192.0.2.1/32\" before our rules there see it"
        ]
    );
    iptables.run(&["-t", "raw", "-I", "PREROUTING", "1", "-j", "ACCEPT"])?;
    let bypassed = plan.apply(&mut kernel)?.bypassed;
    assert_eq!(bypassed.len(), 1);
    assert_eq!(
        bypassed[0].to_string(),
        "rule 1 of the IPv4 raw chain PREROUTING does ACCEPT with every packet before our rules there see it: they are void until \
         that rule is gone (iptables -t raw -D PREROUTING 1)"
    );
    // Chains of others are theirs by table: one of this name in filter is no matter of ours in raw.
    iptables.run(&["-N", "OURS"])?;
    iptables.run(&["-A", "OURS", "-j", "DROP"])?;
    let snapshot = kernel.snapshot()?;
    assert!(snapshot.foreign_chains([&early]).is_empty());
    let mut filter = Ruleset::new(Family::Ipv4);
    filter.chain("OURS".parse()?);
    assert_eq!(snapshot.foreign_chains([&filter]).len(), 1);
    Ok(())
}
