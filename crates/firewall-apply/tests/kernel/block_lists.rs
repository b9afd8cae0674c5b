//! Block lists, and what becomes of lists besides `apply`: refresh, diff, rollback.

use netns_testbed::{Failed, Trial, trial};

use crate::host::{Scratch, all_rules, all_sets, firewall_apply, text, tool};
use crate::lists::{Lists, addresses, members, outcomes};
use crate::machine::Machine;
use crate::saved::start_anew;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_block_list_is_merged_and_what_is_excepted_is_cut_out",
            a_block_list_is_merged_and_what_is_excepted_is_cut_out,
        ),
        trial(
            "a_block_list_that_shrinks_too_much_is_kept",
            a_block_list_that_shrinks_too_much_is_kept,
        ),
        trial(
            "a_relative_path_is_kept_with_the_configuration",
            a_relative_path_is_kept_with_the_configuration,
        ),
        trial("diff_tells_what_lists_lack", diff_tells_what_lists_lack),
        trial(
            "after_a_rollback_lists_have_what_they_had",
            after_a_rollback_lists_have_what_they_had,
        ),
        trial("refresh_touches_no_rule", refresh_touches_no_rule),
    ]
}

const BLOCK: &str = "[sets.members]\nwhitelist = [\"198.51.100.7\", \"2001:db8::7\"]\n\
    [[blocklist]]\nname = \"others\"\nfile = [\"one.txt\", \"two.txt\"]\n";

fn a_block_list_is_merged_and_what_is_excepted_is_cut_out() -> Result<(), Failed> {
    let lists = Lists::new(BLOCK)?;
    tool("ip address add 203.0.113.9/32 dev lo")?;
    lists.write(
        "one.txt",
        "; fetched\n198.51.100.0/30 ; a\n198.51.100.4/30\n198.51.100.6\n192.0.2.128/25\n192.0.2.0-192.0.2.127\n",
    )?;
    lists.write(
        "two.txt",
        "203.0.113.8/30\n10.0.0.0/8\n127.0.0.1\n2001:db8::6/127\n2001:db8::8/125\nfd00::1\n",
    )?;
    let run = lists.apply(&[])?.exits(0)?;
    assert_eq!(
        members("others")?,
        [
            "192.0.2.0/24",
            "198.51.100.0/30",
            "198.51.100.4/31",
            "198.51.100.6",
            "203.0.113.10/31",
            "203.0.113.8",
            "2001:db8::6",
            "2001:db8::8/125",
        ]
    );
    let told = &run.json()?["lists"][0];
    assert_eq!(told["entries"], 11);
    let taken_out = told["taken_out"].as_array().ok_or("nothing")?;
    let taken_out: Vec<(Option<&str>, Option<&str>)> = taken_out
        .iter()
        .map(|cut| (cut["network"].as_str(), cut["why"].as_str()))
        .collect();
    assert_eq!(
        taken_out,
        [
            (Some("10.0.0.0/8"), Some("private")),
            (Some("127.0.0.1/32"), Some("private")),
            (Some("fd00::1/128"), Some("private")),
            (Some("203.0.113.9/32"), Some("own")),
            (Some("198.51.100.7/32"), Some("whitelisted")),
            (Some("2001:db8::7/128"), Some("whitelisted")),
        ]
    );
    let rules = all_rules()?;
    for set in ["others", "others_v6"] {
        let rule =
            format!("--match-set {set} src -j LOG_AND_DROP\n-A FIREWALL_INPUT -j FIREWALL_LOCAL");
        assert!(rules.contains(&rule), "{rules}");
    }
    // Who is whitelisted by hand is cut out the next time, and comes back when he is not any more.
    tool("ipset add whitelist 192.0.2.0/25")?;
    let config = text(&lists.0.path("firewall.toml"));
    let run = firewall_apply(&["--config", &config, "refresh"])?.exits(0)?;
    assert!(
        run.stdout.contains(
            "others            11 entries, 8 networks, 7 taken out (3 private, 1 own, 3 whitelisted); 8 put in, 8 before\n"
        ),
        "{run:?}"
    );
    assert!(members("others")?.contains(&"192.0.2.128/25".to_owned()));
    tool("ipset del whitelist 192.0.2.0/25")?;
    lists.run(&["refresh", "others"])?.exits(0)?;
    assert!(members("others")?.contains(&"192.0.2.0/24".to_owned()));

    lists.write("two.txt", "0.0.0.0/1\n128.0.0.0/1\n")?;
    let run = lists.run(&["refresh"])?.exits(1)?;
    assert!(run.stderr.contains("everybody would be blocked"), "{run:?}");
    assert!(members("others")?.contains(&"192.0.2.0/24".to_owned()));
    Ok(())
}

fn a_block_list_that_shrinks_too_much_is_kept() -> Result<(), Failed> {
    let lists = Lists::new(
        "[[blocklist]]\nname = \"half\"\nfile = \"half.txt\"\n\
         [[blocklist]]\nname = \"any\"\nfile = \"half.txt\"\nmax-shrink = \"100%\"\n",
    )?;
    lists.write("half.txt", &addresses(100))?;
    lists.apply(&[])?.exits(0)?;
    lists.write("half.txt", &addresses(49))?;
    let refused = "list \"half\" has 49 networks now and had 100: it shrinks by more than its max-shrink, 50%";
    let run = lists.run(&["refresh"])?.exits(1)?;
    assert!(run.stderr.contains(refused), "{run:?}");
    assert_eq!(outcomes(&run)?, ["kept", "replaced"]);
    assert_eq!((members("half")?.len(), members("any")?.len()), (100, 49));
    let run = lists.apply(&[])?.exits(1)?;
    assert!(run.stderr.contains(refused), "{run:?}");
    assert_eq!(members("half")?.len(), 100);

    // Also where there is no set to compare with but a saved one.
    let saved = text(&lists.0.path("sets.save"));
    lists.run(&["save", "--file", &saved])?.exits(0)?;
    start_anew()?;
    let run = lists.apply(&["--boot"])?.exits(1)?;
    assert!(run.stderr.contains(refused), "{run:?}");
    assert_eq!((members("half")?.len(), members("any")?.len()), (100, 49));

    lists
        .run(&["refresh", "--allow-shrink", "half"])?
        .exits(0)?;
    assert_eq!(members("half")?.len(), 49);
    // Half of it is not too much, nor is what is merged.
    lists.write("half.txt", &addresses(25))?;
    lists.run(&["refresh"])?.exits(0)?;
    lists.write("half.txt", "198.51.0.0/16\n")?;
    lists.run(&["refresh"])?.exits(0)?;
    assert_eq!(members("half")?, ["198.51.0.0/16"]);
    Ok(())
}

fn refresh_touches_no_rule() -> Result<(), Failed> {
    let lists = Lists::new("[[blocklist]]\nname = \"a\"\nfile = \"a.txt\"\n")?;
    lists.write("a.txt", "192.0.2.1\n")?;
    // Before the first apply there is nothing to be filled.
    let run = lists.run(&["refresh"])?.exits(1)?;
    assert!(
        run.stderr
            .contains("there is no set \"a\"; `firewall-apply` makes it"),
        "{run:?}"
    );
    assert_eq!(all_sets()?, "");
    lists.apply(&[])?.exits(0)?;
    tool("iptables -A FIREWALL_INPUT -j RETURN")?;
    let rules = all_rules()?;
    lists.write("a.txt", "192.0.2.0/24\n")?;
    let run = lists.run(&["refresh"])?.exits(0)?;
    assert_eq!(outcomes(&run)?, ["replaced"]);
    assert_eq!(
        outcomes(&lists.run(&["refresh"])?.exits(0)?)?,
        ["unchanged"]
    );
    assert_eq!(members("a")?, ["192.0.2.0/24"]);
    assert_eq!(all_rules()?, rules);
    let none = firewall_apply(&["--config", "/dev/null", "refresh"])?.exits(0)?;
    assert!(none.stderr.contains("there is no list"), "{none:?}");
    Ok(())
}

/// The configuration that went in last lies elsewhere.
fn a_relative_path_is_kept_with_the_configuration() -> Result<(), Failed> {
    let lists = Lists::new("[[blocklist]]\nname = \"a\"\nfile = \"lists/a.txt\"\n")?;
    std::fs::create_dir(lists.0.path("lists"))?;
    lists.write("lists/a.txt", "192.0.2.1\n")?;
    let state = Scratch::new()?;
    let saved = text(&state.path("sets.save"));
    let apply = || lists.run(&["apply", "--saved", &saved]);
    apply()?.exits(0)?;
    assert_eq!(apply()?.exits(0)?.json()?["rules"], "unchanged");
    start_anew()?;
    lists.write("firewall.toml", "[log\n")?;
    let run = apply()?.exits(1)?;
    assert_eq!(run.json()?["applied"], "last");
    assert_eq!(members("a")?, ["192.0.2.1"]);
    Ok(())
}

fn diff_tells_what_lists_lack() -> Result<(), Failed> {
    let lists = Lists::new("[[blocklist]]\nname = \"a\"\nfile = \"a.txt\"\n")?;
    lists.write("a.txt", "192.0.2.1\n2001:db8::1\n")?;
    lists.apply(&[])?.exits(0)?;
    lists.write("a.txt", "192.0.2.2\n2001:db8::1\n")?;
    let config = text(&lists.0.path("firewall.toml"));
    let run = firewall_apply(&["--config", &config, "print", "--format", "ipset-save"])?;
    let file = text(&lists.0.path("a.txt"));
    let last = format!("# a: what stands in {file}, max-shrink 50%\n");
    assert!(run.exits(0)?.stdout.ends_with(&last));
    let doctor = || -> Result<bool, Failed> {
        let run = lists.run(&["doctor", "--last", "/dev/null"])?;
        Ok(run
            .stdout
            .contains("list \\\"a\\\" is not what its sets have"))
    };
    assert!(doctor()?);
    let run = firewall_apply(&["--config", &config, "diff"])?.exits(1)?;
    assert_eq!(
        run.stdout,
        "# lists\n-add a 192.0.2.1/32\n+add a 192.0.2.2/32\n# set a: 1 out, 1 in\n"
    );
    lists.run(&["refresh"])?.exits(0)?;
    lists.run(&["diff"])?.exits(0)?;
    assert!(!doctor()?);
    let run = firewall_apply(&["--config", &config, "check"])?.exits(0)?;
    assert!(
        run.stdout.ends_with("list a: 2 entries, no errors\n"),
        "{run:?}"
    );
    Ok(())
}

fn after_a_rollback_lists_have_what_they_had() -> Result<(), Failed> {
    let machine = Machine::new()?;
    let list = Scratch::new()?;
    let write = |text: &str| list.file("a.txt", text);
    let file = write("192.0.2.0/24\n2001:db8::1\n192.0.2.200\n")?;
    let config = format!(
        "[[blocklist]]\nname = \"a\"\nfile = \"{file}\"\n[[set]]\nname = \"same\"\nfile = \"{file}\"\n"
    );
    machine.apply(&config, &[])?.exits(0)?;
    let before = all_sets()?;
    write("198.51.100.1\n192.0.2.0/25\n")?;
    let more = format!("[[blocklist]]\nname = \"b\"\nfile = \"{file}\"\n{config}");
    let run = machine
        .apply(&more, &["--confirm-within", "1h"])?
        .exits(0)?;
    assert_eq!(outcomes(&run)?, ["replaced", "replaced", "replaced"]);
    assert_eq!(members("a")?, ["192.0.2.0/25", "198.51.100.1"]);
    machine.say("rollback")?.exits(0)?;
    assert_eq!(all_sets()?, before);
    // And what is confirmed stays.
    machine
        .apply(&more, &["--confirm-within", "1h"])?
        .exits(0)?;
    machine.say("confirm")?.exits(0)?;
    assert_eq!(members("a")?, ["192.0.2.0/25", "198.51.100.1"]);
    Ok(())
}
