//! `diff`: what the kernel has otherwise than the configuration says.

use netns_testbed::{Failed, Trial, trial};
use serde_json::json;

use crate::host::{DEFAULTS, FAMILIES, Run, Scratch, apply, firewall_apply, rules, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "without_a_firewall_all_of_it_is_missing",
            all_of_it_is_missing,
        ),
        trial("after_apply_nothing_differs", after_apply_nothing_differs),
        trial(
            "a_rule_changed_by_hand_is_named_in_its_place",
            a_rule_changed_by_hand,
        ),
        trial(
            "rules_in_another_order_differ_as_little_as_can_be",
            another_order,
        ),
        trial("policies_and_jumps_are_compared", policies_and_jumps),
        trial(
            "a_jump_that_is_not_the_first_is_told_where_it_shall_be",
            jump_that_shall_be_first,
        ),
        trial(
            "whatever_a_file_can_say_is_the_same_after_apply",
            whatever_a_file_can_say,
        ),
        trial(
            "a_jump_in_a_chain_of_others_is_compared",
            a_jump_in_a_chain_of_others,
        ),
        trial(
            "a_chain_that_is_not_wanted_any_more_differs",
            a_chain_that_is_not_wanted_any_more,
        ),
        trial("sets_are_compared", sets_are_compared),
        trial("whatever_is_not_ours_does_not_differ", not_ours),
        trial("what_cannot_be_read_is_no_difference", cannot_be_read),
    ]
}

fn diff() -> Result<Run, Failed> {
    firewall_apply(&["--config", DEFAULTS, "diff"])
}

fn diff_json() -> Result<Run, Failed> {
    firewall_apply(&["--config", DEFAULTS, "--json", "diff"])
}

/// The heading of a family in the text.
fn heading(tool: &str) -> &'static str {
    match tool {
        "iptables" => "# IPv4\n",
        _ => "# IPv6\n",
    }
}

fn all_of_it_is_missing() -> Result<(), Failed> {
    let run = diff()?.exits(1)?;
    assert_eq!(run.stderr, "");
    let mut said: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let printed = firewall_apply(&["--config", DEFAULTS, "print"])?
        .exits(0)?
        .stdout;
    let sets = firewall_apply(&["--config", DEFAULTS, "print", "--format", "ipset-save"])?
        .exits(0)?
        .stdout;
    let line =
        |line: &str| line.starts_with('-') || line.starts_with(':') || line.starts_with("create");
    // The policy of OUTPUT stands in the text whether or not it is one that is set.
    let mut wanted: Vec<String> = printed
        .lines()
        .chain(sets.lines())
        .filter(|text| line(text))
        .map(|line| format!("+{line}"))
        .collect();
    said.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(said, wanted);
    Ok(())
}

fn after_apply_nothing_differs() -> Result<(), Failed> {
    apply()?.exits(0)?;
    let run = diff()?.exits(0)?;
    assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
    let run = diff_json()?.exits(0)?.json()?;
    assert_eq!(run["families"], json!([]));
    assert_eq!(run["sets"], json!([]));
    assert_eq!(run["exit_status"], 0);
    // Members are nobody's difference.
    tool("ipset add blacklist 192.0.2.1")?;
    diff()?.exits(0)?;
    Ok(())
}

fn a_rule_changed_by_hand() -> Result<(), Failed> {
    apply()?.exits(0)?;
    tool("ipset create office hash:ip")?;
    tool("ipset create office_v6 hash:ip family inet6")?;
    for (name, family) in FAMILIES {
        let (tag, source, set) = match name {
            "iptables" => ("IPTABLES", "192.0.2.1/32", "office"),
            _ => ("IP6TABLES", "2001:db8::1/128", "office_v6"),
        };
        let blocked = format!("-A LOG_AND_DROP -j LOG --log-prefix \"{tag}-BLOCKED: \"");
        let changed =
            format!("-A FIREWALL_INPUT -s {source} -m set --match-set {set} src -j ACCEPT");
        for (by_hand, expected, number) in [
            // Gone.
            (
                "-D LOG_AND_DROP 1".to_owned(),
                format!("+{blocked}\n -A LOG_AND_DROP -j DROP\n"),
                1,
            ),
            // There besides.
            (
                changed.replace("-A FIREWALL_INPUT", "-I FIREWALL_INPUT 2"),
                format!(
                    " -A FIREWALL_INPUT -i lo -j ACCEPT\n-{changed}\n -A FIREWALL_INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
                ),
                2,
            ),
            // Another.
            (
                "-R LOG_AND_DROP 2 -j ACCEPT".to_owned(),
                format!(" {blocked}\n--A LOG_AND_DROP -j ACCEPT\n+-A LOG_AND_DROP -j DROP\n"),
                2,
            ),
        ] {
            tool(&format!("{name} {by_hand}"))?;
            let run = diff()?.exits(1)?;
            assert_eq!(
                run.stdout,
                format!("{}{expected}", heading(name)),
                "{by_hand}"
            );
            let run = diff_json()?.exits(1)?.json()?;
            let families = run["families"].as_array().ok_or("no families")?;
            assert_eq!(families.len(), 1, "{run:#}");
            assert_eq!(families[0]["family"], family);
            let line = &families[0]["lines"][0];
            assert_eq!(line["number"], number, "{run:#}");
            let side = if expected.starts_with('+') {
                "wanted"
            } else {
                "kernel"
            };
            assert_eq!(line["side"], side, "{run:#}");
            // Who has it says so too.
            let there = rules(name)?.contains(line["line"].as_str().ok_or("no line")?);
            assert_eq!(there, side == "kernel", "{run:#}");
            apply()?.exits(0)?;
            diff()?.exits(0)?;
        }
    }
    Ok(())
}

fn another_order() -> Result<(), Failed> {
    apply()?.exits(0)?;
    for (name, _) in FAMILIES {
        tool(&format!("{name} -D FIREWALL_INPUT -i lo -j ACCEPT"))?;
        tool(&format!("{name} -A FIREWALL_INPUT -i lo -j ACCEPT"))?;
        let run = diff()?.exits(1)?;
        let differs = |line: &&str| line.starts_with(['-', '+']);
        let lines: Vec<&str> = run.stdout.lines().filter(differs).collect();
        let loopback = "-A FIREWALL_INPUT -i lo -j ACCEPT";
        assert_eq!(lines, [format!("+{loopback}"), format!("-{loopback}")]);
        assert!(run.stdout.contains("\n...\n"), "{}", run.stdout);
        apply()?.exits(0)?;
    }
    Ok(())
}

fn policies_and_jumps() -> Result<(), Failed> {
    apply()?.exits(0)?;
    for (name, _) in FAMILIES {
        tool(&format!("{name} -P INPUT ACCEPT"))?;
        tool(&format!("{name} -D INPUT -j FIREWALL_INPUT"))?;
        tool(&format!("{name} -A INPUT -p udp -j FIREWALL_INPUT"))?;
        let run = diff()?.exits(1)?;
        let text = "-:INPUT ACCEPT [0:0]\n+:INPUT DROP [0:0]\n+-A INPUT -j FIREWALL_INPUT\n";
        assert_eq!(run.stdout, format!("{}{text}", heading(name)));
        apply()?.exits(0)?;
        // Twice is once too often.
        tool(&format!("{name} -A INPUT -j FIREWALL_INPUT"))?;
        let run = diff()?.exits(1)?;
        assert_eq!(
            run.stdout,
            format!("{}--A INPUT -j FIREWALL_INPUT\n", heading(name))
        );
        apply()?.exits(0)?;
        diff()?.exits(0)?;
    }
    Ok(())
}

fn jump_that_shall_be_first() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", "[policy]\nposition = \"first\"\n")?;
    let run = |arguments: &[&str]| firewall_apply(&[&["--config", &config], arguments].concat());
    let apply = ["apply", "--saved", "/dev/null"];
    run(&apply)?.exits(0)?;
    for (name, _) in FAMILIES {
        tool(&format!("{name} -I INPUT -p tcp --dport 8080 -j DROP"))?;
        let jump = "-A INPUT -j FIREWALL_INPUT\n";
        let said = run(&["diff"])?.exits(1)?.stdout;
        assert_eq!(said, format!("{}+{jump}-{jump}", heading(name)));
        run(&apply)?.exits(0)?;
        run(&["diff"])?.exits(0)?;
    }
    Ok(())
}

fn a_jump_in_a_chain_of_others() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", PROTECT)?;
    let run = |arguments: &[&str]| firewall_apply(&[&["--config", &config], arguments].concat());
    let apply = ["apply", "--saved", "/dev/null"];
    run(&apply)?.exits(0)?;
    assert_eq!(run(&["diff"])?.exits(0)?.stdout, "");
    assert_eq!(
        run(&["print", "--family", "inet"])?.exits(0)?.stdout,
        rules("iptables")?
    );
    for (name, _) in FAMILIES {
        let jump = "-j FIREWALL_FORWARD_BANS\n";
        // Somebody leads there, so that one is enough.
        tool(&format!("{name} -I FORWARD -j DOCKER-USER"))?;
        let said = run(&["diff"])?.exits(1)?.stdout;
        assert_eq!(said, format!("{}--A FORWARD {jump}", heading(name)));
        run(&apply)?.exits(0)?;
        assert_eq!(run(&["diff"])?.exits(0)?.stdout, "");
        // Somebody goes before it, as it were in INPUT.
        tool(&format!("{name} -I DOCKER-USER -p udp -j RETURN"))?;
        let said = run(&["diff"])?.exits(1)?.stdout;
        let jump = format!("-A DOCKER-USER {jump}");
        assert_eq!(said, format!("{}+{jump}-{jump}", heading(name)));
        let told = run(&["status", "--last", "/dev/null"])?.exits(1)?;
        assert!(
            told.stderr
                .contains("DOCKER-USER does not jump to FIREWALL_FORWARD_BANS first"),
            "{told:?}"
        );
        run(&apply)?.exits(0)?;
        let said = run(&["--json", "status", "--last", "/dev/null"])?.exits(0)?;
        let jumps = said.json()?;
        let jumps = jumps["families"][usize::from(name != "iptables")]["jumps"].clone();
        let expected = json!({
            "from": "DOCKER-USER", "to": "FIREWALL_FORWARD_BANS", "position": 1, "others_before": 0
        });
        assert_eq!(jumps[1], expected, "{jumps:#}");
    }
    Ok(())
}

fn a_chain_that_is_not_wanted_any_more() -> Result<(), Failed> {
    apply()?.exits(0)?;
    let before = [rules("iptables")?, rules("ip6tables")?];
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", PROTECT)?;
    firewall_apply(&["--config", &config, "apply", "--saved", "/dev/null"])?.exits(0)?;
    let run = diff()?.exits(1)?;
    for (name, _) in FAMILIES {
        let v6 = if name == "iptables" { "" } else { "_v6" };
        let lines = format!(
            "{}-:FIREWALL_FORWARD_BANS - [0:0]\n--A DOCKER-USER -j FIREWALL_FORWARD_BANS\n--A FORWARD -j FIREWALL_FORWARD_BANS\n\
             --A FIREWALL_FORWARD_BANS -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN\n\
             --A FIREWALL_FORWARD_BANS -m set --match-set whitelist{v6} src -j RETURN\n\
             --A FIREWALL_FORWARD_BANS -m set --match-set blacklist{v6} src -j LOG_AND_DROP\n",
            heading(name)
        );
        assert!(run.stdout.contains(&lines), "{lines}{}", run.stdout);
    }
    // One of that name that somebody else made stays.
    tool("iptables -N FIREWALL_OUTPUT")?;
    tool("iptables -A FIREWALL_OUTPUT -j RETURN")?;
    apply()?.exits(0)?;
    diff()?.exits(0)?;
    assert!(rules("iptables")?.contains("-A FIREWALL_OUTPUT -j RETURN\n"));
    tool("iptables -F FIREWALL_OUTPUT")?;
    tool("iptables -X FIREWALL_OUTPUT")?;
    assert_eq!([rules("iptables")?, rules("ip6tables")?], before);
    Ok(())
}

/// Bans hold for what is passed on.
const PROTECT: &str = "[forward]\nprotect = true\n";

fn whatever_a_file_can_say() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", EVERYTHING)?;
    let run = |arguments: &[&str]| firewall_apply(&[&["--config", &config], arguments].concat());
    let apply = ["apply", "--saved", "/dev/null"];
    run(&apply)?.exits(0)?;
    assert_eq!(run(&["diff"])?.exits(0)?.stdout, "");
    let again = run(&apply)?.exits(0)?;
    assert!(
        again.stdout.contains("rules             unchanged\n"),
        "{again:?}"
    );
    Ok(())
}

/// A configuration that uses everything a file can say.
const EVERYTHING: &str =
    include_str!("../../../iptables-ruleset/tests/cases/30-everything/firewall.toml");

fn sets_are_compared() -> Result<(), Failed> {
    tool("ipset create blacklist hash:ip maxelem 1000 timeout 0 comment")?;
    tool("ipset create whitelist_v6 hash:net family inet6")?;
    let run = diff()?.exits(1)?;
    for (kernel, wanted) in [
        (
            Some("create blacklist hash:ip family inet maxelem 1000 timeout 0 comment"),
            "create blacklist hash:net family inet maxelem 1048576 timeout 0 comment",
        ),
        (
            Some("create whitelist_v6 hash:net family inet6 maxelem 65536"),
            "create whitelist_v6 hash:net family inet6 maxelem 1048576 timeout 0 comment",
        ),
        (
            None,
            "create throttle-hard hash:net family inet maxelem 1048576 timeout 0 comment",
        ),
    ] {
        let kernel = kernel.map_or(String::new(), |kernel| format!("-{kernel}\n"));
        let text = format!("{kernel}+{wanted}\n");
        assert!(run.stdout.contains(&text), "{text}{run:?}");
    }
    let document = diff_json()?.exits(1)?.json()?;
    assert_eq!(
        document["sets"].as_array().map(Vec::len),
        Some(8),
        "{document:#}"
    );
    assert_eq!(document["sets"][0]["kernel"], json!(null), "{document:#}");
    Ok(())
}

fn not_ours() -> Result<(), Failed> {
    apply()?.exits(0)?;
    tool("iptables -N OTHERS")?;
    tool("iptables -A INPUT -p tcp --dport 8080 -j OTHERS")?;
    tool("iptables -P OUTPUT ACCEPT")?;
    tool("iptables -t nat -A POSTROUTING -j MASQUERADE")?;
    tool("ipset create others hash:ip")?;
    let run = diff()?.exits(0)?;
    assert_eq!(run.stdout, "");
    Ok(())
}

fn cannot_be_read() -> Result<(), Failed> {
    let run = firewall_apply(&["--config", "/nonexistent", "diff"])?.exits(2)?;
    assert_eq!(run.stdout, "");
    Ok(())
}
