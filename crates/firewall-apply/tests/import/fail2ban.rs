//! fail2ban: the oracle is `fail2ban_files/dump`, what `fail2ban-client -c fail2ban_files -d` of
//! fail2ban 1.0.2 says that the files come to.

use std::fs;
use std::path::Path;

use netns_testbed::{Failed, Tool, Trial, program, trial};
use serde_json::Value;

use crate::imported::Imported;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "fail2ban::values_are_what_fail2ban_says",
            values_are_what_fail2ban_says,
        ),
        trial("fail2ban::bans_come_over", bans_come_over),
        trial("fail2ban::no_file_is_too_odd", no_file_is_too_odd),
    ]
}

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/fail2ban_files");

/// A value of a jail, as the dump has it: `['set', 'JAIL', 'KEY', VALUE, …]`.
fn dumped(dump: &str, jail: &str, key: &str) -> Vec<String> {
    let begin = format!("['set', '{jail}', '{key}', ");
    let line = dump.lines().find_map(|line| line.strip_prefix(&begin));
    let values = line.unwrap_or_default().trim_end_matches(']').split(", ");
    values
        .map(|value| value.trim_matches('\'').to_owned())
        .collect()
}

fn values_are_what_fail2ban_says() -> Result<(), Failed> {
    let dump = fs::read_to_string(Path::new(FILES).join("dump"))?;
    let imported = Imported::from(&["fail2ban", FILES])?;
    assert_eq!(imported.status, Some(1), "{:#}", imported.report);
    // No word of it says which ports are open.
    assert!(!imported.path("firewall.toml").exists());

    let rules = imported.path("scan.toml").display().to_string();
    let arguments = [
        "--rules",
        &rules,
        "--dryrun",
        "--json",
        "--log",
        "/dev/null",
    ];
    let said = Tool::at(program("log-scanner")).run(&arguments)?;
    let said: Value = serde_json::from_str(&said)?;
    let seconds = |text: &str| {
        let known = [
            ("1h 30m", 5400),
            ("1h", 3600),
            ("20m", 1200),
            ("1 week", 604_800),
        ];
        let known = known.into_iter().find(|(known, _)| *known == text);
        known.map_or(0, |(_, seconds)| seconds)
    };
    for (number, jail) in ["portscan", "floods"].into_iter().enumerate() {
        let rule = &said["rules"][number];
        assert_eq!(
            rule["howmany"].to_string(),
            dumped(&dump, jail, "maxretry")[0]
        );
        assert_eq!(rule["within"], seconds(&dumped(&dump, jail, "findtime")[0]));
        assert_eq!(
            rule["removeafter"],
            seconds(&dumped(&dump, jail, "bantime")[0])
        );
        assert_eq!(
            (&rule["rule"], &rule["type"]),
            (&"blocked".into(), &"tcp".into())
        );
    }
    let scan = imported.text("scan.toml")?;
    let ignored = dumped(&dump, "portscan", "addignoreip");
    for network in ignored
        .iter()
        .filter(|one| !one.starts_with("127.") && *one != "::1")
    {
        assert!(
            scan.contains(&format!("\"{network}\"")),
            "{network}:\n{scan}"
        );
    }
    assert!(scan.contains("60-last.local:2: maxretry"), "{scan}");
    let left = imported.said("errors");
    assert_eq!(left.len(), 1, "{left:#?}");
    assert!(left[0].starts_with("jail.local:12: [other]: "), "{left:#?}");
    Ok(())
}

fn bans_come_over() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("banned");
    let with_time = "198.51.100.1 \t2026-01-01 00:00:00 + 600 = 2026-01-01 00:10:00\n\
        198.51.100.2 \t2026-01-01 00:00:00 + 999999999 = 2036-01-01 00:00:00\n\
        2001:db8::3 \t2026-01-01 00:00:00 + -1 = 9999-12-31 23:59:59\n\
        nobody\n";
    fs::write(&file, with_time)?;
    let path = file.display().to_string();
    let imported = Imported::from(&["fail2ban", FILES, "--bans", &path])?;
    let saved = imported.text("members.save")?;
    // The first is over; no set counts ten years.
    assert!(!saved.contains("198.51.100.1 "), "{saved}");
    assert!(
        saved.contains("add blacklist 198.51.100.2 timeout 2147483 comment"),
        "{saved}"
    );
    assert!(
        saved.contains("add blacklist_v6 2001:db8::3 timeout 0 comment"),
        "{saved}"
    );
    let left = imported.said("errors");
    assert!(
        left.iter().any(|said| said.starts_with("banned:4: nobody")),
        "{left:#?}"
    );

    fs::write(
        &file,
        "[{'portscan': ['198.51.100.4']}, {'other': []}, {'floods': ['2001:db8::5']}]\n",
    )?;
    let imported = Imported::from(&["fail2ban", FILES, "--bans", &path])?;
    let members = imported.path("members.save").display().to_string();
    let program = Tool::at(env!("CARGO_BIN_EXE_firewall-apply"));
    program.run(&["--config", "/dev/null", "apply", "--saved", "/dev/null"])?;
    program.run(&["--config", "/dev/null", "restore", "--file", &members])?;
    // As long as the bantime of its jail, less the moment that has passed.
    for (set, member, longest) in [
        ("blacklist", "198.51.100.4", 3600),
        ("blacklist_v6", "2001:db8::5", 604_800),
    ] {
        let list = Tool::require("ipset")?.run(&["save", set])?;
        let begin = format!("add {set} {member} timeout ");
        let timeout = list
            .lines()
            .find_map(|line| line.strip_prefix(&begin)?.split(' ').next());
        let timeout: u32 = timeout.ok_or(list.clone())?.parse()?;
        assert!(timeout <= longest && timeout > longest - 600, "{list}");
    }
    Ok(())
}

fn no_file_is_too_odd() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    fs::create_dir(root.join("jail.d"))?;
    fs::create_dir(root.join("filter.d"))?;
    let long = "%(a)s".repeat(1000);
    let odd = format!(
        "x = 1\n[INCLUDES]\nbefore = jail.conf\n  jail.local\nafter = /dev/null\n  ../../../../etc/shadow\n[DEFAULT]\na = {long}\nb = %(b)s\nc = %(nothing)s\nd = %\n\
        [one]\nenabled = true\nfailregex = SRC=<HOST>\nmaxretry = -1\nfindtime = %(b)s\nbantime = %(c)s\nignoreip = 0.0.0.0/0, ::ffff:1.2.3.4 host\n\
        [two]\nenabled = true\nfilter = ../../x\nfailregex = ^%% SRC=<HOST>\nbantime = 99999999999y\nmaxretry = 99999999999\nbantime.increment = true\nbantime.maxtime = 1s\n\
        [three]\nenabled = %(a)s\n[four\nenabled = true\n  more\n[]\n=\n[five]\nenabled = on\nbantime = -1\nfailregex = SRC=<HOST>\n"
    );
    for name in [
        "jail.conf",
        "jail.local",
        "jail.d/1.conf",
        "jail.d/2.local",
        "filter.d/one.conf",
    ] {
        fs::write(root.join(name), &odd)?;
    }
    fs::write(
        root.join("bans"),
        "[{'x\n'\n''''\n[\n{\n1.2.3.4\n1.2.3.4 = \n1.2.3.4 + -1 \n1.2.3.4 x = 99999-01-01 00:00:00\n",
    )?;
    let bans = root.join("bans").display().to_string();
    let imported = Imported::from(&["fail2ban", &root.display().to_string(), "--bans", &bans])?;
    assert_eq!(imported.status, Some(1), "{:#}", imported.report);
    Ok(())
}
