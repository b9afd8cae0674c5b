//! Members that the configuration names.

use netns_testbed::{Failed, Trial, trial};

use crate::host::{Run, Scratch, all_sets, firewall_apply, text, tool};
use crate::saved::destroy_all;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "members_of_the_configuration_are_in_and_go_with_it",
            members_of_the_configuration_are_in_and_go_with_it,
        ),
        trial(
            "members_are_in_also_when_the_rest_fails",
            members_are_in_also_when_the_rest_fails,
        ),
        trial(
            "members_outlive_what_was_saved_of_them",
            members_outlive_what_was_saved_of_them,
        ),
        trial(
            "members_that_a_set_cannot_hold_are_named",
            members_that_a_set_cannot_hold_are_named,
        ),
        trial("everybody_is_not_restored", everybody_is_not_restored),
        trial(
            "what_is_no_file_of_sets_is_refused_at_once",
            what_is_no_file_of_sets_is_refused_at_once,
        ),
        trial(
            "lines_that_cannot_be_read_are_kept_aside",
            lines_that_cannot_be_read_are_kept_aside,
        ),
    ]
}

fn apply(scratch: &Scratch, config: &str) -> Result<Run, Failed> {
    let config = scratch.file("firewall.toml", config)?;
    let saved = text(&scratch.path("sets.save"));
    firewall_apply(&["--config", &config, "--json", "apply", "--saved", &saved])
}

fn whitelist(members: &str) -> String {
    format!("[sets.members]\nwhitelist = [{members}]\n")
}

/// What is in our sets, without the sets.
fn members() -> Result<Vec<String>, Failed> {
    let sets = all_sets()?;
    let adds = sets.lines().filter_map(|line| line.strip_prefix("add "));
    Ok(adds.map(str::to_owned).collect())
}

fn members_of_the_configuration_are_in_and_go_with_it() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let all = whitelist("\"192.0.2.4\", \"192.0.2.128/25\", \"2001:db8::/64\", \"192.0.2.9\"");
    let run = apply(&scratch, &all)?.exits(0)?;
    let there = [
        "whitelist 192.0.2.128/25 timeout 0",
        "whitelist 192.0.2.4 timeout 0",
        "whitelist 192.0.2.9 timeout 0",
        "whitelist_v6 2001:db8::/64 timeout 0",
    ];
    assert_eq!(members()?, there);
    let added = |run: &Run, key: &str| -> Result<Vec<u64>, Failed> {
        let document = run.json()?;
        let sets = document["sets"].as_array().ok_or("no sets")?;
        Ok(sets.iter().filter_map(|set| set[key].as_u64()).collect())
    };
    assert_eq!(added(&run, "added")?, [3, 0, 0, 0, 1, 0, 0, 0]);

    // Who lost it gets it back, and for good.
    tool("ipset del whitelist 192.0.2.4")?;
    tool("ipset del whitelist 192.0.2.9")?;
    tool("ipset add whitelist 192.0.2.9 timeout 600")?;
    // And somebody puts others in by hand.
    tool("ipset add whitelist 192.0.2.7")?;
    let run = apply(&scratch, &all)?.exits(0)?;
    assert_eq!(added(&run, "added")?, [2, 0, 0, 0, 0, 0, 0, 0]);
    let with_one = [&["whitelist 192.0.2.7 timeout 0"][..], &there].concat();
    let sorted = |mut lines: Vec<&str>| {
        lines.sort_unstable();
        lines.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(members()?, sorted(with_one));

    // Taken out of the file; one of them is in by hand now, for a time.
    tool("ipset -exist add whitelist 192.0.2.9 timeout 6000")?;
    let run = apply(&scratch, &whitelist("\"192.0.2.4\""))?.exits(0)?;
    assert_eq!(added(&run, "removed")?, [1, 0, 0, 0, 1, 0, 0, 0]);
    let left = members()?;
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left[0].starts_with("whitelist 192.0.2.4 timeout 0"));
    assert!(left[1].starts_with("whitelist 192.0.2.7 timeout 0"));
    assert!(left[2].starts_with("whitelist 192.0.2.9 timeout 5"));
    Ok(())
}

fn members_are_in_also_when_the_rest_fails() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    apply(&scratch, &whitelist("\"192.0.2.4\""))?.exits(0)?;
    tool("iptables -F")?;
    tool("iptables -X")?;
    tool("ipset destroy throttle-hard")?;
    tool("ipset create throttle-hard hash:ip,port")?;
    tool("ipset add throttle-hard 192.0.2.9,80")?;
    apply(&scratch, &whitelist("\"192.0.2.4\", \"192.0.2.5\""))?.exits(1)?;
    assert!(members()?.contains(&"whitelist 192.0.2.5 timeout 0".to_owned()));
    Ok(())
}

fn members_outlive_what_was_saved_of_them() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    scratch.file(
        "sets.save",
        "add whitelist 192.0.2.4 timeout 60\nadd whitelist 192.0.2.5 timeout 0\n",
    )?;
    apply(&scratch, &whitelist("\"192.0.2.4\""))?.exits(0)?;
    let expected = [
        "whitelist 192.0.2.4 timeout 0",
        "whitelist 192.0.2.5 timeout 0",
    ];
    assert_eq!(members()?, expected);
    destroy_all().ok();
    Ok(())
}

fn members_that_a_set_cannot_hold_are_named() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    tool("ipset create whitelist hash:ip maxelem 1 hashsize 64")?;
    // Under a rule it cannot be replaced by one that takes networks.
    tool("iptables -A INPUT -m set --match-set whitelist src -j ACCEPT")?;
    let config = "[sets]\nmaxelem = 1\n".to_owned() + &whitelist("\"192.0.2.4\", \"192.0.2.0/24\"");
    let run = apply(&scratch, &config)?.exits(1)?;
    assert!(
        run.stderr
            .contains("[sets.members]: cannot add 192.0.2.0/24 to set \"whitelist\""),
        "{run:?}"
    );
    assert_eq!(members()?, ["whitelist 192.0.2.4"]);
    Ok(())
}

fn everybody_is_not_restored() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let file = scratch.file(
        "sets.save",
        "add blacklist 0.0.0.0/1\nadd blacklist 192.0.2.0/24\nadd blacklist 128.0.0.0/1\n",
    )?;
    let run = firewall_apply(&["--config", "/dev/null", "restore", "--file", &file])?.exits(2)?;
    for line in [1, 3] {
        assert!(run.stderr.contains(&format!("{file}:{line}: ")), "{run:?}");
    }
    assert_eq!(all_sets()?, "");
    apply(&scratch, "[log]\n")?.exits(1)?;
    assert_eq!(members()?, ["blacklist 192.0.2.0/24 timeout 0"]);
    Ok(())
}

/// It would keep the firewall down for ever.
fn what_is_no_file_of_sets_is_refused_at_once() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let fifo = text(&scratch.path("fifo"));
    tool(&format!("mkfifo {fifo}"))?;
    for path in [&*fifo, "/dev/zero"] {
        let defaults = ["--config", "/dev/null"];
        let saved = ["apply", "--last", "/dev/null", "--saved", path];
        let run = firewall_apply(&[&defaults[..], &saved].concat())?.exits(1)?;
        assert!(run.stderr.contains("it is not a regular file"), "{run:?}");
        let restore = ["restore", "--file", path];
        let run = firewall_apply(&[&defaults[..], &restore].concat())?.exits(2)?;
        assert!(run.stderr.contains("it is not a regular file"), "{run:?}");
        let run = firewall_apply(&["--config", path, "check"])?.exits(2)?;
        assert!(run.stderr.contains("it is not a regular file"), "{run:?}");
        let save = ["save", "--file", path];
        firewall_apply(&[&defaults[..], &save].concat())?.exits(1)?;
        for line in ["iptables -F", "iptables -X", "ip6tables -F", "ip6tables -X"] {
            tool(line)?;
        }
        destroy_all()?;
    }
    Ok(())
}

fn lines_that_cannot_be_read_are_kept_aside() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let file = scratch.file(
        "sets.save",
        "add blacklist 192.0.2.1\nadd blacklist 192.0.\nadd blacklist_v6 192.0.2.3\n",
    )?;
    let run = apply(&scratch, "[log]\n")?.exits(1)?;
    assert!(
        run.stderr.contains(&format!("are kept in {file}.bad")),
        "{run:?}"
    );
    // The next save writes the file anew.
    firewall_apply(&["save", "--file", &file])?.exits(0)?;
    let kept = std::fs::read_to_string(scratch.path("sets.save.bad"))?;
    let lines: Vec<_> = kept.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        ["add blacklist 192.0.", "add blacklist_v6 192.0.2.3"]
    );
    Ok(())
}
