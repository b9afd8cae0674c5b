//! Sets of the administrator's own, and lists that files hold.

use netns_testbed::{Failed, Trial, trial};
use serde_json::{Value, json};

use crate::host::{Run, Scratch, all_rules, all_sets, firewall_apply, text, tool};
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
        trial("a_list_grows_beyond_maxelem", a_list_grows_beyond_maxelem),
    ]
}

/// A directory with a configuration and lists.
pub(crate) struct Lists(pub(crate) Scratch);

impl Lists {
    pub(crate) fn new(config: &str) -> Result<Self, Failed> {
        let scratch = Scratch::new()?;
        scratch.file("firewall.toml", config)?;
        Ok(Self(scratch))
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Failed> {
        self.0.file(name, text).map(drop)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Run, Failed> {
        let config = text(&self.0.path("firewall.toml"));
        firewall_apply(&[&["--config", &config, "--json"], arguments].concat())
    }

    pub(crate) fn apply(&self, more: &[&str]) -> Result<Run, Failed> {
        let saved = text(&self.0.path("sets.save"));
        self.run(&[&["apply", "--saved", &saved], more].concat())
    }
}

/// Who is in a set of both families, as the stock tool says it.
pub(crate) fn members(set: &str) -> Result<Vec<String>, Failed> {
    let sets = all_sets()?;
    let (v4, v6) = (format!("add {set} "), format!("add {set}_v6 "));
    let lines = sets.lines();
    let added = lines.filter_map(|line| line.strip_prefix(&v4).or(line.strip_prefix(&v6)));
    Ok(added.map(str::to_owned).collect())
}

pub(crate) fn create_line(set: &str) -> Result<String, Failed> {
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

pub(crate) fn outcomes(run: &Run) -> Result<Vec<String>, Failed> {
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

/// So many addresses of which no two make a network.
pub(crate) fn addresses(count: u32) -> String {
    let address = |n| format!("198.51.{}.{}", n / 128, n % 128 * 2);
    (0..count).map(address).collect::<Vec<_>>().join("\n")
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
