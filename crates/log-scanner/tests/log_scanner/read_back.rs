//! What was wanted is compared with what is in the sets afterwards, and how much room they have.

use std::process::Command;

use netns_testbed::Failed;
use serde_json::Value;

use crate::support::{Ran, Scanner, Sets, V6, blocked, outcomes, violations};

crate::trials!(
    a_full_set_refuses_and_the_rest_goes_on,
    the_cure_cures,
    a_set_that_throws_members_out,
    who_was_thrown_out_again_is_refused,
    nearly_full,
);

const FOUR: [&str; 4] = ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"];

fn sources_with(report: &Value, wanted: &str) -> Vec<String> {
    let all = outcomes(report).into_iter();
    all.filter(|(_, outcome)| outcome == wanted)
        .map(|(source, _)| source)
        .collect()
}

fn a_full_set_refuses_and_the_rest_goes_on() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist", "hash:ip timeout 0 maxelem 2")?;
    sets.create("blacklist_v6", "hash:ip family inet6 timeout 0")?;
    let sources = [&FOUR[..], &[V6]].concat();
    let report = Scanner::new(blocked(&sources, 0..5)).rule().at(60).json(1);
    assert_eq!(
        sources_with(&report, "added"),
        ["203.0.113.1", "203.0.113.2", V6]
    );
    assert_eq!(
        sources_with(&report, "refused"),
        ["203.0.113.3", "203.0.113.4"]
    );
    for (place, source) in [(2, FOUR[2]), (3, FOUR[3])] {
        let error = violations(&report)[place]["error"].as_str();
        let expected = format!(
            "cannot add {source} to set \"blacklist\": the set is full (maxelem 2); to make room, take members out \
             (ipset del blacklist ENTRY) or give it twice the room: "
        );
        assert!(
            error.is_some_and(|error| error.starts_with(&expected)),
            "{error:?}"
        );
    }
    assert_eq!(sets.names("blacklist")?, ["203.0.113.1", "203.0.113.2"]);
    assert_eq!(sets.names("blacklist_v6")?, [V6]);

    let ran = Scanner::new(blocked(&sources, 0..5)).rule().at(360).run();
    ran.done(1)
        .says("  [ERROR] cannot add 203.0.113.4 to set \"blacklist\": the set is full")
        .says("  [WARNING] set \"blacklist\" is 100 % full, 2 of 2 entries, ")
        .says("Addresses actioned:       0\n");
    Ok(())
}

/// The commands of the error, in a shell.
fn the_cure_cures() -> Result<(), Failed> {
    let sets = Sets::none()?;
    for (set_type, extensions) in [
        ("hash:ip", ""),
        (
            "hash:net",
            "counters comment skbinfo forceadd hashsize 64 bucketsize 4 initval 0x1234",
        ),
    ] {
        let maxelem = "maxelem 2 timeout 600";
        sets.create("blacklist", &format!("{set_type} {maxelem} {extensions}"))?;
        sets.create(
            "blacklist_v6",
            &format!("{set_type} family inet6 timeout 0"),
        )?;
        // A set with forceadd would make room by itself.
        let before = sets.ipset("list -terse blacklist")?;
        sets.add("blacklist", "198.51.100.1 timeout 900")?;
        sets.add("blacklist", "198.51.100.2 timeout 0")?;
        let scan = || Scanner::new(blocked(&FOUR[..2], 0..5)).rule().at(60);
        let cure = if extensions.is_empty() {
            let report = scan().json(1);
            let error = violations(&report)[0]["error"].as_str().ok_or("no error")?;
            error.split_once("room: ").ok_or("no cure")?.1.to_owned()
        } else {
            // Full, which is a warning.
            let said = Scanner::new(blocked(&["198.51.100.2"], 0..5))
                .rule()
                .at(60)
                .run();
            let warning = said
                .done(0)
                .stdout
                .lines()
                .find(|line| line.contains("[WARNING]"));
            let (_, cure) = warning
                .and_then(|line| line.split_once("room: "))
                .ok_or("no cure")?;
            cure.to_owned()
        };
        let shell = Command::new("/bin/sh").args(["-c", &cure]).output()?;
        Ran::new(&shell).done(0);
        assert_eq!(sets.names("blacklist")?, ["198.51.100.1", "198.51.100.2"]);
        sets.assert_left("blacklist", "198.51.100.1", 900)?;
        let options = |list: &str| {
            let header = list.lines().find(|line| line.starts_with("Header:"));
            header.map(|header| {
                let words = header.split(' ');
                let comparable = words.filter(|word| !word.starts_with("0x"));
                comparable.map(str::to_owned).collect::<Vec<_>>()
            })
        };
        let after = sets.ipset("list -terse blacklist")?;
        assert_eq!(
            options(&after),
            options(&before.replace("maxelem 2 ", "maxelem 4 "))
        );
        assert_eq!(sources_with(&scan().json(0), "added"), FOUR[..2]);
        sets.ipset("destroy")?;
    }
    Ok(())
}

/// The kernel takes every member of a set with forceadd, for which it throws others out.
fn a_set_that_throws_members_out() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist", "hash:ip timeout 0 maxelem 2 forceadd")?;
    sets.create("blacklist_v6", "hash:ip family inet6 timeout 0")?;
    let report = Scanner::new(blocked(&FOUR, 0..5)).rule().at(60).json(1);
    let there = sets.names("blacklist")?;
    assert_eq!(sources_with(&report, "added"), there);
    let refused = sources_with(&report, "refused");
    assert_eq!(refused.len() + there.len(), FOUR.len());
    assert!(!refused.is_empty());
    let again = Scanner::new(blocked(&FOUR[..1], 0..5)).rule().at(60).run();
    assert!(
        again
            .stdout
            .contains("2 of 2 entries, and a full one throws members out for new ones; "),
        "{again:?}"
    );
    for violation in violations(&report) {
        let error = violation["error"].as_str();
        assert!(
            error.is_none_or(|error| {
                error.ends_with("it is not there, read back after it was filled")
                    || error.contains("the set is full")
            }),
            "{error:?}"
        );
    }
    Ok(())
}

/// So many for each bucket of the set that some throw out others of the same scan.
fn who_was_thrown_out_again_is_refused() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create(
        "blacklist",
        "hash:ip timeout 0 hashsize 64 maxelem 64 forceadd",
    )?;
    sets.create("blacklist_v6", "hash:ip family inet6 timeout 0")?;
    let sources: Vec<_> = (0..250).map(|host| format!("203.0.113.{host}")).collect();
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    let report = Scanner::new(blocked(&sources, 0..5)).rule().at(60).json(1);
    let mut added = sources_with(&report, "added");
    let mut there = sets.names("blacklist")?;
    added.sort();
    there.sort();
    assert_eq!(added, there);
    let errors = violations(&report).iter();
    let mut errors = errors.filter_map(|violation| violation["error"].as_str());
    assert!(errors.any(|error| error.ends_with("it is not there, read back after it was filled")));
    Ok(())
}

fn nearly_full() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist", "hash:ip timeout 0 maxelem 5")?;
    sets.create("blacklist_v6", "hash:ip family inet6 timeout 0")?;
    let scan = |sources: &[&str]| Scanner::new(blocked(sources, 0..5)).rule().at(60).run();
    let ran = scan(&FOUR[..3]);
    ran.done(0);
    assert!(!ran.stdout.contains("[WARNING]"), "{}", ran.stdout);
    scan(&FOUR).done(0).says(
        "Phase 3: fill the sets\n  [WARNING] set \"blacklist\" is 80 % full, 4 of 5 entries, and a full one takes no more \
         bans; to make room, ",
    );
    // With --json on standard error; also where nothing had to be added, or nobody is a violator.
    for log in [blocked(&FOUR, 0..5), String::new()] {
        for more in ["--json", "--json --dryrun"] {
            let scanner = Scanner::new(&log).rule().with(more);
            scanner
                .at(60)
                .run()
                .done(0)
                .complains("[WARNING] set \"blacklist\" is 80 % full, 4 of 5 entries, ");
        }
    }
    Ok(())
}
