//! Sets of the administrator's own, and lists that files hold.

use netns_testbed::{Failed, Trial, trial};
use serde_json::{Value, json};

use crate::host::{Run, Scratch, all_rules, all_sets, firewall_apply, text, tool};
use crate::machine::Machine;
use crate::saved::start_anew;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "own_sets_are_made_as_they_are_described",
            own_sets_are_made_as_they_are_described,
        ),
        trial(
            "the_longest_name_keeps_its_members",
            the_longest_name_keeps_its_members,
        ),
        trial(
            "a_file_fills_the_sets_of_both_families",
            a_file_fills_the_sets_of_both_families,
        ),
        trial(
            "a_file_with_a_mistake_changes_nothing",
            a_file_with_a_mistake_changes_nothing,
        ),
        trial(
            "at_boot_a_list_without_its_file_has_what_was_saved",
            at_boot_a_list_without_its_file_has_what_was_saved,
        ),
        trial(
            "a_block_list_is_merged_and_what_is_excepted_is_cut_out",
            a_block_list_is_merged_and_what_is_excepted_is_cut_out,
        ),
        trial(
            "a_block_list_that_shrinks_too_much_is_kept",
            a_block_list_that_shrinks_too_much_is_kept,
        ),
        trial("a_list_grows_beyond_maxelem", a_list_grows_beyond_maxelem),
        trial("refresh_touches_no_rule", refresh_touches_no_rule),
        trial(
            "a_relative_path_is_kept_with_the_configuration",
            a_relative_path_is_kept_with_the_configuration,
        ),
        trial("diff_tells_what_lists_lack", diff_tells_what_lists_lack),
        trial(
            "after_a_rollback_lists_have_what_they_had",
            after_a_rollback_lists_have_what_they_had,
        ),
    ]
}

/// A directory with a configuration and lists.
struct Lists(Scratch);

impl Lists {
    fn new(config: &str) -> Result<Self, Failed> {
        let scratch = Scratch::new()?;
        scratch.file("firewall.toml", config)?;
        Ok(Self(scratch))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failed> {
        self.0.file(name, text).map(drop)
    }

    fn run(&self, arguments: &[&str]) -> Result<Run, Failed> {
        let config = text(&self.0.path("firewall.toml"));
        firewall_apply(&[&["--config", &config, "--json"], arguments].concat())
    }

    fn apply(&self, more: &[&str]) -> Result<Run, Failed> {
        let saved = text(&self.0.path("sets.save"));
        self.run(&[&["apply", "--saved", &saved], more].concat())
    }
}

/// Who is in a set of both families, as the stock tool says it.
fn members(set: &str) -> Result<Vec<String>, Failed> {
    let sets = all_sets()?;
    let (v4, v6) = (format!("add {set} "), format!("add {set}_v6 "));
    let lines = sets.lines();
    let added = lines.filter_map(|line| line.strip_prefix(&v4).or(line.strip_prefix(&v6)));
    Ok(added.map(str::to_owned).collect())
}

fn create_line(set: &str) -> Result<String, Failed> {
    let sets = all_sets()?;
    let beginning = format!("create {set} ");
    let line = sets.lines().find_map(|line| line.strip_prefix(&beginning));
    Ok(line.unwrap_or("none").to_owned())
}

/// A set has another name until it has its members.
fn the_longest_name_keeps_its_members() -> Result<(), Failed> {
    let name = "a-name-of-twenty-eight-bytes";
    let lists = Lists::new(&format!("[[set]]\nname = \"{name}\"\n"))?;
    lists.apply(&[])?.exits(0)?;
    tool(&format!("ipset add {name} 192.0.2.1"))?;
    tool(&format!("ipset add {name}_v6 2001:db8::1"))?;
    let there = ["192.0.2.1 timeout 0", "2001:db8::1 timeout 0"];
    let saved = text(&lists.0.path("sets.save"));
    lists.run(&["save", "--file", &saved])?.exits(0)?;
    start_anew()?;
    lists.apply(&[])?.exits(0)?;
    assert_eq!(members(name)?, there);
    lists.write(
        "firewall.toml",
        &format!("[[set]]\nname = \"{name}\"\ntype = \"hash:ip\"\nfile = \"a.txt\"\n"),
    )?;
    // It has to be made anew, and its file cannot be read.
    lists.apply(&[])?.exits(1)?;
    assert_eq!(members(name)?, there);
    lists.write("a.txt", "192.0.2.2\n")?;
    let run = lists.apply(&[])?.exits(0)?;
    assert_eq!(outcomes(&run)?, ["replaced"]);
    assert_eq!(members(name)?, ["192.0.2.2 timeout 0"]);
    assert_eq!(all_sets()?.matches("create ").count(), 10);
    Ok(())
}

fn own_sets_are_made_as_they_are_described() -> Result<(), Failed> {
    let lists = Lists::new(
        "[[set]]\nname = \"guests\"\ntimeout = \"1h30m\"\ncomment = true\nmaxelem = 100\n\
         [[set]]\nname = \"pairs\"\ntype = \"hash:net,port\"\nfamily = \"inet6\"\ncounters = true\n",
    )?;
    lists.apply(&[])?.exits(0)?;
    let guests = "hash:net family inet hashsize 1024 maxelem 100 timeout 5400 comment";
    assert_eq!(create_line("guests")?, guests);
    assert_eq!(create_line("guests_v6")?, guests.replace("inet", "inet6"));
    assert_eq!(create_line("pairs")?, "none");
    assert_eq!(
        create_line("pairs_v6")?,
        "hash:net,port family inet6 hashsize 1024 maxelem 1048576 timeout 0 counters"
    );
    tool("ipset add guests 192.0.2.1 timeout 0 comment a-visitor")?;
    tool("ipset add pairs_v6 2001:db8::/32,tcp:80")?;
    let before = all_sets()?;
    let run = lists.apply(&[])?.exits(0)?;
    assert_eq!(run.json()?["rules"], "unchanged");
    assert_eq!(all_sets()?, before);
    lists.run(&["diff"])?.exits(0)?;
    lists.run(&["status", "--last", "/dev/null"])?.exits(0)?;
    lists.run(&["doctor", "--last", "/dev/null"])?;

    // One that is otherwise is replaced with its members.
    lists.write(
        "firewall.toml",
        "[[set]]\nname = \"guests\"\ntype = \"hash:ip\"\nmaxelem = 200\n",
    )?;
    assert!(
        lists
            .run(&["diff"])?
            .exits(1)?
            .stdout
            .contains("maxelem 200")
    );
    lists.apply(&[])?.exits(0)?;
    assert_eq!(
        create_line("guests")?,
        "hash:ip family inet hashsize 1024 maxelem 200 timeout 5400 comment"
    );
    assert_eq!(
        members("guests")?,
        ["192.0.2.1 timeout 0 comment \"a-visitor\""]
    );
    // It is saved, comes back, and goes with the others.
    let saved = text(&lists.0.path("sets.save"));
    lists.run(&["save", "--file", &saved])?.exits(0)?;
    start_anew()?;
    lists.apply(&[])?.exits(0)?;
    assert_eq!(
        members("guests")?,
        ["192.0.2.1 timeout 0 comment \"a-visitor\""]
    );
    lists.run(&["reset", "--sets"])?.exits(0)?;
    assert_eq!(create_line("guests")?, "none");
    Ok(())
}

const OFFICE: &str = "[[set]]\nname = \"office\"\nfile = \"office.txt\"\n\
    [[set]]\nname = \"admins\"\ntype = \"hash:ip\"\nfile = [\"admins.txt\", \"/dev/null\"]\n\
    [[service]]\nuse = \"ssh\"\nsources = [\"set:office\", \"set:admins\"]\n";

fn a_file_fills_the_sets_of_both_families() -> Result<(), Failed> {
    let lists = Lists::new(OFFICE)?;
    lists.write(
        "office.txt",
        "# the office\n192.0.2.1-192.0.2.9 # a range\n10.1.2.3/24\n\n2001:db8::/64\r\n192.0.2.4\n",
    )?;
    lists.write("admins.txt", "192.0.2.7\n192.0.2.6\n2001:db8::1\n")?;
    let run = lists.apply(&[])?.exits(0)?;
    let office = [
        "10.1.2.0/24",
        "192.0.2.1",
        "192.0.2.2/31",
        "192.0.2.4/30",
        "192.0.2.8/31",
        "2001:db8::/64",
    ];
    assert_eq!(members("office")?, office);
    assert_eq!(
        members("admins")?,
        ["192.0.2.6", "192.0.2.7", "2001:db8::1"]
    );
    assert_eq!(
        create_line("office")?,
        "hash:net family inet hashsize 1024 maxelem 1048576"
    );
    let told = &run.json()?["lists"][0];
    assert_eq!(
        (&told["entries"], &told["networks"], &told["outcome"]),
        (&json!(4), &json!(6), &json!("replaced"))
    );
    assert!(all_rules()?.contains("--match-set office src"));

    // Once is enough, whatever somebody did to it.
    let run = lists.apply(&[])?.exits(0)?;
    assert_eq!(outcomes(&run)?, ["unchanged", "unchanged"]);
    tool("ipset del office 192.0.2.1")?;
    tool("ipset add admins_v6 2001:db8::2")?;
    lists.write("office.txt", "192.0.2.1\n")?;
    let run = lists.apply(&[])?.exits(0)?;
    assert_eq!(outcomes(&run)?, ["replaced", "replaced"]);
    assert_eq!(members("office")?, ["192.0.2.1"]);
    assert_eq!(
        members("admins")?,
        ["192.0.2.6", "192.0.2.7", "2001:db8::1"]
    );
    lists.run(&["diff"])?.exits(0)?;
    Ok(())
}

fn outcomes(run: &Run) -> Result<Vec<String>, Failed> {
    let document = run.json()?;
    let lists = document["lists"].as_array().ok_or("no lists")?;
    let outcome = |list: &Value| list["outcome"].as_str().unwrap_or_default().to_owned();
    Ok(lists.iter().map(outcome).collect())
}

fn a_file_with_a_mistake_changes_nothing() -> Result<(), Failed> {
    let lists = Lists::new(OFFICE)?;
    lists.write("office.txt", "192.0.2.1\n")?;
    lists.write("admins.txt", "192.0.2.7\n")?;
    lists.apply(&[])?.exits(0)?;
    let rules = all_rules()?;
    lists.write("office.txt", "192.0.2.2\n192.0.2.3-\n2001:db8::/129\n")?;
    lists.write("admins.txt", "192.0.2.8\n192.0.2.0/24\n")?;
    let file = text(&lists.0.path("office.txt"));
    let admins = text(&lists.0.path("admins.txt"));
    for command in [
        &["refresh"][..],
        &["check"],
        &["apply", "--saved", "/dev/null"],
    ] {
        let run = lists.run(command)?.exits(1)?;
        for expected in [
            format!("error: {file}:2: \"192.0.2.3-\" is neither an address"),
            format!("error: {file}:3: a prefix of 129 bits"),
            format!("error: {admins}:2: 192.0.2.0-192.0.2.255 is more than one address"),
        ] {
            assert!(run.stderr.contains(&expected), "{command:?}: {run:?}");
        }
        assert_eq!(members("office")?, ["192.0.2.1"]);
        assert_eq!(members("admins")?, ["192.0.2.7"]);
        assert_eq!(all_rules()?, rules);
    }
    std::fs::remove_file(lists.0.path("office.txt"))?;
    let run = lists.run(&["refresh", "office"])?.exits(1)?;
    let expected = format!("cannot read {file}, which fills set \"office\": No such file");
    assert!(run.stderr.contains(&expected), "{run:?}");
    assert_eq!(members("office")?, ["192.0.2.1"]);
    let run = lists.run(&["refresh", "offices"])?.exits(2)?;
    assert!(run.stderr.contains("known are office, admins"), "{run:?}");
    Ok(())
}

fn at_boot_a_list_without_its_file_has_what_was_saved() -> Result<(), Failed> {
    let lists = Lists::new(OFFICE)?;
    let boot = || lists.apply(&["--boot", "--last", "/dev/null"]);
    let run = boot()?.exits(1)?;
    assert!(run.stderr.contains("office.txt"), "{run:?}");
    // Nobody is in the set, so that nobody gets in by it; everything else stands.
    assert!(all_rules()?.contains("--match-set office src"));
    assert_eq!(members("office")?, [""; 0]);
    assert_eq!(run.json()?["applied"], "configuration");

    lists.write("office.txt", "192.0.2.1\n2001:db8::/64\n")?;
    lists.write("admins.txt", "192.0.2.7\n")?;
    lists.apply(&["--last", "/dev/null"])?.exits(0)?;
    let saved = text(&lists.0.path("sets.save"));
    lists.run(&["save", "--file", &saved])?.exits(0)?;
    std::fs::remove_file(lists.0.path("office.txt"))?;
    lists.write("admins.txt", "192.0.2.8\n")?;
    start_anew()?;
    let run = boot()?.exits(1)?;
    assert_eq!(members("office")?, ["192.0.2.1", "2001:db8::/64"]);
    // What can be read is what counts.
    assert_eq!(members("admins")?, ["192.0.2.8"]);
    assert_eq!(outcomes(&run)?, ["kept", "replaced"]);
    Ok(())
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

/// So many addresses of which no two make a network.
fn addresses(count: u32) -> String {
    let address = |n| format!("198.51.{}.{}", n / 128, n % 128 * 2);
    (0..count).map(address).collect::<Vec<_>>().join("\n")
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

fn a_list_grows_beyond_maxelem() -> Result<(), Failed> {
    let lists = Lists::new(
        "[sets]\nmaxelem = 64\n[[blocklist]]\nname = \"many\"\nfile = \"many.txt\"\n\
         [[set]]\nname = \"single\"\ntype = \"hash:ip\"\nfile = \"many.txt\"\n",
    )?;
    lists.write("many.txt", &addresses(1000))?;
    let run = lists.apply(&[])?.exits(0)?;
    assert_eq!(run.stderr, "");
    assert_eq!(
        (members("many")?.len(), members("single")?.len()),
        (1000, 1000)
    );
    assert!(create_line("many")?.contains("maxelem 1000"));
    // A set that has grown is as it is wanted.
    let before = all_sets()?;
    let run = lists.apply(&[])?.exits(0)?;
    assert_eq!(
        (run.json()?["rules"].as_str(), &*run.stderr),
        (Some("unchanged"), "")
    );
    assert_eq!(outcomes(&run)?, ["unchanged", "unchanged"]);
    assert_eq!(all_sets()?, before);
    let run = lists.run(&["status", "--last", "/dev/null"])?.exits(0)?;
    assert!(!run.stderr.contains("full"), "{run:?}");
    lists.run(&["diff"])?.exits(0)?;
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
