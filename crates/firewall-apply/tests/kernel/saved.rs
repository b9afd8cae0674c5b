//! Saved members: nothing is lost, nobody is banned for longer than was said.

use std::os::unix::fs::PermissionsExt as _;
use std::{fs, process};

use netns_testbed::{Failed, Tool, Trial, skip, trial};

use crate::host::{DEFAULTS, Scratch, all_rules, all_sets, apply, firewall_apply, text, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "saved_sets_come_back_as_they_were",
            saved_sets_come_back_as_they_were,
        ),
        trial("ipset_reads_what_was_saved", ipset_reads_what_was_saved),
        trial(
            "every_type_and_option_comes_back",
            every_type_and_option_comes_back,
        ),
        trial("apply_keeps_what_was_saved", apply_keeps_what_was_saved),
        trial("what_ipset_saved_is_restored", what_ipset_saved_is_restored),
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

fn save(path: &str) -> Result<(), Failed> {
    firewall_apply(&["save", "--file", path])?
        .exits(0)
        .map(drop)
}

fn destroy_all() -> Result<(), Failed> {
    firewall_apply(&["--config", DEFAULTS, "reset", "--sets"])?.exits(0)?;
    tool("ipset destroy").map(drop)
}

/// Members of every kind, permanent ones so that seconds do not matter.
fn fill() -> Result<(), Failed> {
    tool("ipset create whitelist hash:ip timeout 0 counters comment")?;
    tool("ipset add whitelist 192.0.2.1 packets 7 bytes 700")?;
    Tool::require("ipset")?.run(&[
        "add",
        "whitelist",
        "192.0.2.2",
        "comment",
        "the office, 2nd floor",
    ])?;
    apply()?.exits(0)?;
    for member in [
        "blacklist 198.51.100.0/24",
        "blacklist 198.51.100.7 nomatch",
        "blacklist_v6 2001:db8::/32",
        "throttle-soft 203.0.113.1",
        "throttle-hard_v6 2001:db8::1",
    ] {
        tool(&format!("ipset add {member}"))?;
    }
    Ok(())
}

fn saved_sets_come_back_as_they_were() -> Result<(), Failed> {
    fill()?;
    let sets = all_sets()?;
    let scratch = Scratch::new()?;
    let path = scratch.path("new/sets.save");
    save(&text(&path))?;
    assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::metadata(scratch.path("new"))?.permissions().mode() & 0o777,
        0o700
    );
    let first = fs::read_to_string(&path)?;
    assert!(
        first.starts_with("# rampart sets.save 1 saved=20"),
        "{first}"
    );

    destroy_all()?;
    let run = firewall_apply(&[
        "--config",
        DEFAULTS,
        "--json",
        "restore",
        "--file",
        &text(&path),
    ])?
    .exits(0)?;
    assert_eq!(all_sets()?, sets, "{run:?}");
    let added = |set: &serde_json::Value| set["added"].as_u64().unwrap_or_default();
    let document = run.json()?;
    assert_eq!(
        document["sets"]
            .as_array()
            .ok_or("no sets")?
            .iter()
            .map(added)
            .sum::<u64>(),
        7
    );

    destroy_all()?;
    firewall_apply(&["--config", DEFAULTS, "apply", "--saved", &text(&path)])?.exits(0)?;
    // The type is the configuration's; what the members carry is not lost with it.
    let came_back = all_sets()?.replace(
        "hash:net family inet hashsize 1024 maxelem 1048576 timeout 0 counters comment",
        "X",
    );
    let expected = sets.replace(
        "hash:ip family inet hashsize 1024 maxelem 65536 timeout 0 counters comment",
        "X",
    );
    assert_eq!(came_back, expected);
    Ok(())
}

fn ipset_reads_what_was_saved() -> Result<(), Failed> {
    fill()?;
    let sets = all_sets()?;
    let scratch = Scratch::new()?;
    let path = text(&scratch.path("sets.save"));
    save(&path)?;
    // Over the sets as they are, and into nothing.
    tool(&format!("ipset restore -exist -file {path}"))?;
    assert_eq!(all_sets()?, sets);
    destroy_all()?;
    tool(&format!("ipset restore -exist -file {path}"))?;
    assert_eq!(all_sets()?, sets);
    Ok(())
}

fn what_ipset_saved_is_restored() -> Result<(), Failed> {
    fill()?;
    tool("ipset create others hash:ip netmask 24")?;
    tool("ipset add others 192.0.2.9")?;
    let (sets, stock) = (all_sets()?, tool("ipset save")?);
    let scratch = Scratch::new()?;
    let path = scratch.file("stock", &stock)?;
    destroy_all()?;
    let run = firewall_apply(&["--config", DEFAULTS, "restore", "--file", &path])?.exits(0)?;
    assert_eq!(all_sets()?, sets, "{run:?}");
    Ok(())
}

/// Every type that all kernels have, and every option and what an entry can carry.
const EVERYTHING: &str = r#"create blacklist hash:net hashsize 64 maxelem 1000 timeout 0 counters comment skbinfo forceadd bucketsize 4 initval 0x1234
add blacklist 192.0.2.0/24 packets 3 bytes 5 comment "a b" skbmark 0x1/0xff skbprio 1:a skbqueue 7
add blacklist 192.0.2.7 nomatch skbmark 0x10
create blacklist_v6 hash:ip family inet6 netmask 64 timeout 0 counters
add blacklist_v6 2001:db8::1 packets 1 bytes 2
create whitelist hash:ip bitmask 255.0.255.0 timeout 0 comment
add whitelist 192.0.2.7 comment "x"
create bi bitmap:ip range 192.0.2.0/24 timeout 0 counters comment skbinfo
add bi 192.0.2.9 comment "bit" skbqueue 1
create bn bitmap:ip range 10.0.0.0/8 netmask 16
add bn 10.1.0.0
create bm bitmap:ip,mac range 192.0.2.0-192.0.2.255
add bm 192.0.2.9,02:00:00:00:00:01
create bp bitmap:port range 1-1024 timeout 0
add bp 80
create ip hash:ip,port
add ip 192.0.2.1,tcp:80
add ip 192.0.2.1,udp:53
create np hash:net,port skbinfo
add np 192.0.2.0/25,sctp:9 skbprio ffff:1
create ipi hash:ip,port,ip family inet6
add ipi 2001:db8::1,tcp:1,2001:db8::2
create ipn hash:ip,port,net
add ipn 192.0.2.1,tcp:1,198.51.100.0/24 nomatch
create ni hash:net,iface
add ni 192.0.2.0/24,physdev:eth0
add ni 192.0.2.0/24,eth wildcard
create ls list:set size 16 timeout 0 comment
add ls blacklist comment "first"
add ls ip before blacklist
"#;

fn make_everything() -> Result<(), Failed> {
    let made = Tool::require("ipset")?.input(EVERYTHING).run(&["restore"]);
    // Masks and layouts of a hash came with Linux 6.3 and 5.12.
    made.map(drop)
        .map_err(|why| skip(format!("not on this kernel: {why:?}")))
}

/// `ipset save` with everything in it; only the members of a list have an order.
fn ipset_save() -> Result<String, Failed> {
    let text = tool("ipset save")?;
    let (list, mut others): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| line.starts_with("add ls "));
    others.sort_unstable();
    others.extend(list);
    Ok(others.join("\n"))
}

fn take_away() -> Result<(), Failed> {
    // Sets in a list are in use.
    tool("ipset flush")?;
    tool("ipset destroy").map(drop)
}

fn every_type_and_option_comes_back() -> Result<(), Failed> {
    make_everything()?;
    let (sets, stock) = (ipset_save()?, tool("ipset save")?);
    let scratch = Scratch::new()?;
    let path = text(&scratch.path("sets.save"));
    firewall_apply(&["save", "--file", &path])?.exits(1)?;
    let saved = fs::read_to_string(&path)?;
    let everything_said = "create blacklist hash:net family inet hashsize 64 maxelem 1000 timeout 0 counters comment skbinfo forceadd \
                           bucketsize 4 initval 0x00001234\n";
    assert!(saved.contains(everything_said), "{saved}");

    // Ours put back what the stock tool wrote.
    take_away()?;
    let stock = scratch.file("stock", &stock)?;
    firewall_apply(&["--config", DEFAULTS, "restore", "--file", &stock])?.exits(0)?;
    assert_eq!(ipset_save()?, sets);
    // Into sets that are there, members without a line that creates their set.
    let members: String = fs::read_to_string(&stock)?
        .split_inclusive('\n')
        .filter(|line| line.starts_with("add "))
        .collect();
    let members = scratch.file("members", &members)?;
    tool("ipset flush")?;
    firewall_apply(&["--config", DEFAULTS, "restore", "--file", &members])?.exits(0)?;
    assert_eq!(ipset_save()?, sets);

    // The stock tool puts back what ours wrote, and so do ours, which lose forceadd no more.
    let ours = |line: &&str| {
        ["blacklist ", "blacklist_v6 ", "whitelist "]
            .iter()
            .any(|name| {
                line.split_once(' ')
                    .is_some_and(|(_, rest)| rest.starts_with(name))
            })
    };
    let sets: Vec<_> = sets.lines().filter(ours).collect();
    take_away()?;
    tool(&format!("ipset restore -file {path}"))?;
    assert_eq!(ipset_save()?, sets.join("\n"));
    take_away()?;
    firewall_apply(&["--config", DEFAULTS, "restore", "--file", &path])?.exits(0)?;
    assert_eq!(ipset_save()?, sets.join("\n"));
    let again = firewall_apply(&["save", "--file", "-"])?.exits(1)?.stdout;
    let lines = |text: &str| {
        let mut lines: Vec<_> = text.lines().skip(1).map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(lines(&again), lines(&saved));
    Ok(())
}

fn apply_keeps_what_was_saved() -> Result<(), Failed> {
    make_everything()?;
    let scratch = Scratch::new()?;
    let path = text(&scratch.path("sets.save"));
    firewall_apply(&["save", "--file", &path])?.exits(1)?;
    take_away()?;
    let run = firewall_apply(&["--config", DEFAULTS, "apply", "--saved", &path])?.exits(1)?;
    let sets = ipset_save()?;
    for line in [
        "create blacklist hash:net family inet hashsize 1024 maxelem 1048576 timeout 0 counters comment skbinfo bucketsize 4 \
         initval 0x00001234\n",
        "add blacklist 192.0.2.0/24 timeout 0 packets 3 bytes 5 comment \"a b\" skbmark 0x1/0xff skbprio 1:a skbqueue 7\n",
        "add blacklist 192.0.2.7 timeout 0 nomatch packets 0 bytes 0 skbmark 0x10\n",
        // Of another type now, where a network is one.
        "add blacklist_v6 2001:db8::/64 timeout 0 packets 1 bytes 2\n",
    ] {
        assert!(sets.contains(line), "{line} is not in {sets}");
    }
    // No network has such bits.
    let member = fs::read_to_string(&path)?
        .lines()
        .position(|line| line.starts_with("add whitelist "));
    let line = member.ok_or("not saved")? + 1;
    assert!(run.stderr.contains(&format!("{path}:{line}: ")), "{run:?}");
    assert!(run.stderr.contains("bitmask"), "{run:?}");
    assert!(all_rules()?.contains("FIREWALL_INPUT"));
    Ok(())
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
