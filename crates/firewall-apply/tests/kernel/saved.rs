//! Sets that are saved: nothing is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use netns_testbed::{Failed, Tool, Trial, skip, trial};

use crate::host::{
    DEFAULTS, FAMILIES, Scratch, all_rules, all_sets, apply, firewall_apply, text, tool,
};

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
        trial(
            "what_scans_remember_survives_a_reboot",
            what_scans_remember_survives,
        ),
        trial("what_ipset_saved_is_restored", what_ipset_saved_is_restored),
        trial("comments_come_back_byte_for_byte", comments_are_bytes),
    ]
}

/// Pardons and offenders are sets that no configuration names.
fn what_scans_remember_survives() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let saved = text(&scratch.path("sets.save"));
    let boot = || {
        let arguments = ["--config", DEFAULTS, "apply", "--saved", &saved];
        firewall_apply(&arguments)?.exits(0).map(drop)
    };
    boot()?;
    let remembered = [
        ("pardoned", "inet", "192.0.2.1"),
        ("pardoned_v6", "inet6", "2001:db8::1"),
        ("offenders", "inet", "198.51.100.0/24"),
        ("offenders_v6", "inet6", "2001:db8:1::/64"),
    ];
    for (name, family, who) in remembered {
        tool(&format!(
            "ipset create {name} hash:net family {family} timeout 0 comment"
        ))?;
        Tool::require("ipset")?.run(&["add", name, who, "comment", "two words"])?;
    }
    tool("ipset create others hash:net")?;
    let before: Result<Vec<String>, Failed> = remembered
        .iter()
        .map(|(name, _, _)| tool(&format!("ipset save {name}")))
        .collect();
    save(&saved)?;
    assert!(!fs::read_to_string(&saved)?.contains("others"));
    start_anew()?;
    boot()?;
    let sizeless = |saved: &str| {
        let (create, members) = saved.split_once('\n').unwrap_or_default();
        let options = create.split_once(" hashsize ").unwrap_or_default().0;
        (options.to_owned(), members.to_owned())
    };
    for ((name, _, _), before) in remembered.iter().zip(before?) {
        let after = tool(&format!("ipset save {name}"))?;
        assert_eq!(sizeless(&after), sizeless(&before), "{name}");
    }
    // Where there are none, none are made.
    start_anew()?;
    fs::remove_file(&saved)?;
    boot()?;
    assert!(!all_sets()?.contains("pardoned"));
    Ok(())
}

pub(crate) fn save(path: &str) -> Result<(), Failed> {
    firewall_apply(&["save", "--file", path])?
        .exits(0)
        .map(drop)
}

pub(crate) fn destroy_all() -> Result<(), Failed> {
    firewall_apply(&["--config", DEFAULTS, "reset", "--sets"])?.exits(0)?;
    tool("ipset destroy").map(drop)
}

/// What a start of the host leaves of the kernel's part: no rules and no sets.
pub(crate) fn start_anew() -> Result<(), Failed> {
    for (tool_name, _) in FAMILIES {
        for arguments in ["-P INPUT ACCEPT", "-P FORWARD ACCEPT", "-F", "-X"] {
            tool(&format!("{tool_name} {arguments}"))?;
        }
    }
    destroy_all()
}

/// Members of every kind, permanent ones so that seconds do not matter.
pub(crate) fn fill() -> Result<(), Failed> {
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
    // The type is the configuration's; what the members carry is not lost with it.
    let (of_now, of_before) = (
        "create whitelist hash:net family inet hashsize 1024 maxelem 1048576 ",
        "create whitelist hash:ip family inet hashsize 1024 maxelem 65536 ",
    );
    assert!(first.contains(of_now), "{first}");
    let path = scratch.file("before.save", &first.replace(of_now, of_before))?;
    firewall_apply(&["--config", DEFAULTS, "apply", "--saved", &path])?.exits(0)?;
    assert_eq!(all_sets()?, sets);
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

/// The kernel knows no encoding of comments.
fn comments_are_bytes() -> Result<(), Failed> {
    fill()?;
    let ipset = Tool::require("ipset")?;
    let member = b"add whitelist 192.0.2.3 timeout 0 packets 0 bytes 0 comment \"caf\xe9 \xff\"\n";
    ipset.input(member.as_slice()).run(&["restore"])?;
    let scratch = Scratch::new()?;
    let path = text(&scratch.path("sets.save"));
    save(&path)?;
    let holds = |bytes: &[u8]| bytes.windows(member.len()).any(|part| part == member);
    assert!(holds(&fs::read(&path)?));
    destroy_all()?;
    firewall_apply(&["--config", DEFAULTS, "restore", "--file", &path])?.exits(0)?;
    assert!(holds(&ipset.output(&["save", "whitelist"])?.stdout));
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

pub(crate) fn take_away() -> Result<(), Failed> {
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
