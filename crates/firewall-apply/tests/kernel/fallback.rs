//! A host that comes up is not left open, whatever is wrong.

use netns_testbed::{Failed, Trial, trial};

use crate::host::{FAMILIES, Scratch, all_rules, all_sets, firewall_apply, rules, tool};
use crate::machine::Machine;
use crate::saved::start_anew;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "what_went_in_last_comes_back_where_the_wanted_cannot_be_read",
            what_went_in_last_comes_back_where_the_wanted_cannot_be_read,
        ),
        trial(
            "a_floor_stands_where_a_set_cannot_be_used",
            a_floor_stands_where_a_set_cannot_be_used,
        ),
        trial(
            "a_host_that_never_had_a_firewall_gets_none_unless_it_boots",
            a_host_that_never_had_a_firewall_gets_none_unless_it_boots,
        ),
        trial(
            "a_firewall_that_stands_is_left_alone",
            a_firewall_that_stands_is_left_alone,
        ),
        trial(
            "at_boot_the_status_says_whether_anything_is_in",
            at_boot_the_status_says_whether_anything_is_in,
        ),
        trial(
            "an_empty_configuration_is_no_configuration",
            an_empty_configuration_is_no_configuration,
        ),
        trial("the_unit_saves_after_all", the_unit_saves_after_all),
    ]
}

const SERVICE: &str = "[[service]]\nname = \"ssh\"\nprotocol = \"tcp\"\nports = [2222]\n";

fn what_went_in_last_comes_back_where_the_wanted_cannot_be_read() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(SERVICE, &[])?.exits(0)?;
    let (wanted_rules, wanted_sets) = (all_rules()?, all_sets()?);
    for slip in ["[log]\nblocked-levle = 4\n", "[log\n", "# nothing\n", ""] {
        start_anew()?;
        let run = machine.apply(slip, &[])?.exits(1)?;
        assert!(run.stderr.contains("firewall.toml:"), "the slip: {run:?}");
        assert!(
            run.stderr
                .contains("in instead is the configuration that went in at 20"),
            "{run:?}"
        );
        assert_eq!(run.json()?["applied"], "last");
        assert_eq!(all_rules()?, wanted_rules);
        assert_eq!(all_sets()?, wanted_sets);
    }
    // It is still the one to fall back on.
    let last = std::fs::read_to_string(machine.scratch.path("firewall.last.toml"))?;
    assert!(last.contains("2222"), "{last}");
    Ok(())
}

fn a_floor_stands_where_a_set_cannot_be_used() -> Result<(), Failed> {
    let machine = Machine::new()?;
    let config = format!("{SERVICE}[sets.members]\nwhitelist = [\"192.0.2.4\", \"2001:db8::4\"]\n");
    machine.apply(&config, &[])?.exits(0)?;
    start_anew()?;
    tool("ipset create blacklist hash:ip,port timeout 0")?;
    tool("ipset add blacklist 192.0.2.9,80")?;
    let run = machine.apply(&config, &[])?.exits(1)?;
    assert!(run.stderr.contains("ipset destroy blacklist"), "{run:?}");
    assert!(
        run.stderr.contains("in instead is a floor") && run.stderr.contains("the whitelist"),
        "{run:?}"
    );
    assert_eq!(run.json()?["applied"], "floor");
    for ((tool, _), suffix) in FAMILIES.into_iter().zip(["", "_v6"]) {
        let rules = rules(tool)?;
        for part in [
            ":INPUT DROP",
            "-A INPUT -j FIREWALL_INPUT",
            "-A FIREWALL_INPUT -i lo -j ACCEPT",
            "--ctstate RELATED,ESTABLISHED -j ACCEPT",
            &format!("--match-set whitelist{suffix} src -j LOG_AND_ACCEPT"),
            "--dport 2222 ",
        ] {
            assert!(rules.contains(part), "{part}: {rules}");
        }
        assert_eq!(rules.contains("--match-set blacklist"), suffix == "_v6");
    }
    let sets = all_sets()?;
    for member in ["whitelist 192.0.2.4 ", "whitelist_v6 2001:db8::4 "] {
        assert!(sets.contains(&format!("add {member}")), "{sets}");
    }
    // What was in the way is gone: the next run is as it should be.
    tool("iptables -D FIREWALL_INPUT 1")?;
    tool("ipset destroy blacklist")?;
    machine.apply(&config, &[])?.exits(0)?;
    assert!(all_rules()?.contains("--match-set blacklist src"));
    Ok(())
}

fn a_host_that_never_had_a_firewall_gets_none_unless_it_boots() -> Result<(), Failed> {
    let machine = Machine::new()?;
    let slip = "[log\n";
    machine.apply(slip, &[])?.exits(2)?;
    assert_eq!(all_sets()?, "");
    assert!(!all_rules()?.contains("FIREWALL_INPUT"));
    let run = machine.apply(slip, &["--boot"])?.exits(1)?;
    assert_eq!(run.json()?["applied"], "floor");
    let rules = all_rules()?;
    assert_eq!(rules.matches("--dport 22 ").count(), 2, "{rules}");
    assert_eq!(rules.matches(":INPUT DROP").count(), 2, "{rules}");
    Ok(())
}

fn a_firewall_that_stands_is_left_alone() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(SERVICE, &[])?.exits(0)?;
    // One family is enough.
    for line in ["ip6tables -P INPUT ACCEPT", "ip6tables -F", "ip6tables -X"] {
        tool(line)?;
    }
    let (rules, sets) = (all_rules()?, all_sets()?);
    machine.apply("[log\n", &[])?.exits(2)?;
    machine.apply("[log\n", &["--boot"])?.exits(1)?;
    assert_eq!(all_rules()?, rules);
    assert_eq!(all_sets()?, sets);
    Ok(())
}

fn at_boot_the_status_says_whether_anything_is_in() -> Result<(), Failed> {
    let machine = Machine::new()?;
    // Nothing can go into a table that is asleep.
    tool("nft add table ip filter { flags dormant; }")?;
    machine.apply(SERVICE, &[])?.exits(1)?;
    let run = machine.apply(SERVICE, &["--boot"])?.exits(2)?;
    assert!(run.stderr.contains("not even a floor goes in"), "{run:?}");
    assert_eq!(run.json()?["applied"], serde_json::Value::Null);
    assert_eq!(all_sets()?, "");
    Ok(())
}

fn an_empty_configuration_is_no_configuration() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    for (name, content) in [("a", ""), ("b", "\n# [log]\n")] {
        let config = scratch.file(name, content)?;
        let apply = &["apply", "--last", "/dev/null"][..];
        for command in [apply, &["check"], &["print"], &["reset"]] {
            let run = firewall_apply(&[&["--config", &config], command].concat())?.exits(2)?;
            let said = format!("{config}: nothing stands in it");
            assert!(run.stderr.contains(&said), "{command:?}: {run:?}");
        }
    }
    assert_eq!(all_sets()?, "");
    Ok(())
}

/// A unit that has failed is not stopped, so that its `save` would never run.
fn the_unit_saves_after_all() -> Result<(), Failed> {
    let unit = include_str!("../../../../packaging/systemd/rampart-firewall.service");
    for line in [
        "ExecStart=/usr/sbin/firewall-apply apply --boot",
        "SuccessExitStatus=1",
        "ExecStop=/usr/sbin/firewall-apply save",
    ] {
        if !unit.lines().any(|other| other == line) {
            return Err(format!("{line} is missing").into());
        }
    }
    Ok(())
}
