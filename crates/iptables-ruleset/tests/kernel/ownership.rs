//! What is not ours is not touched, and what makes our rules void is said.
#![allow(
    clippy::indexing_slicing,
    reason = "a trial that looks for what is not there has failed"
)]

use iptables_ruleset::{Config, Family, Nftables};
use netns_testbed::{Failed, Tool, Trial, trial};

use crate::fixture::{apply, make_sets, plan, saved, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("rules_and_tables_of_others_stay", others_stay),
        trial(
            "the_jump_keeps_its_place_and_is_there_once",
            the_jump_keeps_its_place,
        ),
        trial(
            "what_somebody_put_into_our_chains_goes",
            our_chains_are_ours,
        ),
        trial("untouched_policies_stay", untouched_policies_stay),
        trial(
            "a_rule_that_accepts_everything_first_is_told",
            bypass_is_told,
        ),
        trial(
            "a_rule_that_accepts_some_packets_first_is_told",
            some_are_let_in_ahead,
        ),
        trial(
            "the_jump_goes_first_where_that_is_wanted",
            the_jump_goes_first,
        ),
        trial("a_dormant_table_is_refused", dormant),
        trial(
            "an_input_chain_that_is_not_iptables_is_refused",
            not_built_in,
        ),
    ]
}

fn others_stay() -> Result<(), Failed> {
    for family in Family::BOTH {
        let iptables = tool(family, "")?;
        let source = match family {
            Family::Ipv4 => "192.0.2.1",
            Family::Ipv6 => "2001:db8::1",
        };
        iptables.run(&["-N", "DOCKER-USER"])?;
        iptables.run(&["-A", "DOCKER-USER", "-s", source, "-j", "RETURN"])?;
        iptables.run(&["-A", "FORWARD", "-j", "DOCKER-USER"])?;
        iptables.run(&[
            "-A",
            "INPUT",
            "-s",
            source,
            "-m",
            "comment",
            "--comment",
            "theirs",
            "-j",
            "ACCEPT",
        ])?;
        iptables.run(&["-A", "OUTPUT", "-d", source, "-j", "DROP"])?;
        iptables.run(&["-t", "nat", "-A", "POSTROUTING", "-j", "MASQUERADE"])?;
        iptables.run(&["-t", "mangle", "-A", "PREROUTING", "-j", "ACCEPT"])?;
    }
    let nft = Tool::require("nft")?;
    nft.run(&["add table inet own { chain c { type filter hook input priority 5; }; }"])?;
    let others =
        |name: &str, family: Family| tool(family, "-save").and_then(|save| save.run(&["-t", name]));
    let rules = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };

    let before: Vec<String> = Family::BOTH
        .into_iter()
        .flat_map(|family| ["nat", "mangle"].map(|name| others(name, family)))
        .collect::<Result<_, _>>()?;
    apply(&Config::default())?;
    let after: Vec<String> = Family::BOTH
        .into_iter()
        .flat_map(|family| ["nat", "mangle"].map(|name| others(name, family)))
        .collect::<Result<_, _>>()?;
    assert_eq!(
        before.iter().map(|text| rules(text)).collect::<Vec<_>>(),
        after.iter().map(|text| rules(text)).collect::<Vec<_>>()
    );
    assert!(nft.run(&["list", "tables"])?.contains("table inet own"));

    for (family, source) in [
        (Family::Ipv4, "192.0.2.1/32"),
        (Family::Ipv6, "2001:db8::1/128"),
    ] {
        let text = saved(family)?;
        for line in [
            format!("-A DOCKER-USER -s {source} -j RETURN"),
            "-A FORWARD -j DOCKER-USER".to_owned(),
            format!(
                "-A INPUT -s {source} -m comment --comment theirs -j ACCEPT\n-A INPUT -j FIREWALL_INPUT"
            ),
            format!("-A OUTPUT -d {source} -j DROP"),
            ":FORWARD DROP [0:0]".to_owned(),
        ] {
            assert!(
                text.contains(&(line.clone() + "\n")),
                "{line} is missing in\n{text}"
            );
        }
    }
    Ok(())
}

fn the_jump_keeps_its_place() -> Result<(), Failed> {
    let config = Config::default();
    apply(&config)?;
    let iptables = tool(Family::Ipv4, "")?;
    iptables.run(&["-A", "INPUT", "-s", "192.0.2.1", "-j", "DROP"])?;
    iptables.run(&["-A", "INPUT", "-j", "FIREWALL_INPUT"])?;
    iptables.run(&["-I", "INPUT", "-i", "eth0", "-j", "FIREWALL_INPUT"])?;
    plan(&config)?.apply(&mut Nftables::connect()?)?;
    let text = saved(Family::Ipv4)?;
    let input: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("-A INPUT"))
        .collect();
    assert_eq!(
        input,
        [
            "-A INPUT -i eth0 -j FIREWALL_INPUT",
            "-A INPUT -j FIREWALL_INPUT",
            "-A INPUT -s 192.0.2.1/32 -j DROP",
        ]
    );
    Ok(())
}

fn our_chains_are_ours() -> Result<(), Failed> {
    let config = Config::default();
    apply(&config)?;
    let before = saved(Family::Ipv6)?;
    let iptables = tool(Family::Ipv6, "")?;
    iptables.run(&["-I", "FIREWALL_INPUT", "-j", "ACCEPT"])?;
    iptables.run(&["-F", "LOG_AND_DROP"])?;
    iptables.run(&["-P", "FORWARD", "ACCEPT"])?;
    assert_ne!(saved(Family::Ipv6)?, before);
    plan(&config)?.apply(&mut Nftables::connect()?)?;
    assert_eq!(saved(Family::Ipv6)?, before);
    Ok(())
}

fn untouched_policies_stay() -> Result<(), Failed> {
    for family in Family::BOTH {
        tool(family, "")?.run(&["-P", "FORWARD", "DROP"])?;
        tool(family, "")?.run(&["-P", "OUTPUT", "DROP"])?;
    }
    apply(&Config::parse(
        "[policy]\nforward = \"untouched\"\noutput = \"untouched\"\n",
    )?)?;
    for family in Family::BOTH {
        let text = saved(family)?;
        assert!(
            text.contains(":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n"),
            "{text}"
        );
    }
    Ok(())
}

fn bypass_is_told() -> Result<(), Failed> {
    let config = Config::default();
    make_sets(&config)?;
    let apply = || -> Result<Vec<String>, Failed> {
        let applied = plan(&config)?.apply(&mut Nftables::connect()?)?;
        Ok(applied
            .bypassed
            .iter()
            .map(|bypass| format!("{} {} {}", bypass.family, bypass.position, bypass.verdict))
            .collect())
    };
    let iptables = tool(Family::Ipv4, "")?;
    iptables.run(&["-A", "INPUT", "-i", "lo", "-j", "ACCEPT"])?;
    iptables.run(&[
        "-A",
        "INPUT",
        "-m",
        "conntrack",
        "--ctstate",
        "NEW",
        "-j",
        "ACCEPT",
    ])?;
    iptables.run(&["-A", "INPUT", "-j", "LOG"])?;
    iptables.run(&["-N", "EMPTY"])?;
    iptables.run(&["-A", "EMPTY", "-j", "RETURN"])?;
    iptables.run(&["-A", "EMPTY", "-j", "ACCEPT"])?;
    iptables.run(&["-A", "INPUT", "-j", "EMPTY"])?;
    assert_eq!(
        apply()?,
        [""; 0],
        "conditions, logging and a chain that returns let our jump be reached"
    );

    // Behind our jump it does no harm.
    iptables.run(&["-A", "INPUT", "-j", "ACCEPT"])?;
    assert_eq!(apply()?, [""; 0]);

    for (verdict, shown) in [
        ("ACCEPT", "ACCEPT"),
        ("DROP", "DROP"),
        ("REJECT", "REJECT"),
        ("RETURN", "RETURN"),
        ("NFQUEUE", "NFQUEUE"),
    ] {
        iptables.run(&[
            "-I",
            "INPUT",
            "2",
            "-m",
            "comment",
            "--comment",
            "open for now",
            "-j",
            verdict,
        ])?;
        assert_eq!(apply()?, [format!("IPv4 2 {shown}")]);
        iptables.run(&["-D", "INPUT", "2"])?;
    }
    // iptables loads the interface for "+" and compares it with nothing.
    iptables.run(&["-I", "INPUT", "-i", "+", "-j", "ACCEPT"])?;
    assert_eq!(apply()?, ["IPv4 1 ACCEPT"]);
    iptables.run(&["-D", "INPUT", "1"])?;
    iptables.run(&["-N", "INNER"])?;
    iptables.run(&["-A", "INNER", "-j", "ACCEPT"])?;
    iptables.run(&["-N", "OUTER"])?;
    iptables.run(&["-A", "OUTER", "-s", "192.0.2.1", "-j", "RETURN"])?;
    iptables.run(&["-A", "OUTER", "-j", "INNER"])?;
    iptables.run(&["-I", "INPUT", "-j", "OUTER"])?;
    assert_eq!(apply()?, ["IPv4 1 ACCEPT in chain INNER"]);
    iptables.run(&["-R", "INPUT", "1", "-g", "EMPTY"])?;
    assert_eq!(apply()?, ["IPv4 1 GOTO EMPTY"]);
    assert!(
        saved(Family::Ipv4)?.contains("-A INPUT -j FIREWALL_INPUT\n"),
        "put in all the same"
    );
    Ok(())
}

fn some_are_let_in_ahead() -> Result<(), Failed> {
    let config = Config::default();
    make_sets(&config)?;
    let apply = || -> Result<Vec<String>, Failed> {
        let applied = plan(&config)?.apply(&mut Nftables::connect()?)?;
        assert_eq!(applied.bypassed, []);
        let told = |ahead: &iptables_ruleset::Ahead| {
            format!(
                "{} {} {}: {}",
                ahead.family, ahead.position, ahead.verdict, ahead.condition
            )
        };
        Ok(applied.ahead.iter().map(told).collect())
    };
    let run =
        |family, line: &str| tool(family, "")?.run(&line.split_whitespace().collect::<Vec<_>>());
    // What a cloud's image brings along.
    for line in [
        "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT",
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT",
        "-A INPUT -s 192.0.2.0/25 -p udp -m multiport --dports 53,100:200 -m comment --comment x -j ACCEPT",
        "-A INPUT ! -i eth+ -p tcp --dport 1000:2000 -m limit --limit 1/s -j ACCEPT",
        "-A INPUT -p tcp --dport 25 -j DROP",
        "-N THEIRS",
        "-A THEIRS -s 198.51.100.7 -j ACCEPT",
        "-A THEIRS -j RETURN",
        "-A THEIRS -p icmp -j ACCEPT",
        "-A INPUT -i eth1 -j THEIRS",
    ] {
        run(Family::Ipv4, line)?;
    }
    run(
        Family::Ipv6,
        "-A INPUT -s 2001:db8::/32 -d 2001:db8::1 -j ACCEPT",
    )?;
    let expected = [
        "IPv4 3 ACCEPT: -p tcp -m conntrack --ctstate NEW --dport 22",
        "IPv4 4 ACCEPT: -p udp -s 192.0.2.0/25 -m multiport --dports 53,100:200",
        "IPv4 5 ACCEPT: ! -i eth+ -p tcp --dport 1000:2000 -m limit",
        "IPv4 7 ACCEPT in chain THEIRS: -i eth1 -s 198.51.100.7/32",
        "IPv6 1 ACCEPT: -s 2001:db8::/32 -d 2001:db8::1/128",
    ];
    let sorted = |told: Vec<String>| {
        let words = |text: &String| {
            let mut words: Vec<_> = text.split(' ').map(str::to_owned).collect();
            words.sort_unstable();
            words.join(" ")
        };
        told.iter().map(words).collect::<Vec<_>>()
    };
    let expected = expected.map(str::to_owned).to_vec();
    assert_eq!(sorted(apply()?), sorted(expected.clone()));
    assert_eq!(sorted(apply()?), sorted(expected), "also when it is up");

    // What only nft can say.
    let nft = Tool::require("nft")?;
    nft.run(&["insert rule ip6 filter INPUT tcp dport { 22, 80 } accept"])?;
    nft.run(&["insert rule ip6 filter INPUT tcp dport vmap { 25 : accept }"])?;
    nft.run(&["insert rule ip6 filter INPUT ct state established,related accept"])?;
    let told = apply()?;
    let of_v6: Vec<_> = told
        .iter()
        .filter(|text| text.starts_with("IPv6"))
        .collect();
    assert_eq!(of_v6.len(), 3, "{told:#?}");
    assert!(
        of_v6[0].ends_with("-p tcp a part that cannot be read"),
        "{told:#?}"
    );
    assert!(
        of_v6[0].contains("a verdict that cannot be read"),
        "{told:#?}"
    );
    Ok(())
}

fn the_jump_goes_first() -> Result<(), Failed> {
    let input = |family| -> Result<Vec<String>, Failed> {
        let text = saved(family)?;
        let rules = text.lines().filter(|line| line.starts_with("-A INPUT"));
        Ok(rules.map(str::to_owned).collect())
    };
    let config = Config::parse("[policy]\nposition = \"first\"\n")?;
    make_sets(&config)?;
    for family in Family::BOTH {
        tool(family, "")?.run(&["-A", "INPUT", "-p", "tcp", "--dport", "22", "-j", "ACCEPT"])?;
    }
    let theirs = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT";
    let ours = "-A INPUT -j FIREWALL_INPUT";
    let kernel = &mut Nftables::connect()?;
    let applied = plan(&config)?.apply(kernel)?;
    assert_eq!((applied.bypassed, applied.ahead), (vec![], vec![]));
    for family in Family::BOTH {
        assert_eq!(input(family)?, [ours, theirs]);
    }
    // Somebody goes before it again, and it is there twice.
    let iptables = tool(Family::Ipv4, "")?;
    iptables.run(&["-I", "INPUT", "-p", "tcp", "--dport", "22", "-j", "ACCEPT"])?;
    iptables.run(&["-A", "INPUT", "-j", "FIREWALL_INPUT"])?;
    assert_eq!(input(Family::Ipv4)?, [theirs, ours, theirs, ours]);
    plan(&config)?.apply(kernel)?;
    assert_eq!(input(Family::Ipv4)?, [ours, theirs, theirs]);
    plan(&config)?.apply(kernel)?;
    assert_eq!(input(Family::Ipv4)?, [ours, theirs, theirs]);
    Ok(())
}

fn dormant() -> Result<(), Failed> {
    let nft = Tool::require("nft")?;
    nft.run(&["add table ip filter { flags dormant; }"])?;
    let config = Config::default();
    make_sets(&config)?;
    let error = plan(&config)?.apply(&mut Nftables::connect()?).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("table ip filter: it is dormant"),
        "{error}"
    );
    assert!(
        !nft.run(&["list", "ruleset"])?.contains("ip6"),
        "nothing half done"
    );
    Ok(())
}

fn not_built_in() -> Result<(), Failed> {
    let config = Config::default();
    make_sets(&config)?;
    let nft = Tool::require("nft")?;
    let apply = |ruleset: &str| -> Result<String, Failed> {
        nft.run(&["flush ruleset"])?;
        nft.run(&[ruleset])?;
        Ok(plan(&config)?
            .apply(&mut Nftables::connect()?)
            .unwrap_err()
            .to_string())
    };
    assert_eq!(
        apply("add table ip6 filter { chain INPUT { }; }")?,
        "table ip6 filter: chain INPUT has no hook, so no packet ever gets to it; it is not iptables' chain"
    );
    assert_eq!(
        apply("add table ip filter { chain INPUT { type filter hook input priority 10; }; }")?,
        "table ip filter: chain INPUT has type filter, hook 1 and priority 10 instead of iptables' type filter, hook 1 and priority 0"
    );
    assert_eq!(
        apply(
            "add table ip filter { chain LOG_AND_DROP { type filter hook input priority 1; }; }"
        )?,
        "table ip filter: chain LOG_AND_DROP has a hook of its own; a firewall chain must not"
    );
    Ok(())
}
