//! What cannot be read or is not allowed is told, and nothing is changed.

use std::path::Path;

use netns_testbed::{Failed, Tool, Trial, skip, trial};

use crate::host::{DEFAULTS, Scratch, all_rules, all_sets, apply, firewall_apply};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_wrong_configuration_is_told_with_its_place",
            a_wrong_configuration_is_told_with_its_place,
        ),
        trial(
            "a_missing_configuration_is_an_error_when_named",
            a_missing_configuration_is_an_error_when_named,
        ),
        trial(
            "without_a_configuration_the_defaults_are_applied",
            without_a_configuration_the_defaults_are_applied,
        ),
        trial(
            "a_wrong_configuration_loses_no_ban",
            a_wrong_configuration_loses_no_ban,
        ),
        trial("without_privilege_it_is_said", without_privilege_it_is_said),
        trial("json_is_one_document", json_is_one_document),
    ]
}

fn a_wrong_configuration_is_told_with_its_place() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", "[log]\nblocked-levle = 4\n")?;
    // What went in last on this machine is none of ours.
    let apply = &["apply", "--last", "/dev/null"][..];
    for command in [apply, &["check"], &["print"], &["reset"], &["restore"]] {
        let run = firewall_apply(&[&["--config", &config], command].concat())?.exits(2)?;
        let json = [&["--config", &config, "--json"], command].concat();
        let command = command.concat();
        assert!(
            run.stderr.contains(&format!("{config}:2:1: ")),
            "{command}: {run:?}"
        );
        assert!(
            run.stderr.contains("\n 2 | blocked-levle = 4\n   | ^\n"),
            "{command}: {run:?}"
        );
        assert_eq!(run.stdout, "", "{command}");
        let run = firewall_apply(&json)?.exits(2)?;
        let error = &run.json()?["errors"][0];
        assert_eq!(
            (error["line"].as_u64(), error["column"].as_u64()),
            (Some(2), Some(1))
        );
        assert_eq!(error["path"], config);
    }
    assert_eq!(all_sets()?, "");
    assert!(!all_rules()?.contains("FIREWALL_INPUT"));
    let right = scratch.file("right.toml", "[log]\nblocked-level = 4\n")?;
    let run = firewall_apply(&["--config", &right, "check"])?.exits(0)?;
    assert!(run.stdout.contains("no errors"), "{run:?}");
    assert_eq!(all_sets()?, "");
    Ok(())
}

fn a_missing_configuration_is_an_error_when_named() -> Result<(), Failed> {
    let apply = &["apply", "--last", "/dev/null"][..];
    for command in [apply, &["check"], &["print"]] {
        let named = ["--config", "/nowhere/firewall.toml"];
        let run = firewall_apply(&[&named, command].concat())?.exits(2)?;
        assert!(
            run.stderr
                .contains("cannot read the configuration /nowhere/firewall.toml: No such file"),
            "{run:?}"
        );
    }
    assert_eq!(all_sets()?, "");
    Ok(())
}

fn without_a_configuration_the_defaults_are_applied() -> Result<(), Failed> {
    if Path::new("/etc/rampart/firewall.toml").exists() {
        return Err(skip("this host has a /etc/rampart/firewall.toml"));
    }
    let places = ["--saved", "/nowhere/sets.save", "--last", "/dev/null"];
    let run = firewall_apply(&[&["apply"], &places[..]].concat())?.exits(0)?;
    assert!(
        run.stdout
            .contains("built-in defaults (/etc/rampart/firewall.toml does not exist)"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("/nowhere/sets.save does not exist"),
        "{run:?}"
    );
    let rules = all_rules()?;
    apply()?.exits(0)?;
    assert_eq!(all_rules()?, rules);
    Ok(())
}

fn a_wrong_configuration_loses_no_ban() -> Result<(), Failed> {
    apply()?.exits(0)?;
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", "[log\n")?;
    let path = scratch.path("sets.save");
    let file = path.to_string_lossy();
    let run = firewall_apply(&["--config", &config, "save", "--file", &file])?.exits(0)?;
    assert!(
        run.stderr.starts_with(&format!("warning: {config}:1:")),
        "{run:?}"
    );
    assert!(path.exists());
    Ok(())
}

fn without_privilege_it_is_said() -> Result<(), Failed> {
    let unshare = Tool::require("unshare")?;
    apply()?.exits(0)?;
    let (rules, sets) = (all_rules()?, all_sets()?);
    let scratch = Scratch::new()?;
    let saved = scratch.file("sets.save", "add blacklist 192.0.2.1\n")?;
    // Root of a user namespace to which this network namespace does not belong.
    let without = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_firewall-apply");
        unshare.output(
            &[
                &["--user", "--map-root-user", program, "--config", DEFAULTS],
                arguments,
            ]
            .concat(),
        )
    };
    for arguments in [
        &["apply", "--saved", "/dev/null"][..],
        &["reset"],
        &["reset", "--sets"],
        &["restore", "--file", &saved],
        &["save", "--file", "-"],
    ] {
        let output = without(arguments)?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains("CAP_NET_ADMIN"), "{arguments:?}: {stderr}");
        assert_eq!(
            stderr.lines().count(),
            1,
            "said once, {arguments:?}: {stderr}"
        );
    }
    for arguments in [&["check"][..], &["print"]] {
        assert_eq!(
            without(arguments)?.status.code(),
            Some(0),
            "{arguments:?} needs none"
        );
    }
    assert_eq!(all_rules()?, rules);
    assert_eq!(all_sets()?, sets);
    Ok(())
}

fn json_is_one_document() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let saved = scratch.path("sets.save");
    let file = saved.to_string_lossy();
    for (command, arguments) in [
        ("apply", &["--saved", "/dev/null"][..]),
        ("check", &[]),
        ("print", &[]),
        ("print", &["--format", "json"]),
        ("save", &["--file", &file]),
        ("restore", &["--file", &file]),
        ("reset", &["--sets"]),
    ] {
        let mut all = vec!["--config", DEFAULTS, command];
        all.extend(arguments);
        if !arguments.contains(&"json") {
            all.push("--json");
        }
        let run = firewall_apply(&all)?.exits(0)?;
        let document = run.json()?;
        assert_eq!(document["version"], 1, "{command}");
        assert_eq!(document["command"], command);
        assert_eq!(document["exit_status"], 0, "{command}");
        assert_eq!(document["warnings"], serde_json::json!([]), "{command}");
        assert_eq!(document["errors"], serde_json::json!([]), "{command}");
    }
    Ok(())
}
