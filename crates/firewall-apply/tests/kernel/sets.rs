//! Sets: those that are there stay, those that cannot be used stop the run before anything is
//! changed.

use std::process;
use std::thread::sleep;
use std::time::Duration;

use netfilter_host::turn::Turn;
use netns_testbed::{Failed, Trial, trial};

use crate::host::{DEFAULTS, Scratch, all_rules, all_sets, apply, firewall_apply, tool};

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
            "a_set_that_differs_and_can_be_used_is_kept",
            a_set_that_differs_and_can_be_used_is_kept,
        ),
        trial(
            "a_set_without_timeouts_does_not_keep_the_firewall_down",
            a_set_without_timeouts_does_not_keep_the_firewall_down,
        ),
        trial(
            "a_firewall_that_is_up_stays_up",
            a_firewall_that_is_up_stays_up,
        ),
        trial(
            "a_run_waits_while_another_is_at_work",
            a_run_waits_while_another_is_at_work,
        ),
    ]
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
    let arguments = [
        "--config",
        &config,
        "--json",
        "apply",
        "--saved",
        "/dev/null",
    ];
    let run = firewall_apply(&arguments)?.exits(0)?;
    let saved = all_sets()?;
    let lines: Vec<_> = saved.lines().collect();
    assert_eq!(lines.len(), 8, "{saved}");
    for base in ["whitelist", "blacklist", "throttle-soft", "throttle-hard"] {
        for (name, family) in [(base.to_owned(), "inet"), (format!("{base}_v6"), "inet6")] {
            let line = format!(
                "create {name} hash:ip family {family} hashsize 1024 maxelem 1000 timeout 0"
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
    for (create, why) in [
        (
            "blacklist_v6 hash:ip timeout 0",
            "its family is inet, and inet6 is needed",
        ),
        (
            "blacklist hash:ip,port timeout 0",
            "its type is hash:ip,port",
        ),
        ("blacklist list:set timeout 0", "its type is list:set"),
    ] {
        tool(&format!("ipset create {create}"))?;
        let sets = all_sets()?;
        let run = apply()?.exits(1)?;
        let name = create.split_once(' ').ok_or("no name")?.0;
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

fn a_set_that_differs_and_can_be_used_is_kept() -> Result<(), Failed> {
    tool("ipset create blacklist hash:ip timeout 600 maxelem 1000")?;
    tool("ipset add blacklist 192.0.2.1 timeout 0")?;
    let run = apply()?.exits(0)?;
    for warning in ["hash:ip", "maxelem 1000", "600"] {
        assert!(run.stderr.contains(warning), "{warning}: {run:?}");
    }
    let saved = all_sets()?;
    assert!(
        saved.contains(
            "create blacklist hash:ip family inet hashsize 1024 maxelem 1000 timeout 600"
        ),
        "{saved}"
    );
    assert!(
        saved.contains("add blacklist 192.0.2.1 timeout 0"),
        "{saved}"
    );
    Ok(())
}

fn a_set_without_timeouts_does_not_keep_the_firewall_down() -> Result<(), Failed> {
    tool("ipset create whitelist hash:ip")?;
    tool("ipset add whitelist 192.0.2.1")?;
    let run = apply()?.exits(0)?;
    for part in [
        "\"whitelist\"",
        "without timeouts",
        "ipset destroy whitelist",
    ] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    let rules = all_rules()?;
    assert!(
        rules.contains("--match-set whitelist src -j LOG_AND_ACCEPT"),
        "{rules}"
    );
    assert!(all_sets()?.contains("add whitelist 192.0.2.1\n"));
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
