//! Saved members that are put back: nobody is banned for longer than was said, and what cannot be
//! put back is named.

use std::{fs, process};

use netns_testbed::{Failed, Trial, trial};

use crate::host::{DEFAULTS, Scratch, all_rules, all_sets, apply, firewall_apply, text, tool};
use crate::saved::{destroy_all, fill, save};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "time_goes_on_while_the_machine_is_off",
            time_goes_on_while_the_machine_is_off,
        ),
        trial(
            "only_new_sets_get_members_back",
            only_new_sets_get_members_back,
        ),
        trial(
            "what_a_killed_run_left_is_taken_away",
            what_a_killed_run_left_is_taken_away,
        ),
        trial(
            "a_damaged_file_does_not_keep_the_firewall_down",
            a_damaged_file_does_not_keep_the_firewall_down,
        ),
        trial(
            "restore_reads_all_before_it_changes_anything",
            restore_reads_all_before_it_changes_anything,
        ),
        trial(
            "a_set_of_ours_is_restored_so_that_the_rules_can_use_it",
            a_set_of_ours_is_restored_so_that_the_rules_can_use_it,
        ),
        trial("the_later_of_two_ends_stays", the_later_of_two_ends_stays),
        trial(
            "members_that_do_not_fit_in_are_named",
            members_that_do_not_fit_in_are_named,
        ),
        trial(
            "sets_that_do_not_exist_are_named",
            sets_that_do_not_exist_are_named,
        ),
        trial(
            "standard_input_and_output_are_dashes",
            standard_input_and_output_are_dashes,
        ),
    ]
}

/// What `ipset` says is left of a member, in seconds.
fn left(set: &str, member: &str) -> Result<Option<u32>, Failed> {
    let saved = all_sets()?;
    let start = format!("add {set} {member} timeout ");
    let Some(rest) = saved.lines().find_map(|line| line.strip_prefix(&start)) else {
        return Ok(None);
    };
    Ok(Some(rest.split(' ').next().unwrap_or_default().parse()?))
}

fn time_goes_on_while_the_machine_is_off() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let content = |saved: jiff::Timestamp| {
        format!(
            "# rampart sets.save 1 saved={saved:.0}\nadd blacklist 192.0.2.1 timeout 7200\nadd blacklist 192.0.2.2 timeout 3600\n\
             add blacklist 192.0.2.3 timeout 0\nadd blacklist_v6 2001:db8::1 timeout 60\n# rampart sets.save end\n"
        )
    };
    let past = scratch.file("past", &content(hour_ago))?;
    let run =
        firewall_apply(&["--config", DEFAULTS, "--json", "apply", "--saved", &past])?.exits(0)?;
    // A slow machine may take a minute for all this.
    let rest = left("blacklist", "192.0.2.1")?.ok_or("192.0.2.1 is gone")?;
    assert!((3540..=3600).contains(&rest), "{rest}");
    assert_eq!(left("blacklist", "192.0.2.2")?, None, "over");
    assert_eq!(left("blacklist", "192.0.2.3")?, Some(0), "for ever");
    assert_eq!(left("blacklist_v6", "2001:db8::1")?, None, "over");
    let document = run.json()?;
    let counts = |name: &str| {
        let sets = document["sets"].as_array().into_iter().flatten();
        let set = sets.into_iter().find(|set| set["name"] == name);
        set.map(|set| (set["restored"].as_u64(), set["expired"].as_u64()))
    };
    assert_eq!(counts("blacklist"), Some((Some(2), Some(1))));
    assert_eq!(counts("blacklist_v6"), Some((Some(0), Some(1))));
    assert!(
        document["saved"]["elapsed"].as_u64() >= Some(3600),
        "{document:#}"
    );

    // A clock that is not set yet takes nothing off.
    destroy_all()?;
    let future = scratch.file("future", &content(tomorrow))?;
    firewall_apply(&["--config", DEFAULTS, "restore", "--file", &future])?.exits(0)?;
    let rest = left("blacklist", "192.0.2.1")?.ok_or("192.0.2.1 is gone")?;
    assert!((7140..=7200).contains(&rest), "{rest}");
    Ok(())
}

fn only_new_sets_get_members_back() -> Result<(), Failed> {
    fill()?;
    let scratch = Scratch::new()?;
    let path = text(&scratch.path("sets.save"));
    save(&path)?;
    tool("ipset del blacklist 198.51.100.0/24")?;
    let sets = all_sets()?;
    let run = firewall_apply(&["--config", DEFAULTS, "apply", "--saved", &path])?.exits(0)?;
    assert_eq!(all_sets()?, sets, "{run:?}");
    Ok(())
}

fn what_a_killed_run_left_is_taken_away() -> Result<(), Failed> {
    fill()?;
    let sets = all_sets()?;
    let scratch = Scratch::new()?;
    let path = text(&scratch.path("sets.save"));
    save(&path)?;
    firewall_apply(&["--config", DEFAULTS, "reset"])?.exits(0)?;
    // Killed while it filled this set: it has no other name yet, and not all of its members.
    tool("ipset destroy blacklist")?;
    tool("ipset create rampart.new.blacklist hash:ip")?;
    tool("ipset add rampart.new.blacklist 203.0.113.99")?;
    firewall_apply(&["--config", DEFAULTS, "apply", "--saved", &path])?.exits(0)?;
    assert_eq!(all_sets()?, sets);
    Ok(())
}

fn a_damaged_file_does_not_keep_the_firewall_down() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let path = scratch.file(
        "sets.save",
        "# rampart sets.save 1 saved=2026-01-01T00:00:00Z\nadd blacklist 192.0.2.1 timeout 0\nadd blacklist 192.0.\n\
         add blacklist 2001:db8::1\nadd blacklist_v6 2001:db8::1\n",
    )?;
    let run = firewall_apply(&["--config", DEFAULTS, "apply", "--saved", &path])?.exits(1)?;
    for line in [3, 4, 5] {
        assert!(
            run.stderr.contains(&format!("{path}:{line}: ")),
            "line {line}: {run:?}"
        );
    }
    let printed = firewall_apply(&["--config", DEFAULTS, "print"])?.exits(0)?;
    let up = printed
        .stdout
        .replace("# IPv4\n", "")
        .replace("# IPv6\n", "");
    assert_eq!(all_rules()?, up);
    assert_eq!(left("blacklist", "192.0.2.1")?, Some(0));
    assert_eq!(left("blacklist_v6", "2001:db8::1")?, Some(0));

    destroy_all()?;
    let run = firewall_apply(&["--config", DEFAULTS, "apply", "--saved", "/"])?.exits(1)?;
    assert!(run.stderr.contains("cannot read /"), "{run:?}");
    assert_eq!(all_rules()?, up);
    Ok(())
}

fn restore_reads_all_before_it_changes_anything() -> Result<(), Failed> {
    tool("ipset create blacklist hash:ip timeout 0")?;
    tool("ipset create forever hash:ip")?;
    tool("ipset create ports bitmap:port range 1-10")?;
    let sets = all_sets()?;
    let scratch = Scratch::new()?;
    for (bad, why) in [
        ("add whitelist 192.0.2", "192.0.2"),
        ("add blacklist 192.0.2.0/24", "single addresses only"),
        ("add blacklist 2001:db8::1", "inet"),
        ("add unknown 192.0.2.1", "unknown"),
        ("add forever 192.0.2.1 timeout 9", "without timeouts"),
        ("add ports 192.0.2.1", "bitmap:port"),
        ("create x hash:unknown", "hash:unknown"),
        ("create x hash:net netmask 24", "netmask"),
        (
            "create blacklist_v6 hash:ip,port family inet6",
            "hash:ip,port",
        ),
        ("flush blacklist", "flush"),
    ] {
        let path = scratch.file(
            "sets",
            &format!("add blacklist 192.0.2.1\nadd whitelist 192.0.2.1\n{bad}\n"),
        )?;
        let run = firewall_apply(&["--config", DEFAULTS, "restore", "--file", &path])?.exits(2)?;
        assert!(run.stderr.contains(why), "{bad}: {run:?}");
        assert!(run.stderr.contains(&format!("{path}:")), "{bad}: {run:?}");
        assert_eq!(all_sets()?, sets, "{bad}");
    }
    let run =
        firewall_apply(&["--config", DEFAULTS, "restore", "--file", "/nowhere/sets"])?.exits(2)?;
    assert!(run.stderr.contains("/nowhere/sets"), "{run:?}");
    Ok(())
}

fn a_set_of_ours_is_restored_so_that_the_rules_can_use_it() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let path = scratch.file(
        "sets",
        "create blacklist hash:ip\nadd blacklist 192.0.2.1\n",
    )?;
    firewall_apply(&["--config", DEFAULTS, "restore", "--file", &path])?.exits(0)?;
    assert_eq!(left("blacklist", "192.0.2.1")?, Some(0));
    apply()?.exits(0)?;

    destroy_all()?;
    let path = scratch.file("sets", "create blacklist_v6 hash:ip timeout 0\n")?;
    let run = firewall_apply(&["--config", DEFAULTS, "restore", "--file", &path])?.exits(2)?;
    assert!(run.stderr.contains("inet6"), "{run:?}");
    assert_eq!(all_sets()?, "");
    Ok(())
}

fn the_later_of_two_ends_stays() -> Result<(), Failed> {
    apply()?.exits(0)?;
    for member in [
        "192.0.2.1 timeout 1000",
        "192.0.2.2 timeout 0",
        "192.0.2.3 timeout 9000",
    ] {
        tool(&format!("ipset add blacklist {member}"))?;
    }
    let scratch = Scratch::new()?;
    let path = scratch.file(
        "sets",
        "add blacklist 192.0.2.1 timeout 5000\nadd blacklist 192.0.2.2 timeout 5000\nadd blacklist 192.0.2.3 timeout 5000\n\
         add blacklist 192.0.2.4 timeout 5000\nadd blacklist 192.0.2.4 timeout 100\n",
    )?;
    let run =
        firewall_apply(&["--config", DEFAULTS, "--json", "restore", "--file", &path])?.exits(0)?;
    let near = |member, expected: u32| {
        let rest = left("blacklist", member)?.ok_or_else(|| format!("{member} is gone"))?;
        assert!(
            (expected.saturating_sub(60)..=expected).contains(&rest),
            "{member} {rest}"
        );
        Ok::<_, Failed>(())
    };
    near("192.0.2.1", 5000)?;
    near("192.0.2.2", 0)?;
    near("192.0.2.3", 9000)?;
    near("192.0.2.4", 5000)?;
    let document = run.json()?;
    let set = &document["sets"][0];
    for (what, count) in [("added", 1), ("prolonged", 1), ("kept", 3)] {
        assert_eq!(set[what], count, "{what}: {document:#}");
    }
    Ok(())
}

fn members_that_do_not_fit_in_are_named() -> Result<(), Failed> {
    tool("ipset create blacklist hash:ip timeout 0 maxelem 2")?;
    let scratch = Scratch::new()?;
    let members: Vec<_> = (1..=40)
        .map(|n| format!("add blacklist 192.0.2.{n}"))
        .collect();
    let path = scratch.file("sets", &members.join("\n"))?;
    let run =
        firewall_apply(&["--config", DEFAULTS, "--json", "restore", "--file", &path])?.exits(1)?;
    let document = run.json()?;
    let set = &document["sets"][0];
    let count = |what: &str| set[what].as_u64().unwrap_or_default();
    let present = all_sets()?
        .lines()
        .filter(|line| line.starts_with("add "))
        .count() as u64;
    assert_eq!(count("added"), present, "{document:#}");
    assert_eq!(count("added") + count("refused"), 40);
    let errors = document["errors"].as_array().ok_or("no errors")?;
    assert!(
        errors.iter().any(|error| error["line"].as_u64() == Some(40)
            || error["message"].to_string().contains("more"))
    );
    assert!(errors.len() <= 21, "{}", errors.len());
    assert!(run.stderr.contains("full"), "{run:?}");

    // Nobody is banned with a network before he is excepted from it.
    tool("ipset create throttle-soft hash:net timeout 0 maxelem 1")?;
    let members = "add throttle-soft 192.0.2.0/24\nadd throttle-soft 192.0.2.9 nomatch\n";
    let path = scratch.file("exception", members)?;
    firewall_apply(&["--config", DEFAULTS, "restore", "--file", &path])?.exits(1)?;
    assert!(all_sets()?.contains("add throttle-soft 192.0.2.9 timeout 0 nomatch\n"));
    assert!(!all_sets()?.contains("192.0.2.0/24"));
    Ok(())
}

fn sets_that_do_not_exist_are_named() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let path = scratch.file("sets.save", "what an earlier save left\n")?;
    let run = firewall_apply(&["save", "--file", &path])?.exits(1)?;
    assert!(run.stderr.contains("\"throttle-hard_v6\""), "{run:?}");
    assert_eq!(fs::read_to_string(&path)?, "what an earlier save left\n");

    tool("ipset create blacklist hash:net timeout 0")?;
    tool("ipset add blacklist 192.0.2.0/24")?;
    let run = firewall_apply(&["save", "--file", &path])?.exits(1)?;
    assert!(
        run.stderr.contains("\"throttle-hard_v6\"") && !run.stderr.contains("\"blacklist\""),
        "{run:?}"
    );
    assert!(fs::read_to_string(&path)?.contains("add blacklist 192.0.2.0/24 timeout 0\n"));
    Ok(())
}

fn standard_input_and_output_are_dashes() -> Result<(), Failed> {
    fill()?;
    let sets = all_sets()?;
    let run = firewall_apply(&["save", "--file", "-"])?.exits(0)?;
    destroy_all()?;
    let mut child = process::Command::new(env!("CARGO_BIN_EXE_firewall-apply"))
        .args(["--config", DEFAULTS, "restore", "--file", "-"])
        .stdin(process::Stdio::piped())
        .stdout(process::Stdio::null())
        .spawn()?;
    std::io::Write::write_all(
        &mut child.stdin.take().ok_or("no stdin")?,
        run.stdout.as_bytes(),
    )?;
    assert!(child.wait()?.success());
    assert_eq!(all_sets()?, sets);
    firewall_apply(&["save", "--file", "-", "--json"])?.exits(2)?;
    Ok(())
}
