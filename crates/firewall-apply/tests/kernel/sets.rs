//! Sets: those that are there stay, those that cannot be used stop the run before anything is
//! changed.

use std::process;
use std::thread::sleep;
use std::time::Duration;

use netfilter_host::turn::Turn;
use netns_testbed::{Failed, Trial, trial};

use crate::host::{
    DEFAULTS, Scratch, all_rules, all_sets, apply, apply_json, apply_json_of, firewall_apply, tool,
};
use crate::machine::{BEFORE, LONG, Machine};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "eight_sets_are_created_as_configured",
            eight_sets_are_created_as_configured,
        ),
        trial(
            "a_set_that_cannot_be_used_stops_everything",
            a_set_that_cannot_be_used_stops_everything,
        ),
        trial(
            "a_set_that_differs_is_replaced_with_its_members",
            a_set_that_differs_is_replaced,
        ),
        trial(
            "a_set_that_rules_use_is_replaced_by_one_of_its_type",
            a_set_that_rules_use_is_replaced,
        ),
        trial(
            "a_set_that_was_replaced_comes_back_where_the_rules_do_not_go_in",
            a_set_that_was_replaced_comes_back,
        ),
        trial(
            "a_set_without_comments_that_rules_use_gets_them",
            a_set_without_comments_gets_them,
        ),
        trial(
            "a_set_whose_members_do_not_fit_is_kept",
            a_set_whose_members_do_not_fit_is_kept,
        ),
        trial(
            "a_set_without_timeouts_that_rules_use_gets_them",
            a_set_without_timeouts_that_rules_use_gets_them,
        ),
        trial(
            "a_firewall_that_is_up_stays_up",
            a_firewall_that_is_up_stays_up,
        ),
        trial(
            "a_set_that_packets_filled_goes_with_its_rule",
            a_set_that_packets_filled_goes,
        ),
        trial(
            "a_run_waits_while_another_is_at_work",
            a_run_waits_while_another_is_at_work,
        ),
    ]
}

/// Unless a rule of somebody else looks into it, or it is another set than we make.
fn a_set_that_packets_filled_goes() -> Result<(), Failed> {
    const INSTANT: &str = "[[instant]]\nname = \"scan\"\ntype = \"tcp\"\nhowmany = 9\nwithin = \"1m\"\nremoveafter = \"1h\"\n";
    let machine = Machine::new()?;
    let instants = || -> Result<Vec<String>, Failed> {
        let sets = tool("ipset list -n")?;
        let sets = sets.lines().filter(|name| name.contains("-instant"));
        Ok(sets.map(str::to_owned).collect())
    };
    let both = ["blacklist-instant", "blacklist-instant_v6"];
    machine.apply(INSTANT, &[])?.exits(0)?;
    assert_eq!(instants()?, both);
    tool("ipset add blacklist-instant 192.0.2.9 timeout 600")?;
    let said = machine.apply(BEFORE, &[])?.exits(0)?.json()?;
    assert_eq!(instants()?, [""; 0]);
    let destroyed = said["sets"].as_array().into_iter().flatten();
    let destroyed = destroyed.filter(|set| set["outcome"] == "destroyed");
    assert_eq!(destroyed.map(|set| &set["name"]).collect::<Vec<_>>(), both);

    // Without a confirmation the rules that look into it come back.
    machine.apply(INSTANT, &[])?.exits(0)?;
    machine
        .apply(BEFORE, &["--confirm-within", LONG])?
        .exits(0)?;
    assert_eq!(instants()?, both);
    machine.say("rollback")?.exits(0)?;
    machine.apply(INSTANT, &[])?.exits(0)?;

    tool("iptables -A OUTPUT -m set --match-set blacklist-instant dst -j DROP")?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    assert_eq!(instants()?, ["blacklist-instant"]);
    machine.apply(BEFORE, &[])?.exits(0)?;
    assert_eq!(instants()?, ["blacklist-instant"]);
    tool("ipset create throttle-hard-instant hash:ip timeout 60")?;
    tool("iptables -F OUTPUT")?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    assert_eq!(instants()?, ["throttle-hard-instant"]);
    Ok(())
}

/// Whichever program the other is: all take the same turn.
fn a_run_waits_while_another_is_at_work() -> Result<(), Failed> {
    let turn = Turn::take()?;
    let waiting = || {
        process::Command::new(env!("CARGO_BIN_EXE_firewall-apply"))
            .args(["--config", DEFAULTS, "apply", "--saved", "/dev/null"])
            .stdout(process::Stdio::null())
            .spawn()
    };
    let mut runs = [waiting()?, waiting()?];
    sleep(Duration::from_millis(300));
    for run in &mut runs {
        assert_eq!(run.try_wait()?, None);
    }
    assert_eq!(all_sets()?, "");
    assert!(!all_rules()?.contains("FIREWALL_INPUT"));
    drop(turn);
    for run in &mut runs {
        assert!(run.wait()?.success());
    }
    assert_eq!(all_sets()?.lines().count(), 8);
    Ok(())
}

fn eight_sets_are_created_as_configured() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let config = scratch.file(
        "firewall.toml",
        "[sets]\ntype = \"hash:ip\"\nmaxelem = 1000\n",
    )?;
    let run = apply_json_of(&config)?.exits(0)?;
    let saved = all_sets()?;
    let lines: Vec<_> = saved.lines().collect();
    assert_eq!(lines.len(), 8, "{saved}");
    for base in ["whitelist", "blacklist", "throttle-soft", "throttle-hard"] {
        for (name, family) in [(base.to_owned(), "inet"), (format!("{base}_v6"), "inet6")] {
            let line = format!(
                "create {name} hash:ip family {family} hashsize 1024 maxelem 1000 timeout 0 comment"
            );
            assert!(lines.contains(&line.as_str()), "{line:?} is not in {saved}");
        }
    }
    let document = run.json()?;
    let sets = document["sets"].as_array().ok_or("no sets")?;
    assert!(
        sets.iter()
            .all(|set| set["outcome"] == "created" && set["type"] == "hash:ip"),
        "{document:#}"
    );
    assert_eq!(sets.len(), 8);
    Ok(())
}

fn a_set_that_cannot_be_used_stops_everything() -> Result<(), Failed> {
    tool("iptables -A INPUT -p tcp --dport 8080 -j DROP")?;
    tool("ip6tables -A INPUT -p tcp --dport 8080 -j DROP")?;
    tool("ipset create others hash:ip")?;
    let before = all_rules()?;
    for (create, member, why) in [
        (
            "blacklist_v6 hash:ip timeout 0",
            "192.0.2.1",
            "its family is inet, and inet6 is needed",
        ),
        (
            "blacklist hash:ip,port timeout 0",
            "192.0.2.1,80",
            "its type is hash:ip,port",
        ),
        (
            "blacklist list:set timeout 0",
            "others",
            "its type is list:set",
        ),
    ] {
        let name = create.split_once(' ').ok_or("no name")?.0;
        tool(&format!("ipset create {create}"))?;
        tool(&format!("ipset add {name} {member}"))?;
        let sets = all_sets()?;
        let run = apply()?.exits(1)?;
        assert!(run.stderr.contains(why), "{why}: {run:?}");
        assert!(
            run.stderr.contains(&format!("ipset destroy {name}")),
            "the cure: {run:?}"
        );
        assert_eq!(all_rules()?, before);
        assert_eq!(all_sets()?, sets);
        tool(&format!("ipset destroy {name}"))?;
    }
    apply()?.exits(0)?;
    Ok(())
}

fn a_set_that_differs_is_replaced() -> Result<(), Failed> {
    tool("ipset create blacklist hash:ip timeout 600 maxelem 1000 comment")?;
    tool("ipset add blacklist 192.0.2.1 timeout 0 comment kept")?;
    tool("ipset create whitelist_v6 hash:net family inet6")?;
    tool("ipset add whitelist_v6 2001:db8::/32")?;
    let run = apply_json()?.exits(0)?;
    // What the configuration says nothing about stays.
    assert!(run.stderr.contains("default timeout of 600"), "{run:?}");
    let saved = all_sets()?;
    for line in [
        "create blacklist hash:net family inet hashsize 1024 maxelem 1048576 timeout 600 comment",
        "add blacklist 192.0.2.1 timeout 0 comment \"kept\"",
        "create whitelist_v6 hash:net family inet6 hashsize 1024 maxelem 1048576 timeout 0 comment",
        "add whitelist_v6 2001:db8::/32 timeout 0",
    ] {
        assert!(saved.lines().any(|saved| saved == line), "{line}: {saved}");
    }
    assert_eq!(saved.matches("create").count(), 8, "{saved}");
    let document = run.json()?;
    let sets = document["sets"].as_array().ok_or("no sets")?;
    let replaced = |set: &&serde_json::Value| set["outcome"] == "replaced" && set["kept"] == 1;
    assert_eq!(sets.iter().filter(replaced).count(), 2, "{document:#}");
    assert_eq!(
        firewall_apply(&["--config", DEFAULTS, "diff"])?
            .exits(0)?
            .stdout,
        ""
    );
    Ok(())
}

/// The kernel exchanges sets of one type under the rules that use them, and no others.
fn a_set_that_rules_use_is_replaced() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let small = scratch.file("small.toml", "[sets]\nmaxelem = 1000\n")?;
    let large = scratch.file("large.toml", "[sets]\nmaxelem = 2000\n")?;
    let other = scratch.file("other.toml", "[sets]\ntype = \"hash:ip\"\nmaxelem = 2000\n")?;
    let apply = |config: &str| {
        let arguments = ["--config", config, "apply", "--saved", "/dev/null"];
        firewall_apply(&arguments)?.exits(0)
    };
    apply(&small)?;
    tool("ipset add blacklist 192.0.2.1 timeout 3600")?;
    tool("ipset add blacklist 198.51.100.0/24 nomatch")?;
    let rules = all_rules()?;
    let run = apply(&large)?;
    assert_eq!(run.stderr, "");
    assert!(
        run.stdout
            .contains("made anew, hash:net, with its 2 members"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("rules             unchanged"),
        "{run:?}"
    );
    let sets = all_sets()?;
    assert_eq!(sets.matches("maxelem 2000").count(), 8, "{sets}");
    assert!(sets.contains("add blacklist 192.0.2.1 timeout 3"), "{sets}");
    assert!(
        sets.contains("add blacklist 198.51.100.0/24 timeout 0 nomatch"),
        "{sets}"
    );
    assert_eq!(all_rules()?, rules);
    // Still the set that the rules look into.
    let header = tool("ipset list -t blacklist")?;
    assert!(header.contains("\nReferences: 1\n"), "{header}");

    let run = apply(&other)?;
    assert!(
        run.stderr
            .contains("under them the kernel exchanges only sets of the same type"),
        "{run:?}"
    );
    assert_eq!(all_sets()?.matches("hash:ip").count(), 0);
    firewall_apply(&["--config", &other, "diff"])?.exits(1)?;
    Ok(())
}

/// All or nothing, sets included.
fn a_set_that_was_replaced_comes_back() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let small = scratch.file("small.toml", "[sets]\nmaxelem = 1000\n")?;
    let other = scratch.file("other.toml", "[sets]\ntype = \"hash:ip\"\nmaxelem = 2000\n")?;
    let apply =
        |config: &str| firewall_apply(&["--config", config, "apply", "--saved", "/dev/null"]);
    for set in ["blacklist", "throttle-hard"] {
        tool(&format!(
            "ipset create {set} hash:net timeout 0 maxelem 100"
        ))?;
        tool(&format!("ipset add {set} 192.0.2.1"))?;
        tool(&format!("ipset add {set} 192.0.2.2 timeout 100000"))?;
    }
    tool("iptables -A INPUT -m set --match-set throttle-hard src -j DROP")?;
    let before = all_sets()?.replace("timeout 99999", "timeout 100000");
    // Nothing can go into a table that is asleep.
    tool("nft add table ip filter { flags dormant; }")?;
    for config in [&small, &other] {
        let run = apply(config)?.exits(1)?;
        assert!(
            !run.stderr.contains("stays as the configuration"),
            "{run:?}"
        );
        let mut after = all_sets()?;
        for seconds in 99900..100_000 {
            after = after.replace(&format!("timeout {seconds}"), "timeout 100000");
        }
        assert_eq!(after, before);
    }
    tool("nft add table ip filter")?;
    apply(&small)?.exits(0)?;
    let sets = all_sets()?;
    assert_eq!(sets.matches("maxelem 1000").count(), 8, "{sets}");
    assert_eq!(sets.matches("add ").count(), 4, "{sets}");
    Ok(())
}

/// Whether a ban can have a reason must not cost one.
fn a_set_without_comments_gets_them() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let without = scratch.file("without.toml", "[sets]\ncomments = false\n")?;
    let with = scratch.file("with.toml", "[sets]\ncomments = true\n")?;
    let apply = |config: &str| {
        let arguments = ["--config", config, "apply", "--saved", "/dev/null"];
        firewall_apply(&arguments)?.exits(0)
    };
    apply(&without)?;
    assert!(!all_sets()?.contains("comment"));
    tool("ipset add blacklist 192.0.2.1 timeout 3600")?;
    tool("ipset add blacklist_v6 2001:db8::/64 nomatch")?;
    let rules = all_rules()?;
    let run = apply(&with)?;
    assert_eq!(run.stderr, "");
    assert!(
        run.stdout
            .contains("made anew, hash:net, with its 1 member"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("rules             unchanged"),
        "{run:?}"
    );
    assert_eq!(all_rules()?, rules);
    let sets = all_sets()?;
    assert_eq!(sets.matches(" comment").count(), 8, "{sets}");
    assert!(sets.contains("add blacklist 192.0.2.1 timeout 3"), "{sets}");
    assert!(
        sets.contains("add blacklist_v6 2001:db8::/64 timeout 0 nomatch"),
        "{sets}"
    );
    let header = tool("ipset list -t blacklist")?;
    assert!(header.contains("\nReferences: 1\n"), "{header}");
    firewall_apply(&["--config", &with, "diff"])?.exits(0)?;
    // What they say is not thrown away.
    apply(&without)?;
    assert_eq!(all_sets()?.matches(" comment").count(), 8);
    firewall_apply(&["--config", &without, "diff"])?.exits(0)?;
    Ok(())
}

fn a_set_whose_members_do_not_fit_is_kept() -> Result<(), Failed> {
    tool("ipset create blacklist hash:net timeout 0")?;
    tool("ipset add blacklist 192.0.2.0/24")?;
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", "[sets]\ntype = \"hash:ip\"\n")?;
    let run = firewall_apply(&["--config", &config, "apply", "--saved", "/dev/null"])?.exits(0)?;
    assert!(
        run.stderr.contains("takes single addresses only"),
        "{run:?}"
    );
    assert!(run.stderr.contains("with type hash:net"), "{run:?}");
    let saved = all_sets()?;
    assert!(saved.contains("create blacklist hash:net "), "{saved}");
    assert!(saved.contains("add blacklist 192.0.2.0/24"), "{saved}");
    assert!(saved.contains("create whitelist hash:ip "), "{saved}");
    Ok(())
}

fn a_set_without_timeouts_that_rules_use_gets_them() -> Result<(), Failed> {
    tool("ipset create whitelist hash:net maxelem 1048576")?;
    tool("ipset add whitelist 192.0.2.1")?;
    tool("iptables -A INPUT -m set --match-set whitelist src -j ACCEPT")?;
    apply()?.exits(0)?;
    assert!(all_sets()?.contains("add whitelist 192.0.2.1 timeout 0"));
    let rules = all_rules()?;
    assert!(
        rules.contains("-A INPUT -m set --match-set whitelist src -j ACCEPT"),
        "{rules}"
    );
    Ok(())
}

fn a_firewall_that_is_up_stays_up() -> Result<(), Failed> {
    apply()?.exits(0)?;
    // Somebody takes out one family, and puts a set there that cannot be used; IPv4 has to stay as
    // it is.
    for line in [
        "ip6tables -F",
        "ip6tables -X",
        "ipset destroy throttle-soft_v6",
        "ipset create throttle-soft_v6 hash:ip timeout 0",
        "ipset add throttle-soft_v6 192.0.2.1",
    ] {
        tool(line)?;
    }
    let (rules, sets) = (all_rules()?, all_sets()?);
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", "service = []\n")?;
    let run = firewall_apply(&["--config", &config, "apply", "--saved", "/dev/null"])?.exits(1)?;
    assert!(run.stderr.contains("\"throttle-soft_v6\""), "{run:?}");
    assert_eq!(all_rules()?, rules);
    assert_eq!(all_sets()?, sets);
    tool("ipset destroy throttle-soft_v6")?;
    let run = firewall_apply(&["--config", DEFAULTS, "apply", "--saved", "/dev/null"])?.exits(0)?;
    assert!(run.stderr.is_empty(), "{run:?}");
    Ok(())
}
