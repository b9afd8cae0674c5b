//! Rules that the kernel lists, as the model they were written from: held against what
//! `iptables-save` prints.

use std::fs;
use std::path::PathBuf;

use iptables_ruleset::{ChainState, Family, KernelSet, Match, Nftables, Plan, Ruleset, Target};
use netns_testbed::{Failed, Tool, Trial, trial};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::fixture::{saved, snapshot, tool};
use crate::generate::{self, SET};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for family in Family::BOTH {
        let name = family.nft_name();
        trials.push(trial(
            format!("every_golden_rule_is_read_back_{name}"),
            move || golden(family),
        ));
        trials.push(trial(format!("any_rule_is_read_back_{name}"), move || {
            any(family)
        }));
        trials.push(trial(
            format!("what_is_not_known_is_shown_with_its_bytes_{name}"),
            move || unknown(family),
        ));
    }
    trials
}

/// What the chain's rules are, as `iptables-save` would print them.
fn lines(family: Family, chain: &str, set: &str) -> Result<Vec<String>, Failed> {
    let snapshot = snapshot()?;
    let chain = chain_of(&snapshot, family, chain)?;
    let rules = chain.rules().iter();
    let text = |rule: iptables_ruleset::Rule| rule.to_iptables_save(family).to_string();
    Ok(rules
        .map(|rule| text(rule.rule(family, |index| (index == 0).then(|| set.to_owned()))))
        .collect())
}

fn chain_of<'a>(
    snapshot: &'a iptables_ruleset::Snapshot,
    family: Family,
    chain: &str,
) -> Result<&'a ChainState, Failed> {
    let table = snapshot.table(family).ok_or("there is no table")?;
    Ok(table.chain(chain).ok_or("there is no chain")?)
}

fn make_set(family: Family, name: &str) -> Result<(), Failed> {
    let family = match family {
        Family::Ipv4 => "inet",
        Family::Ipv6 => "inet6",
    };
    Tool::require("ipset")?.run(&["create", name, "hash:ip", "family", family])?;
    Ok(())
}

/// Put in by the stock tool.
fn golden(family: Family) -> Result<(), Failed> {
    let (set, file) = match family {
        Family::Ipv4 => ("SET4", "v4.save"),
        Family::Ipv6 => ("SET6", "v6.save"),
    };
    make_set(family, set)?;
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    let rules = fs::read_to_string(path)?;
    let text = format!("*filter\n:GOLDEN - [0:0]\n:OTHER - [0:0]\n{rules}COMMIT\n");
    tool(family, "-restore")?.input(text).run(&[])?;
    let saved = saved(family)?;
    let wanted: Vec<_> = saved
        .lines()
        .filter_map(|line| line.strip_prefix("-A GOLDEN "))
        .collect();
    assert_eq!(wanted.len(), rules.lines().count());
    same(&lines(family, "GOLDEN", set)?, &wanted);
    Ok(())
}

/// Put in by us.
fn any(family: Family) -> Result<(), Failed> {
    make_set(family, SET)?;
    let mut runner = TestRunner::deterministic();
    let strategy = generate::rule(family);
    let mut ruleset = Ruleset::new(family);
    ruleset.chain("OTHER".parse()?);
    let chain = ruleset.chain("ANY".parse()?);
    let mut wanted = Vec::new();
    for _ in 0..300 {
        let rule = strategy
            .new_tree(&mut runner)
            .map_err(|reason| reason.to_string())?
            .current();
        wanted.push(rule.to_iptables_save(family).to_string());
        chain.append(rule);
    }
    let mut index = |_: &str| Ok::<_, std::io::Error>(KernelSet::new(0, Some(family)));
    Plan::install([&ruleset], &mut index)?.apply(&mut Nftables::connect()?)?;
    same(&lines(family, "ANY", SET)?, &wanted);
    let saved = saved(family)?;
    let stock: Vec<_> = saved
        .lines()
        .filter_map(|line| line.strip_prefix("-A ANY "))
        .collect();
    same(&stock, &wanted);
    Ok(())
}

/// Line by line, so that one difference is not lost in hundreds of lines.
fn same<A: AsRef<str>, B: AsRef<str>>(found: &[A], wanted: &[B]) {
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found.as_ref(), wanted.as_ref());
    }
    assert_eq!(found.len(), wanted.len());
}

fn unknown(family: Family) -> Result<(), Failed> {
    let iptables = tool(family, "")?;
    iptables.run(&["-N", "ODD"])?;
    for words in [
        "-m pkttype --pkt-type multicast -m conntrack --ctstate NEW -j ACCEPT",
        "-p tcp -m tcp --dport 22 --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1400",
        "-p tcp -m tcp --dport 22",
        "-j NFQUEUE --queue-num 3",
    ] {
        let all: Vec<_> = ["-A", "ODD"].into_iter().chain(words.split(' ')).collect();
        iptables.run(&all)?;
    }
    let nft_family = family.nft_name();
    Tool::require("nft")?.run(&[
        "add", "rule", nft_family, "filter", "ODD", "tcp", "dport", "{", "22,", "80", "}",
        "counter", "packets", "5", "bytes", "500", "accept",
    ])?;
    let found = lines(family, "ODD", "")?;
    let is_like = |line: &str, parts: &[&str]| {
        let mut rest = line;
        parts.iter().all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    };
    for (line, parts) in found.iter().zip([
        &[
            "[match pkttype 0x",
            "] -m conntrack --ctstate NEW -j ACCEPT",
        ][..],
        &["-p tcp -m tcp --dport 22 --tcp-flags SYN,RST SYN -j [target TCPMSS 0x7805"],
        &["-p tcp -m tcp --dport 22 "],
        &["-j [target NFQUEUE 0x"],
        &["[payload Payload", "] [lookup 0x", "] -j ACCEPT"],
    ]) {
        assert!(is_like(line, parts), "{line}");
    }
    assert_eq!(found.len(), 5);

    let snapshot = snapshot()?;
    let rules = chain_of(&snapshot, family, "ODD")?.rules();
    let counters = rules[4].counters();
    assert_eq!((counters.packets, counters.bytes), (5, 500));
    let odd = rules[0].rule(family, |_| None);
    let [Match::Other(pkttype), _] = odd.matches() else {
        return Err(format!("{odd:?}").into());
    };
    assert_eq!(
        (pkttype.name().as_str(), pkttype.bytes().len()),
        ("match pkttype", 8)
    );
    let queue = rules[3].rule(family, |_| None);
    let Target::Other(queue) = queue.target() else {
        return Err(format!("{queue:?}").into());
    };
    assert_eq!(queue.bytes()[..2], 3_u16.to_ne_bytes());
    // What cannot be written is refused before anything is sent.
    let mut ruleset = Ruleset::new(family);
    ruleset.chain("ODD".parse()?).append(odd);
    let mut index = |_: &str| Ok::<_, std::io::Error>(KernelSet::new(0, Some(family)));
    let refused = Plan::install([&ruleset], &mut index)
        .err()
        .ok_or("written")?;
    assert!(
        refused
            .to_string()
            .contains("match pkttype is not known here"),
        "{refused}"
    );
    Ok(())
}
