//! The stock tools see what we did, and nobody else's rules suffer.

use netns_testbed::{Failed, World};

use crate::config::Config;
use crate::fate::{ALLOWED, BLOCKED};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("iptables_counts_the_drops", iptables_counts_the_drops),
    (
        "iptables_lists_what_print_said",
        iptables_lists_what_print_said,
    ),
    (
        "iptables_save_says_what_print_said",
        iptables_save_says_what_print_said,
    ),
    (
        "applying_twice_changes_nothing_but_counters",
        applying_twice_changes_nothing_but_counters,
    ),
    ("applying_keeps_the_members", applying_keeps_the_members),
    ("foreign_rules_survive", foreign_rules_survive),
];

fn iptables_counts_the_drops(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.expect(&ground.connections(ground.source(1), 23, 7), BLOCKED)?;
    let listing = ground.iptables(&["-vnxL", "LOG_AND_DROP"])?;
    // Two lines of heading; then the packets counted are the first column.
    let counted: Vec<_> = listing
        .lines()
        .skip(2)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(counted, ["7", "7"], "{listing}");
    Ok(())
}

fn iptables_lists_what_print_said(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    let expected: Vec<String> = rules(&ground.print()?)
        .iter()
        .filter_map(
            |line| match line.strip_prefix(':').and_then(|line| line.split_once(' ')) {
                Some((chain, "-")) => Some(format!("-N {chain}")),
                Some((chain, policy)) => Some(format!("-P {chain} {policy}")),
                None => line.starts_with("-A").then(|| line.clone()),
            },
        )
        .collect();
    let mut listed = String::new();
    for table in ground.tables() {
        listed += &ground.iptables(&["-t", table, "-S"])?;
    }
    same_lines(listed.lines(), &expected)
}

fn iptables_save_says_what_print_said(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    same_lines(rules(&ground.saved()?), &rules(&ground.print()?))
}

fn applying_twice_changes_nothing_but_counters(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    let (rules_before, sets_before) = (ground.saved()?, ground.saved_sets()?);
    ground.apply()?;
    same_lines(rules(&ground.saved()?), &rules(&rules_before))?;
    same_lines(ground.saved_sets()?.lines(), &lines(&sets_before))
}

fn applying_keeps_the_members(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    ground.add("blacklist", source, "")?;
    ground.apply()?;
    ground.expect(&ground.connections(source, 22, 1), BLOCKED)
}

fn foreign_rules_survive(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let foreign: &[&[&str]] = &[
        &[
            "-A", "INPUT", "-p", "tcp", "-m", "tcp", "--dport", "9999", "-j", "ACCEPT",
        ],
        &["-N", "DOCKER-USER"],
        &["-A", "DOCKER-USER", "-j", "RETURN"],
        &["-A", "FORWARD", "-j", "DOCKER-USER"],
    ];
    let redirect: &[&str] = &[
        "-A",
        "PREROUTING",
        "-p",
        "tcp",
        "-m",
        "tcp",
        "--dport",
        "81",
        "-j",
        "REDIRECT",
    ];
    for arguments in foreign {
        ground.iptables(arguments)?;
    }
    ground.iptables(&[&["-t", "nat"], redirect].concat())?;
    let there = |ground: &Ground, when: &str| {
        let listed = [
            ground.iptables(&["-S"])?,
            ground.iptables(&["-t", "nat", "-S"])?,
        ]
        .concat();
        for arguments in foreign.iter().copied().chain([redirect]) {
            let line = arguments.join(" ");
            assert!(
                listed.lines().any(|listed| listed == line),
                "{line:?} is gone {when}:\n{listed}"
            );
        }
        Ok::<_, Failed>(listed)
    };

    for (n, when) in [(1, "after apply"), (2, "after applying again")] {
        ground.apply()?;
        let listed = there(&ground, when)?;
        assert!(
            position(&listed, "-A INPUT -p tcp") < position(&listed, "-A INPUT -j FIREWALL_INPUT"),
            "{listed}"
        );
        // It was there first and goes on working, unlogged as its owner has it.
        let seen = ground.send(&ground.connections(ground.source(n), 9999, 1))?;
        assert_eq!((seen.answers.len(), seen.logged.len()), (1, 0), "{when}");
        ground.expect(&ground.connections(ground.source(n), 22, 1), ALLOWED)?;
        ground.expect(&ground.connections(ground.source(n), 23, 1), BLOCKED)?;
    }

    ground.firewall_apply(&["reset"])?;
    let listed = there(&ground, "after reset")?;
    for ours in ["FIREWALL_INPUT", "LOG_AND_ACCEPT", "LOG_AND_DROP", "DROP"] {
        assert!(
            !listed.contains(ours),
            "{ours} is left after reset:\n{listed}"
        );
    }
    Ok(())
}

fn position(listing: &str, start: &str) -> Option<usize> {
    listing.lines().position(|line| line.starts_with(start))
}

/// What a listing in the form of `iptables-save` says, without comments and counters.
fn rules(save: &str) -> Vec<String> {
    save.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| match line.rsplit_once(" [") {
            Some((line, counters)) if line.starts_with(':') && counters.ends_with(']') => {
                line.to_owned()
            }
            _ => line.to_owned(),
        })
        .collect()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn same_lines<L: AsRef<str>>(
    found: impl IntoIterator<Item = L>,
    expected: &[String],
) -> Result<(), Failed> {
    let found: Vec<String> = found
        .into_iter()
        .map(|line| line.as_ref().to_owned())
        .collect();
    if found == expected {
        return Ok(());
    }
    let only_in = |these: &[String], those: &[String]| {
        these
            .iter()
            .filter(|line| !those.contains(line))
            .cloned()
            .collect::<Vec<_>>()
            .join("\n  ")
    };
    let (missing, added) = (only_in(expected, &found), only_in(&found, expected));
    Err(
        format!("missing:\n  {missing}\nadded:\n  {added}\n(in another order, if both are empty)")
            .into(),
    )
}
