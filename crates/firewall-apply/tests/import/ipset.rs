//! ipset: the file is the one that the stock tool writes, and so is what is compared.

use std::fs;

use netns_testbed::{Failed, Tool, Trial, trial};

use crate::imported::Imported;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "ipset::sets_have_the_same_members",
            sets_have_the_same_members,
        ),
        trial("ipset::a_set_becomes_a_list", a_set_becomes_a_list),
        trial("ipset::no_file_is_too_odd", no_file_is_too_odd),
    ]
}

const SETS: &str = "\
create office hash:net family inet comment
add office 192.0.2.0/24 comment \"the office\"
add office 198.51.100.7
create office_v6 hash:net family inet6
add office_v6 2001:db8:1::/48
create visitors hash:ip family inet timeout 600
add visitors 198.51.100.9 timeout 300
create pairs hash:ip,port family inet
add pairs 198.51.100.10,tcp:443
create bad hash:net family inet comment timeout 0
add bad 203.0.113.7 comment \"seen twice\"
add bad 203.0.113.128/25 timeout 86400
create lonely6 hash:ip family inet6
add lonely6 2001:db8::5
create all list:set size 8
add all office
";

/// What `ipset save` says of these sets, made from these lines.
fn saved(lines: &str) -> Result<String, Failed> {
    Tool::require("ipset")?.input(lines).run(&["restore"])?;
    Tool::require("ipset")?.run(&["save"])
}

/// The members of a set, as the stock tool lists them.
fn members(set: &str) -> Result<Vec<String>, Failed> {
    let text = Tool::require("ipset")?.run(&["save", set])?;
    let lines = text.lines().filter_map(|line| line.strip_prefix("add "));
    // Less its timeout, of which some has passed.
    let words = lines.filter_map(|line| line.split(' ').nth(1));
    let mut members: Vec<String> = words.map(str::to_owned).collect();
    members.sort_unstable();
    Ok(members)
}

fn sets_have_the_same_members() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("sets");
    fs::write(&file, saved(SETS)?)?;
    let names = ["office", "office_v6", "visitors", "pairs"];
    let before: Result<Vec<_>, Failed> = names.iter().map(|name| members(name)).collect();
    Tool::require("ipset")?.run(&["destroy", "all"])?;
    Tool::require("ipset")?.run(&["destroy"])?;

    let file = file.display().to_string();
    let imported = Imported::from(&["ipset", &file, "--as", "bad=blacklist"])?;
    assert_eq!(imported.status, Some(1), "{:#}", imported.report);
    let left = imported.said("errors");
    assert!(
        left.iter().any(|said| said.contains("list:set")),
        "{left:#?}"
    );
    let toml = imported.text("firewall.toml")?;
    assert!(
        toml.contains("[[set]]\nname = \"office\"\nfile = \"office.txt\""),
        "{toml}"
    );
    assert!(
        imported
            .text("office.txt")?
            .contains("192.0.2.0/24 # the office")
    );

    let config = imported.path("firewall.toml").display().to_string();
    let program = Tool::at(env!("CARGO_BIN_EXE_firewall-apply"));
    program.run(&["--config", &config, "apply", "--saved", "/dev/null"])?;
    let saved = imported.path("members.save").display().to_string();
    program.run(&["--config", &config, "restore", "--file", &saved])?;
    let after: Result<Vec<_>, Failed> = names.iter().map(|name| members(name)).collect();
    assert_eq!(before?, after?);
    assert_eq!(members("blacklist")?, ["203.0.113.128/25", "203.0.113.7"]);
    // The name of a set of IPv6 ends in _v6.
    assert_eq!(members("lonely6_v6")?, ["2001:db8::5"]);
    let list = Tool::require("ipset")?.run(&["save", "visitors"])?;
    assert!(
        list.contains("add visitors 198.51.100.9 timeout "),
        "{list}"
    );
    Ok(())
}

fn a_set_becomes_a_list() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("sets");
    fs::write(&file, SETS)?;
    let file = file.display().to_string();
    let imported = Imported::from(&[
        "ipset",
        &file,
        "--as",
        "bad=blacklist",
        "--as",
        "office=whitelist",
    ])?;
    let toml = imported.text("firewall.toml")?;
    for part in [
        "whitelist = [",
        "\"192.0.2.0/24\"",
        "sets:2: the office",
        "\"2001:db8:1::/48\"",
        "\"203.0.113.7\"",
    ] {
        assert!(toml.contains(part), "{part}:\n{toml}");
    }
    let saved = imported.text("members.save")?;
    assert!(saved.starts_with("# rampart sets.save 1 saved="), "{saved}");
    assert!(
        saved.contains("add blacklist 203.0.113.128/25 timeout 86400"),
        "{saved}"
    );
    let missing = Imported::from(&["ipset", &file, "--as", "no=blacklist"])?;
    assert_eq!(missing.status, Some(2));
    Ok(())
}

fn no_file_is_too_odd() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("sets");
    let odd = "create\nadd x 1\ncreate whitelist hash:net family inet\nadd whitelist 0.0.0.0/1\nadd whitelist 192.0.2.1 nomatch\n\
        create a_v6 hash:net family inet\ncreate a_v6 hash:ip family inet6\ncreate b hash:ip family inet netmask 24 forceadd\n\
        create m hash:ip,mark family inet markmask 255\ncreate bm bitmap:port range 0-9\nadd bm 5\n\u{1b}\ncreate c hash:net family inet6\nadd c ::/0\nadd c fe80::/10\n";
    fs::write(&file, odd)?;
    let file = file.display().to_string();
    for more in [
        &[][..],
        &["--as", "c=blacklist"],
        &["--as", "whitelist=throttle-hard"],
    ] {
        let imported = Imported::from(&[&["ipset", &file], more].concat())?;
        assert_eq!(imported.status, Some(1), "{:#}", imported.report);
    }
    Ok(())
}
