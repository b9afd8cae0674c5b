//! What stands beside the firewall is told.

use netns_testbed::{Failed, Tool, Trial, skip, trial};

use crate::host::{
    DEFAULTS, FAMILIES, Run, Scratch, apply, apply_json, firewall_apply, text, tool,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_door_before_the_firewall_is_told",
            a_door_before_the_firewall_is_told,
        ),
        trial("a_table_that_drops_is_told", a_table_that_drops_is_told),
        trial("legacy_tables_are_told", legacy_tables_are_told),
        trial("published_ports_are_told", published_ports_are_told),
        trial(
            "rules_of_others_in_our_chains_are_told_when_they_go",
            rules_of_others_in_our_chains_are_told_when_they_go,
        ),
    ]
}

/// The warnings of a run that put everything in.
fn warnings(run: &Run) -> Vec<&str> {
    run.stderr
        .lines()
        .filter_map(|line| line.strip_prefix("warning: "))
        .collect()
}

fn a_door_before_the_firewall_is_told() -> Result<(), Failed> {
    for (tool_name, _) in FAMILIES {
        tool(&format!("{tool_name} -A INPUT -i lo -j ACCEPT"))?;
        tool(&format!(
            "{tool_name} -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
        ))?;
        tool(&format!("{tool_name} -A INPUT -p tcp --dport 22 -j ACCEPT"))?;
    }
    let run = apply()?.exits(0)?;
    let warnings_of_run = warnings(&run);
    assert_eq!(warnings_of_run.len(), 2, "{run:?}");
    for (warning, (family, tool)) in warnings_of_run
        .iter()
        .zip([("IPv4", "iptables"), ("IPv6", "ip6tables")])
    {
        let start = format!(
            "rule 3 of the {family} chain INPUT does ACCEPT with \"-p tcp --dport 22\" before the firewall sees it: "
        );
        assert!(warning.starts_with(&start), "{warning}");
        assert!(
            warning.contains(&format!("`{tool} -D INPUT 3`")),
            "{warning}"
        );
    }
    let run = apply_json()?.exits(0)?;
    assert_eq!(run.json()?["warnings"].as_array().map(Vec::len), Some(2));

    let scratch = Scratch::new()?;
    let first = scratch.file("firewall.toml", "[policy]\nposition = \"first\"\n")?;
    let run = firewall_apply(&["--config", &first, "apply", "--saved", "/dev/null"])?.exits(0)?;
    assert_eq!(warnings(&run), [""; 0]);
    let rules = tool("iptables -S INPUT")?;
    assert_eq!(
        rules.lines().nth(1),
        Some("-A INPUT -j FIREWALL_INPUT"),
        "{rules}"
    );
    // Void altogether is an error.
    tool("iptables -I INPUT -j ACCEPT")?;
    apply()?.exits(1)?;
    Ok(())
}

fn a_table_that_drops_is_told() -> Result<(), Failed> {
    let nft = Tool::require("nft")?;
    nft.run(&["add table inet theirs { chain in { type filter hook input priority 5; policy drop; tcp dport 22 accept; }; }"])?;
    nft.run(&["add table ip quiet { chain in { type filter hook input priority 6; tcp dport 22 accept; }; }"])?;
    nft.run(&["add table ip6 bans { chain some { drop; }; chain in { type filter hook prerouting priority -300; ip6 saddr 2001:db8::1 jump some; }; }"])?;
    tool("iptables -t mangle -A INPUT -p udp -j DROP")?;
    let run = apply()?.exits(0)?;
    let told = warnings(&run);
    for part in [
        "table inet theirs decides about packets to this host too (chain in, hook input, priority 5): its policy is DROP.",
        "table ip6 bans decides about packets to this host too (chain in, hook prerouting, priority -300): 1 rule drops packets.",
        "table ip mangle decides about packets to this host too (chain INPUT, hook input, priority -150): 1 rule drops packets.",
    ] {
        assert!(
            told.iter().any(|line| line.starts_with(part)),
            "{part}: {told:#?}"
        );
    }
    assert_eq!(told.len(), 3, "{told:#?}");
    Ok(())
}

fn legacy_tables_are_told() -> Result<(), Failed> {
    let legacy = Tool::require("iptables-legacy")?;
    if legacy
        .run(&["-A", "INPUT", "-p", "tcp", "-j", "DROP"])
        .is_err()
    {
        return Err(skip("this kernel has no iptables-legacy"));
    }
    let run = apply()?.exits(0)?;
    let told = warnings(&run);
    assert!(
        told.iter()
            .any(|line| line.starts_with("iptables-legacy has tables of its own (filter)")),
        "{told:#?}"
    );
    Ok(())
}

fn published_ports_are_told() -> Result<(), Failed> {
    for line in [
        "iptables -t nat -N DOCKER",
        "iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        "iptables -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
        "iptables -t nat -A DOCKER ! -i docker0 -p udp -m udp --dport 5000:5010 -j DNAT --to-destination 172.17.0.3",
        "iptables -t nat -A OUTPUT -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
        "iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8000",
    ] {
        tool(line)?;
    }
    let run = apply()?.exits(0)?;
    let told = warnings(&run);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told.concat()
            .contains("ports they publish: tcp 8080, udp 5000:5010. "),
        "{told:#?}"
    );
    Ok(())
}

fn rules_of_others_in_our_chains_are_told_when_they_go() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let saved = text(&scratch.path("sets.save"));
    let run = || firewall_apply(&["--config", DEFAULTS, "apply", "--saved", &saved])?.exits(0);
    assert_eq!(warnings(&run()?), [""; 0]);
    assert_eq!(warnings(&run()?), [""; 0]);
    tool("iptables -I FIREWALL_INPUT 3 -s 192.0.2.7 -p tcp --dport 8080 -j ACCEPT")?;
    tool("ip6tables -A LOG_AND_DROP -j RETURN")?;
    let second = run()?;
    let told = warnings(&second);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told.concat().contains(
            "1 rule that somebody put into the IPv4 chain FIREWALL_INPUT: gone, -p tcp -s 192.0.2.7/32 --dport 8080 -j ACCEPT. "
        ),
        "{told:#?}"
    );
    assert!(
        told.concat()
            .contains("IPv6 chain LOG_AND_DROP: gone, -j RETURN. "),
        "{told:#?}"
    );
    assert_eq!(warnings(&run()?), [""; 0]);
    Ok(())
}
