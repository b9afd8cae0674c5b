//! Chains of others that have names of ours.

use netns_testbed::{Failed, Tool, Trial, trial};

use crate::host::{
    DEFAULTS, FAMILIES, Scratch, all_rules, all_sets, apply, firewall_apply, rules, tool,
};
use crate::machine::Machine;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_chain_of_others_is_not_taken_over", not_taken_over),
        trial(
            "at_boot_a_floor_stands_beside_a_chain_of_others",
            at_boot_a_floor_stands_beside_it,
        ),
        trial(
            "at_boot_a_firewall_that_stands_stays_beside_a_chain_of_others",
            at_boot_what_stands_stays,
        ),
        trial("an_empty_chain_is_taken", an_empty_chain_is_taken),
        trial(
            "our_chains_are_ours_whatever_was_done_to_them_by_hand",
            changed_by_hand,
        ),
        trial(
            "our_chains_are_ours_without_the_mark",
            ours_without_the_mark,
        ),
    ]
}

fn not_taken_over() -> Result<(), Failed> {
    for (name, family) in FAMILIES {
        for rule in [
            "LOG_AND_DROP -j LOG --log-prefix DROPPED",
            "FIREWALL_INPUT -p tcp -j ACCEPT",
            "FIREWALL_CROWDED -j RETURN",
        ] {
            let chain = rule.split(' ').next().ok_or("no chain")?;
            tool(&format!("{name} -N {chain}"))?;
            tool(&format!("{name} -A {rule}"))?;
            let (before, sets) = (tool("nft -a list ruleset")?, all_sets()?);
            for arguments in [&["apply", "--saved", "/dev/null"][..], &["reset"]] {
                let all = [&["--config", DEFAULTS], arguments].concat();
                let run = firewall_apply(&all)?.exits(2)?;
                assert!(
                    run.stderr.contains(chain) && run.stderr.contains("--adopt"),
                    "{run:?}"
                );
                assert_eq!(run.stdout, "");
                assert_eq!(tool("nft -a list ruleset")?, before);
                assert_eq!(all_sets()?, sets);
            }
            let adopt = [
                "--config",
                DEFAULTS,
                "apply",
                "--saved",
                "/dev/null",
                "--adopt",
            ];
            firewall_apply(&adopt)?.exits(0)?;
            let printed =
                firewall_apply(&["--config", DEFAULTS, "print", "--family", family])?.exits(0)?;
            assert_eq!(rules(name)?, printed.stdout);
            apply()?.exits(0)?;
            firewall_apply(&["--config", DEFAULTS, "reset", "--sets"])?.exits(0)?;
        }
    }
    tool("iptables -N LOG_AND_DROP")?;
    tool("iptables -A LOG_AND_DROP -j RETURN")?;
    firewall_apply(&["--config", DEFAULTS, "reset", "--adopt"])?.exits(0)?;
    assert!(!all_rules()?.contains("LOG_AND_DROP"));
    Ok(())
}

/// What is built in, in words: a file in which nothing stands is refused.
const SERVICES: &str = "[policy]\ninput = \"drop\"\n";

/// A host that comes up with a chain of others: they keep it, and it is not open.
fn at_boot_a_floor_stands_beside_it() -> Result<(), Failed> {
    let listed = |family: &str, chain: &str| {
        let family = if family == "inet" { "ip" } else { "ip6" };
        tool(&format!("nft -a list chain {family} filter {chain}"))
    };
    for (name, family) in FAMILIES {
        for (chain, renamed) in [("LOG_AND_DROP", "THEIRS"), ("FIREWALL_INPUT", "OTHERS")] {
            let machine = Machine::new()?;
            tool(&format!("{name} -N {chain}"))?;
            tool(&format!("{name} -A {chain} -p udp -j ACCEPT"))?;
            tool(&format!("{name} -A OUTPUT -j {chain}"))?;
            let theirs = listed(family, chain)?;
            let stays = || -> Result<(), Failed> {
                assert_eq!(listed(family, chain)?, theirs);
                Ok(())
            };
            let mut floor = String::new();
            for _ in 0..2 {
                let run = machine.apply(SERVICES, &["--boot"])?.exits(1)?;
                for part in [chain, "--adopt", "iptables -E", "in instead is a floor"] {
                    assert!(run.stderr.contains(part), "{part}: {run:?}");
                }
                assert_eq!(run.json()?["applied"], "floor");
                stays()?;
                floor = all_rules()?;
                for line in [
                    ":INPUT DROP",
                    ":FORWARD DROP",
                    "-A INPUT -j FIREWALL_FLOOR\n",
                    "--dport 22 ",
                    "--match-set whitelist",
                    "-A FIREWALL_FLOOR -j DROP\n",
                ] {
                    assert!(floor.matches(line).count() >= 2, "{line}: {floor}");
                }
            }
            let run = firewall_apply(&["--config", DEFAULTS, "status"])?.exits(1)?;
            assert!(
                run.stderr.contains("only a floor stands") && run.stderr.contains(chain),
                "{run:?}"
            );
            // Whoever sits there decides.
            machine.apply(SERVICES, &[])?.exits(2)?;
            assert_eq!(all_rules()?, floor);
            stays()?;
            machine
                .apply(SERVICES, &["--adopt", "--confirm-within", "1h"])?
                .exits(0)?;
            assert!(!all_rules()?.contains("FLOOR"));
            machine.say("rollback")?.exits(0)?;
            assert_eq!(all_rules()?, floor);
            tool(&format!("{name} -E {chain} {renamed}"))?;
            machine.apply(SERVICES, &[])?.exits(0)?;
            let rules = all_rules()?;
            assert!(!rules.contains("FLOOR"), "{rules}");
            assert!(rules.contains(&format!("-A {renamed} -p udp -j ACCEPT\n")));
            // And out again, floor or not.
            machine.apply("[log\n", &["--boot"])?.exits(1)?;
            firewall_apply(&["--config", DEFAULTS, "reset", "--sets"])?.exits(0)?;
            tool(&format!("{name} -E {renamed} {chain}"))?;
            machine.apply(SERVICES, &["--boot"])?.exits(1)?;
            tool(&format!("{name} -F {chain}"))?;
            tool(&format!("{name} -F OUTPUT"))?;
            firewall_apply(&["--config", DEFAULTS, "reset", "--sets"])?.exits(0)?;
            let rules = all_rules()?;
            assert!(
                !rules.contains("FIREWALL") && !rules.contains("DROP"),
                "{rules}"
            );
        }
    }
    Ok(())
}

fn at_boot_what_stands_stays() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(SERVICES, &[])?.exits(0)?;
    for line in [
        "ip6tables -P INPUT ACCEPT",
        "ip6tables -F",
        "ip6tables -X",
        "ip6tables -N LOG_AND_DROP",
        "ip6tables -A LOG_AND_DROP -j RETURN",
    ] {
        tool(line)?;
    }
    let rules = all_rules()?;
    let run = machine.apply(SERVICES, &["--boot"])?.exits(1)?;
    assert!(run.stderr.contains("IPv6 chain LOG_AND_DROP"), "{run:?}");
    assert_eq!(all_rules()?, rules);
    Ok(())
}

fn an_empty_chain_is_taken() -> Result<(), Failed> {
    for (name, _) in FAMILIES {
        tool(&format!("{name} -N LOG_AND_DROP"))?;
        tool(&format!("{name} -N FIREWALL_INPUT"))?;
    }
    apply()?.exits(0)?;
    Ok(())
}

/// Nothing is left in it but the last rule, which says nothing by itself.
fn changed_by_hand() -> Result<(), Failed> {
    apply()?.exits(0)?;
    let wanted = all_rules()?;
    for (name, _) in FAMILIES {
        for by_hand in [
            "-D LOG_AND_DROP 1",
            "-I LOG_AND_DROP -p tcp -j ACCEPT",
            "-D FIREWALL_INPUT -i lo -j ACCEPT",
            "-I FIREWALL_INPUT -p udp -j ACCEPT",
        ] {
            tool(&format!("{name} {by_hand}"))?;
        }
    }
    apply()?.exits(0)?;
    assert_eq!(all_rules()?, wanted);
    Ok(())
}

/// As after an upgrade from a version that made none, or when iptables-persistent put them back.
fn ours_without_the_mark() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let nflog = scratch.file("nflog.toml", "[log]\ntarget = \"NFLOG\"\ninvalid = false\n")?;
    for config in [DEFAULTS, &nflog] {
        firewall_apply(&["--config", config, "apply", "--saved", "/dev/null"])?.exits(0)?;
        for (name, _) in FAMILIES {
            let saved = tool(&format!("{name}-save -t filter"))?;
            Tool::require(&format!("{name}-restore"))?
                .input(saved)
                .run(&[])?;
            for by_hand in [
                "-I FIREWALL_INPUT -p udp -j ACCEPT",
                "-A LOG_AND_DROP -j ACCEPT",
            ] {
                tool(&format!("{name} {by_hand}"))?;
            }
        }
        let other = scratch.file("other.toml", "service = []\n")?;
        firewall_apply(&["--config", &other, "apply", "--saved", "/dev/null"])?.exits(0)?;
    }
    Ok(())
}
