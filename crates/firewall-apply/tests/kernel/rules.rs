//! Rules: both families at once or not at all, and nobody else's touched.

use std::process::{Command, Stdio};

use netns_testbed::{Failed, Tool, Trial, trial};

use crate::host::{
    DEFAULTS, FAMILIES, Scratch, all_rules, all_sets, apply, firewall_apply, rules, tool,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "the_stock_tools_list_what_print_says",
            the_stock_tools_list_what_print_says,
        ),
        trial(
            "the_stock_tools_accept_what_print_says",
            the_stock_tools_accept_what_print_says,
        ),
        trial(
            "applying_again_changes_nothing",
            applying_again_changes_nothing,
        ),
        trial(
            "a_changed_configuration_replaces_the_chains",
            a_changed_configuration_replaces_the_chains,
        ),
        trial(
            "reset_leaves_what_others_put_there",
            reset_leaves_what_others_put_there,
        ),
        trial("reset_can_be_repeated", reset_can_be_repeated),
        trial(
            "a_refused_apply_leaves_everything_as_it_was",
            a_refused_apply_leaves_everything_as_it_was,
        ),
        trial(
            "a_rule_that_accepts_everything_before_ours_is_told",
            a_rule_that_accepts_everything_before_ours_is_told,
        ),
        trial(
            "an_untouched_policy_is_left_alone",
            an_untouched_policy_is_left_alone,
        ),
        trial(
            "a_host_that_may_send_again_is_not_muted",
            a_host_that_may_send_again_is_not_muted,
        ),
        trial(
            "many_at_once_do_not_get_into_each_others_way",
            many_at_once_do_not_get_into_each_others_way,
        ),
    ]
}

fn the_stock_tools_list_what_print_says() -> Result<(), Failed> {
    apply()?.exits(0)?;
    for (tool_name, family) in FAMILIES {
        let printed =
            firewall_apply(&["--config", DEFAULTS, "print", "--family", family])?.exits(0)?;
        assert_eq!(rules(tool_name)?, printed.stdout);
        let mut listed: Vec<_> = tool(&format!("{tool_name} -S"))?
            .lines()
            .map(str::to_owned)
            .collect();
        let mut appended: Vec<_> = printed
            .stdout
            .lines()
            .filter(|line| line.starts_with('-'))
            .collect();
        listed.retain(|line| line.starts_with("-A"));
        listed.sort_unstable();
        appended.sort_unstable();
        assert_eq!(listed, appended);
    }
    let both = firewall_apply(&["--config", DEFAULTS, "print"])?.exits(0)?;
    let (ip, ip6) = (rules("iptables")?, rules("ip6tables")?);
    assert_eq!(both.stdout, format!("# IPv4\n{ip}# IPv6\n{ip6}"));
    Ok(())
}

fn the_stock_tools_accept_what_print_says() -> Result<(), Failed> {
    let print = |arguments: &[&str]| {
        let all = [&["--config", DEFAULTS, "print"], arguments].concat();
        Ok::<_, Failed>(firewall_apply(&all)?.exits(0)?.stdout)
    };
    Tool::require("ipset")?
        .input(print(&["--format", "ipset-save"])?)
        .run(&["restore"])?;
    for (tool_name, family) in FAMILIES {
        Tool::require(&format!("{tool_name}-restore"))?
            .input(print(&["--family", family])?)
            .run(&[])?;
    }
    let (theirs, their_sets) = (all_rules()?, all_sets()?);
    apply()?.exits(0)?;
    assert_eq!(all_rules()?, theirs);
    assert_eq!(all_sets()?, their_sets);
    Ok(())
}

fn applying_again_changes_nothing() -> Result<(), Failed> {
    for (tool_name, _) in FAMILIES {
        tool(&format!("{tool_name} -A INPUT -p tcp --dport 8080 -j DROP"))?;
    }
    let first = apply()?.exits(0)?;
    assert!(first.stdout.contains("created"), "{first:?}");
    for (tool_name, _) in FAMILIES {
        tool(&format!("{tool_name} -A INPUT -p tcp --dport 8081 -j DROP"))?;
        let input: Vec<_> = rules(tool_name)?
            .lines()
            .filter_map(|line| line.strip_prefix("-A INPUT ").map(str::to_owned))
            .collect();
        assert_eq!(input.len(), 3, "{input:#?}");
        assert_eq!(input[1], "-j FIREWALL_INPUT");
    }
    tool("ipset add blacklist 192.0.2.1")?;
    let (before, sets) = (all_rules()?, all_sets()?);
    let second = apply()?.exits(0)?;
    assert_eq!(all_rules()?, before);
    assert_eq!(all_sets()?, sets);
    assert!(!second.stdout.contains("created"), "{second:?}");
    Ok(())
}

fn a_changed_configuration_replaces_the_chains() -> Result<(), Failed> {
    apply()?.exits(0)?;
    let scratch = Scratch::new()?;
    let config = scratch.file(
        "firewall.toml",
        "[[service]]\nname = \"dns\"\nprotocol = \"udp\"\nports = [53]\n",
    )?;
    firewall_apply(&["--config", &config, "apply", "--saved", "/dev/null"])?.exits(0)?;
    for (tool_name, family) in FAMILIES {
        let printed =
            firewall_apply(&["--config", &config, "print", "--family", family])?.exits(0)?;
        assert!(printed.stdout.contains("--dport 53"), "{printed:?}");
        assert!(!printed.stdout.contains("--dport 22"), "{printed:?}");
        assert_eq!(rules(tool_name)?, printed.stdout);
    }
    Ok(())
}

fn reset_leaves_what_others_put_there() -> Result<(), Failed> {
    for (tool_name, _) in FAMILIES {
        tool(&format!("{tool_name} -N OTHERS"))?;
        tool(&format!("{tool_name} -A OTHERS -p udp -j RETURN"))?;
        tool(&format!("{tool_name} -A INPUT -p tcp --dport 8080 -j DROP"))?;
        tool(&format!("{tool_name} -A FORWARD -j OTHERS"))?;
    }
    let others = all_rules()?;
    apply()?.exits(0)?;
    assert_ne!(all_rules()?, others);
    let sets = all_sets()?;
    firewall_apply(&["--config", DEFAULTS, "reset"])?.exits(0)?;
    assert_eq!(all_rules()?, others);
    assert_eq!(all_sets()?, sets);

    apply()?.exits(0)?;
    let run = firewall_apply(&["--config", DEFAULTS, "--json", "reset", "--sets"])?.exits(0)?;
    assert_eq!(run.json()?["sets"][0]["outcome"], "destroyed", "{run:?}");
    assert_eq!(all_rules()?, others);
    assert_eq!(all_sets()?, "");
    Ok(())
}

fn reset_can_be_repeated() -> Result<(), Failed> {
    for arguments in [&["reset"][..], &["reset", "--sets"]] {
        let all = [&["--config", DEFAULTS], arguments].concat();
        firewall_apply(&all)?.exits(0)?;
    }
    apply()?.exits(0)?;
    for _ in 0..2 {
        firewall_apply(&["--config", DEFAULTS, "reset", "--sets"])?.exits(0)?;
    }
    assert_eq!(all_sets()?, "");
    assert!(!all_rules()?.contains("FIREWALL_INPUT"));
    Ok(())
}

fn a_refused_apply_leaves_everything_as_it_was() -> Result<(), Failed> {
    // A base chain of a name of ours: no rule can jump to it, and it is not ours to remove.
    tool("nft add table ip6 filter")?;
    Tool::require("nft")?
        .run(&["add chain ip6 filter LOG_AND_DROP { type filter hook input priority 5; }"])?;
    tool("iptables -A INPUT -p tcp --dport 8080 -j DROP")?;
    let before = tool("nft list ruleset")?;
    let run = apply()?.exits(1)?;
    assert!(run.stderr.contains("LOG_AND_DROP"), "{run:?}");
    assert_eq!(tool("nft list ruleset")?, before);
    assert_eq!(all_sets()?, "", "the sets of the failed run are gone");

    let run = firewall_apply(&["--config", DEFAULTS, "--json"])?.exits(1)?;
    let document = run.json()?;
    assert_eq!(document["exit_status"], 1);
    assert_eq!(document["families"], serde_json::json!([]));
    assert_eq!(
        document["errors"].as_array().map(Vec::len),
        Some(1),
        "{document:#}"
    );
    Ok(())
}

fn a_rule_that_accepts_everything_before_ours_is_told() -> Result<(), Failed> {
    tool("ip6tables -A INPUT -j ACCEPT")?;
    let run = apply()?.exits(1)?;
    assert!(
        run.stderr.contains("IPv6") && run.stderr.contains("ACCEPT"),
        "{run:?}"
    );
    assert!(!run.stderr.contains("IPv4"), "{run:?}");
    assert!(
        rules("ip6tables")?.contains("-A INPUT -j FIREWALL_INPUT"),
        "put in all the same"
    );
    Ok(())
}

fn an_untouched_policy_is_left_alone() -> Result<(), Failed> {
    tool("iptables -P FORWARD DROP")?;
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", "[policy]\nforward = \"untouched\"\n")?;
    firewall_apply(&["--config", &config, "apply", "--saved", "/dev/null"])?.exits(0)?;
    assert!(rules("iptables")?.contains(":FORWARD DROP"));
    assert!(rules("ip6tables")?.contains(":FORWARD ACCEPT"));
    firewall_apply(&["--config", &config, "reset"])?.exits(0)?;
    assert!(rules("iptables")?.contains(":FORWARD DROP"));
    assert!(rules("iptables")?.contains(":INPUT ACCEPT"));
    Ok(())
}

fn a_host_that_may_send_again_is_not_muted() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let apply = |config: &str| -> Result<(), Failed> {
        let config = scratch.file("firewall.toml", config)?;
        firewall_apply(&["--config", &config, "apply", "--saved", "/dev/null"])?.exits(0)?;
        firewall_apply(&["--config", &config, "diff"])?.exits(0)?;
        Ok(())
    };
    let closed = "[policy]\noutput = \"drop\"\n[[output.service]]\nuse = \"dns\"\n";
    let untouched = "[policy]\noutput = \"untouched\"\n";
    for (tool_name, _) in FAMILIES {
        tool(&format!("{tool_name} -P OUTPUT DROP"))?;
    }
    apply(untouched)?;
    assert!(
        rules("iptables")?.contains(":OUTPUT DROP"),
        "somebody else's"
    );
    apply(closed)?;
    for (tool_name, _) in FAMILIES {
        let saved = rules(tool_name)?;
        assert!(
            saved.contains("-A FIREWALL_OUTPUT -j LOG_AND_DROP_OUT\n"),
            "{saved}"
        );
    }
    // Ours by what is in it where a saved ruleset went through the stock tools.
    for (tool_name, _) in FAMILIES {
        let saved = rules(tool_name)?;
        Tool::require(&format!("{tool_name}-restore"))?
            .input(saved)
            .run(&[])?;
    }
    let config = scratch.file("firewall.toml", untouched)?;
    let run = firewall_apply(&["--config", &config, "diff"])?.exits(1)?;
    assert!(
        run.stdout
            .contains("-:OUTPUT DROP [0:0]\n+:OUTPUT ACCEPT [0:0]\n"),
        "{run:?}"
    );
    apply(untouched)?;
    for (tool_name, _) in FAMILIES {
        let saved = rules(tool_name)?;
        assert!(saved.contains(":OUTPUT ACCEPT"), "{saved}");
        assert!(!saved.contains("_OUT"), "{saved}");
    }
    apply(closed)?;
    firewall_apply(&["--config", DEFAULTS, "reset"])?.exits(0)?;
    for (tool_name, _) in FAMILIES {
        let saved = rules(tool_name)?;
        assert!(
            saved.contains(":OUTPUT ACCEPT") && !saved.contains("_OUT"),
            "{saved}"
        );
    }
    Ok(())
}

fn many_at_once_do_not_get_into_each_others_way() -> Result<(), Failed> {
    let arguments = ["--config", DEFAULTS, "apply", "--saved", "/dev/null"];
    let running = (0..8)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_firewall-apply"))
                .args(arguments)
                .stdout(Stdio::null())
                .spawn()
        })
        .collect::<Result<Vec<_>, _>>()?;
    for mut child in running {
        assert!(child.wait()?.success());
    }
    for (tool_name, family) in FAMILIES {
        let printed =
            firewall_apply(&["--config", DEFAULTS, "print", "--family", family])?.exits(0)?;
        assert_eq!(rules(tool_name)?, printed.stdout);
    }
    Ok(())
}
