//! What is there already is left alone, with its counters and limits.

use std::net::UdpSocket;

use iptables_ruleset::{Kernel as _, Nftables};
use netns_testbed::{Failed, Tool, Trial, trial};

use crate::host::{FAMILIES, all_rules, apply, apply_json, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("what_is_there_is_left_alone", what_is_there_is_left_alone),
        trial(
            "what_iptables_put_there_is_left_alone_too",
            what_iptables_put_there_is_left_alone_too,
        ),
        trial(
            "whatever_was_changed_by_hand_is_put_right",
            whatever_was_changed_by_hand_is_put_right,
        ),
    ]
}

/// All rules with their counters and the kernel's numbers for them, which a rule has for as long as
/// it exists.
fn rules_themselves() -> Result<String, Failed> {
    Tool::require("nft")?.run(&["-a", "list", "ruleset"])
}

fn generation() -> Result<u32, Failed> {
    Ok(Nftables::connect()?.snapshot()?.generation())
}

fn what_is_there_is_left_alone() -> Result<(), Failed> {
    tool("ip link set lo up")?;
    let first = apply_json()?.exits(0)?.json()?;
    assert_eq!(first["rules"], "put-in", "{first:#}");
    for own in ["127.0.0.1:0", "[::1]:0"] {
        let socket = UdpSocket::bind(own)?;
        socket.send_to(b"counted", socket.local_addr()?)?;
        let mut buffer = [0; 16];
        assert_eq!(socket.recv(&mut buffer)?, 7);
    }
    for (tool_name, _) in FAMILIES {
        let counted = tool(&format!("{tool_name}-save -c -t filter"))?;
        let loopback = "] -A FIREWALL_INPUT -i lo -j ACCEPT";
        let line = counted
            .lines()
            .find(|line| line.ends_with(loopback))
            .ok_or("no rule")?;
        assert!(!line.starts_with("[0:"), "{line}");
    }
    let (rules, before) = (rules_themselves()?, generation()?);

    let second = apply_json()?.exits(0)?.json()?;
    assert_eq!(second["rules"], "unchanged", "{second:#}");
    assert_eq!(second["applied"], "configuration", "{second:#}");
    let third = apply()?.exits(0)?;
    assert!(
        third.stdout.contains("rules             unchanged\n"),
        "{third:?}"
    );
    assert_eq!(rules_themselves()?, rules);
    assert_eq!(generation()?, before, "something was sent");
    Ok(())
}

/// Whoever wrote them: the rules are what counts.
fn what_iptables_put_there_is_left_alone_too() -> Result<(), Failed> {
    apply()?.exits(0)?;
    for (tool_name, _) in FAMILIES {
        let saved = tool(&format!("{tool_name}-save -t filter"))?;
        Tool::require(&format!("{tool_name}-restore"))?
            .input(saved)
            .run(&[])?;
    }
    let rules = rules_themselves()?;
    let run = apply_json()?.exits(0)?.json()?;
    assert_eq!(run["rules"], "unchanged", "{run:#}");
    assert_eq!(rules_themselves()?, rules);
    Ok(())
}

fn whatever_was_changed_by_hand_is_put_right() -> Result<(), Failed> {
    apply()?.exits(0)?;
    let wanted = all_rules()?;
    for (tool_name, _) in FAMILIES {
        for by_hand in [
            "-D LOG_AND_DROP 1",
            "-A LOG_AND_DROP -j ACCEPT",
            "-R LOG_AND_DROP 2 -j ACCEPT",
            "-I FIREWALL_INPUT 2 -j ACCEPT",
            "-F FIREWALL_CROWDED",
            "-P INPUT ACCEPT",
            "-P FORWARD ACCEPT",
            "-D INPUT -j FIREWALL_INPUT",
            "-A INPUT -j FIREWALL_INPUT",
        ] {
            tool(&format!("{tool_name} {by_hand}"))?;
            assert_ne!(all_rules()?, wanted, "{by_hand}");
            let run = apply_json()?.exits(0)?.json()?;
            assert_eq!(run["rules"], "put-in", "{tool_name} {by_hand}");
            assert_eq!(all_rules()?, wanted, "{tool_name} {by_hand}");
        }
        tool(&format!(
            "{tool_name} -R LOG_AND_DROP 1 -j LOG --log-prefix x --log-level 4"
        ))?;
        assert_eq!(apply_json()?.exits(0)?.json()?["rules"], "put-in");
    }
    Ok(())
}
