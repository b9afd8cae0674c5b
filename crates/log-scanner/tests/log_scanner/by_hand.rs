//! What an administrator does by hand: who is banned and why, banning, and letting go for good.

use netns_testbed::Failed;
use serde_json::{Value, json};

use crate::support::{Ran, START, Scanner, Sets, V4, V6, blocked, line, packet};

crate::trials!(
    who_is_banned_and_why,
    whether_an_address_is_banned,
    a_ban_by_hand,
    who_must_not_be_banned,
    an_unban_lasts,
    later_evidence_counts,
    out_of_every_set_and_excepted_from_networks,
    an_exception_is_prolonged_with_its_network,
    of_a_network_everybody_is_let_go,
    whom_the_firewall_itself_has_banned,
    a_ban_ends_a_pardon,
    sets_that_are_not_there,
);

fn by_hand(arguments: &[&str]) -> Ran {
    let scanner = Scanner::new("");
    let mut command = scanner.command();
    Ran::new(&command.args(arguments).output().expect("started"))
}

fn document(arguments: &[&str], status: i32) -> Value {
    let ran = by_hand(&[arguments, &["--json"]].concat());
    ran.done(status);
    serde_json::from_str(&ran.stdout).expect("one document")
}

/// The outcomes of a scan of what two sources did at second 0 to 6, a minute later.
fn scan(seconds: std::ops::Range<i64>) -> Value {
    let at = seconds.end + 60;
    Scanner::new(blocked(&[V4, V6], seconds))
        .rule()
        .at(at)
        .json(0)
}

fn who_is_banned_and_why() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    by_hand(&["bans"]).done(0).says("nobody is banned\n");
    scan(0..7);
    sets.add("blacklist", "198.51.100.0/24 timeout 0 comment mine")?;
    sets.add("blacklist", "198.51.100.9 nomatch timeout 0")?;
    let ran = by_hand(&["bans"]);
    ran.done(0)
        .says("ADDRESS            SET              SINCE")
        .says("blocked tcp: 7 hits within 10s, first 2026-11-22 08:00:00 +00:00, last 2026-11-22 08:00:06 +00:00\n")
        .says("exception (nomatch): -\n");
    let line = |address: &str| {
        let mut lines = ran.stdout.lines();
        let line = lines.find(|line| line.starts_with(&format!("{address} ")));
        line.unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(
        line(V4).starts_with("203.0.113.7 blacklist 2026-11-22 08:01:07 +00:00 20"),
        "{}",
        line(V4)
    );
    assert!(line(V6).starts_with("2001:db8:1::7 blacklist_v6 2026-11-22 08:01:07 +00:00 20"));
    assert_eq!(
        line("198.51.100.0/24"),
        "198.51.100.0/24 blacklist - for good mine"
    );
    let told = document(&["bans"], 0);
    let entries = told["entries"].as_array().ok_or("no list")?;
    assert_eq!(entries.len(), 4);
    let of = |source: &str| {
        entries
            .iter()
            .find(|entry| entry["source"] == source)
            .expect(source)
    };
    assert_eq!(
        of(V6)["why"],
        json!({ "by": "scan", "rule": "blocked", "type": "tcp", "hits": 7, "within": 10,
            "first": "2026-11-22T08:00:00Z", "last": "2026-11-22T08:00:06Z", "since": "2026-11-22T08:01:07Z" })
    );
    assert_eq!(of("198.51.100.9")["kind"], "exception");
    assert_eq!(of("198.51.100.0/24")["until"], Value::Null);
    Ok(())
}

fn whether_an_address_is_banned() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    sets.create("throttle-hard", "hash:net timeout 0")?;
    sets.add("blacklist", "198.51.100.0/24 timeout 0")?;
    sets.add("blacklist", "198.51.100.9 nomatch timeout 0")?;
    sets.add("throttle-hard", "198.51.0.0/16 timeout 600")?;
    for (address, status, banned_in) in [
        ("198.51.100.7", 0, json!(["blacklist", "throttle-hard"])),
        ("198.51.100.9", 0, json!(["throttle-hard"])),
        ("198.51.100.0/25", 0, json!(["blacklist", "throttle-hard"])),
        ("198.51.0.0/16", 0, json!(["throttle-hard"])),
        ("198.50.0.0/15", 1, json!([])),
        ("203.0.113.7", 1, json!([])),
        ("2001:db8::7", 1, json!([])),
    ] {
        let told = document(&["bans", address], status);
        assert_eq!(told["banned_in"], banned_in, "{address}");
    }
    let ran = by_hand(&["bans", "198.51.100.9"]);
    ran.done(0)
        .says("198.51.100.0/24 ")
        .says("exception (nomatch): ")
        .says("198.51.100.9 is banned in throttle-hard\n");
    by_hand(&["bans", V4])
        .done(1)
        .says("203.0.113.7 is not banned\n");
    let named = document(&["bans", "198.51.100.9", "--set", "blacklist"], 1);
    assert_eq!(named["entries"].as_array().map(Vec::len), Some(2));
    Ok(())
}

fn a_ban_by_hand() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    by_hand(&["ban", V4, "--for", "2h", "--why", "asked \"for\" by Bob"])
        .done(0)
        .says("[ACTION] 203.0.113.7: added to blacklist for 2h, until ")
        .says("; by hand: asked for by Bob\n");
    sets.assert_left("blacklist", V4, 7200)?;
    let members = sets.members("blacklist")?;
    assert!(
        members[V4].ends_with(" why=asked for by Bob\""),
        "{members:?}"
    );
    by_hand(&["ban", V4])
        .done(0)
        .says("added to blacklist for 1d");
    by_hand(&["ban", V4, "--for", "1m"])
        .done(0)
        .says("kept: 203.0.113.7 is in blacklist for ");
    sets.assert_left("blacklist", V4, 86_400)?;
    let told = document(&["ban", "2001:db8::/64", "--set", "blacklist"], 0);
    assert_eq!(
        (&told["set"], &told["outcome"], &told["timeout"]),
        (&json!("blacklist_v6"), &json!("added"), &json!(86_400))
    );
    assert_eq!(sets.names("blacklist_v6")?, ["2001:db8::/64"]);
    // Whatever a scan finds, it stays what it is.
    scan(0..7);
    assert!(sets.members("blacklist")?[V4].contains("ban: since="));
    Ok(())
}

fn who_must_not_be_banned() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    sets.create("whitelist", "hash:net")?;
    sets.add("whitelist", "198.51.100.9")?;
    for (source, why) in [
        (
            "198.51.100.9",
            "[ERROR] 198.51.100.9 is not banned: it is a member of whitelist; --force",
        ),
        (
            "198.51.100.0/24",
            "198.51.100.9 in it is a member of whitelist; --force",
        ),
        ("127.0.0.1", "it is a loopback address"),
        ("::/1", ":: in it is the unspecified address; --force"),
    ] {
        by_hand(&["ban", source]).done(1).says(why);
    }
    assert!(sets.names("blacklist")?.is_empty());
    by_hand(&["ban", "198.51.100.0/24", "--force"]).done(0);
    assert_eq!(sets.names("blacklist")?, ["198.51.100.0/24"]);
    Ok(())
}

/// What `ipset del` does not do.
fn an_unban_lasts() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    scan(0..7);
    sets.ipset("del blacklist 203.0.113.7")?;
    scan(0..7);
    assert_eq!(sets.names("blacklist")?, [V4], "the log holds the evidence");
    for source in [V4, V6] {
        by_hand(&["unban", source, "--why", "ours"])
            .done(0)
            .says(&format!("[ACTION] {source}: taken out of blacklist"))
            .says(&format!(
                "[ACTION] {source}: pardoned, what came from it until 20"
            ));
    }
    let report = scan(0..7);
    assert_eq!(report["rules"][0]["matched"], 0, "{report}");
    assert!(sets.names("blacklist")?.is_empty() && sets.names("blacklist_v6")?.is_empty());
    let told = document(&["bans", V4], 1);
    assert_eq!(told["entries"][0]["kind"], "pardon");
    assert_eq!(told["entries"][0]["why"]["why"], "ours");
    // It is there as long as a ban could be that is dated from before.
    sets.assert_left("pardoned", V4, 2_147_483)?;
    sets.assert_left("pardoned_v6", V6, 2_147_483)
}

fn later_evidence_counts() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    sets.create("pardoned", "hash:net timeout 0 comment")?;
    // As unban writes it; the second 3 is the last that does not count.
    let add = "add pardoned 203.0.113.7 timeout 0 comment unban:_since=2026-11-22T08:00:03Z";
    let words: Vec<_> = add.split(' ').map(|word| word.replace('_', " ")).collect();
    let done = std::process::Command::new("ipset").args(&words).status()?;
    assert!(done.success());
    let report = scan(0..8);
    assert_eq!(
        report["rules"][0]["violations"].as_array().map(Vec::len),
        Some(1),
        "{report}"
    );
    assert!(sets.names("blacklist")?.is_empty(), "4 hits are not 5");
    let report = scan(0..9);
    assert_eq!(report["rules"][0]["violations"][0]["hits"], 5);
    assert_eq!(
        report["rules"][0]["violations"][0]["first_seen"],
        "2026-11-22T08:00:04Z"
    );
    assert_eq!(sets.names("blacklist")?, [V4]);
    Ok(())
}

fn out_of_every_set_and_excepted_from_networks() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    sets.create("throttle-hard", "hash:net timeout 0")?;
    sets.create("own", "hash:ip timeout 0")?;
    sets.add("blacklist", "203.0.113.7 timeout 600")?;
    sets.add("blacklist", "203.0.113.0/24 timeout 3600")?;
    sets.add("throttle-hard", "203.0.112.0/20 timeout 0")?;
    sets.add("own", "203.0.113.7 timeout 0")?;
    let rules = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nhowmany = 5\nwithin = \"10s\"\nipset = \"own\"\nremoveafter = \"1h\"\n";
    let scanner = Scanner::new("").write("scan.toml", rules);
    sets.create("own_v6", "hash:ip family inet6 timeout 0")?;
    let ran = scanner.with("unban 203.0.113.7 --rules scan.toml").run();
    ran.done(0)
        .says("[ACTION] 203.0.113.7: taken out of blacklist\n")
        .says("[ACTION] 203.0.113.7: excepted (nomatch) in blacklist from 203.0.113.0/24, which stays banned\n")
        .says("[ACTION] 203.0.113.7: excepted (nomatch) in throttle-hard from 203.0.112.0/20, which stays banned\n")
        .says("[ACTION] 203.0.113.7: taken out of own\n");
    for set in ["blacklist", "throttle-hard", "own"] {
        assert!(sets.ipset(&format!("test {set} {V4}")).is_err(), "{set}");
    }
    sets.ipset("test blacklist 203.0.113.8")?;
    assert!(sets.members("throttle-hard")?[V4].starts_with("timeout 0 nomatch"));
    sets.assert_left("blacklist", V4, 4260)?;
    // A scan leaves the exception there, and adds nobody.
    scan(0..7);
    assert!(sets.ipset(&format!("test blacklist {V4}")).is_err());
    Ok(())
}

/// By the stock tool's account; of both families.
fn an_exception_is_prolonged_with_its_network() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    let scan = |removeafter: &str| {
        let neighbours = |start: &str| -> String {
            let hosts = 1..6;
            let lines = hosts.map(|host| {
                let packet = packet("BLOCKED", &format!("{start}{host}"), "TCP");
                line(START + host, &packet)
            });
            lines.collect()
        };
        let log = neighbours("203.0.113.") + &neighbours("2001:db8:66::");
        let rule =
            "--rule blocked --type tcp --howmany 5 --within 10s --ipset blacklist --log fw.log";
        let scanner = Scanner::new(log)
            .with(rule)
            .with("--removeafter")
            .with(removeafter);
        let networks = "--aggregate-v4 24 --aggregate-v6 64";
        scanner.with(networks).at(60).json(0)
    };
    scan("1h");
    let let_go = [
        ("blacklist", "203.0.113.9"),
        ("blacklist_v6", "2001:db8:66::9"),
    ];
    for (set, address) in let_go {
        by_hand(&["unban", address])
            .done(0)
            .says("excepted (nomatch)");
        sets.assert_left(set, address, 3545 + 660)?;
    }
    let report = scan("2h");
    for (number, (_, address)) in let_go.iter().enumerate() {
        let excepted = &report["rules"][0]["violations"][number]["except"];
        assert_eq!(*excepted, json!([address]));
    }
    for (set, address) in let_go {
        sets.assert_left(set, address, 7145 + 660)?;
        assert!(sets.members(set)?[address].contains("nomatch comment \"unban: since="));
        assert!(sets.ipset(&format!("test {set} {address}")).is_err());
    }
    sets.assert_left("blacklist", "203.0.113.0/24", 7145)?;
    sets.assert_left("blacklist_v6", "2001:db8:66::/64", 7145)?;
    // Without the pardon it ends when it would have.
    sets.ipset("flush pardoned")?;
    sets.ipset("flush pardoned_v6")?;
    scan("3h");
    for (set, address) in let_go {
        sets.assert_left(set, address, 7145 + 660)?;
    }
    sets.assert_left("blacklist", "203.0.113.0/24", 10_745)?;
    Ok(())
}

fn of_a_network_everybody_is_let_go() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    scan(0..7);
    sets.add("blacklist", "203.0.113.128/25 timeout 0")?;
    sets.add("blacklist", "203.0.114.1 timeout 0")?;
    let told = document(&["unban", "203.0.113.0/24"], 0);
    let of_set = &told["sets"][0];
    assert_eq!(of_set["removed"], json!([V4, "203.0.113.128/25"]));
    assert_eq!(of_set["error"], Value::Null);
    scan(0..7);
    assert_eq!(sets.names("blacklist")?, ["203.0.114.1"]);
    assert_eq!(sets.names("blacklist_v6")?, [V6]);
    Ok(())
}

/// What the rules put into a set by themselves has no comment; it is told, prolonged by a scan and
/// let go all the same.
fn whom_the_firewall_itself_has_banned() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    for (set, of, address) in [
        ("blacklist-instant", "inet", V4),
        ("throttle-hard-instant", "inet", V4),
        ("blacklist-instant_v6", "inet6", V6),
    ] {
        sets.create(set, &format!("hash:ip family {of} timeout 0"))?;
        sets.add(set, &format!("{address} timeout 600"))?;
    }
    by_hand(&["bans"])
        .done(0)
        .says("by the firewall itself, at the packet that was one too many ([[instant]])\n");
    let told = document(&["bans", V6], 0);
    assert_eq!(told["banned_in"], json!(["blacklist-instant_v6"]));
    let entry = &told["entries"][0];
    assert_eq!(
        (&entry["instant"], &entry["why"], &entry["since"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    scan(0..7);
    let told = document(&["bans", V4], 0);
    let both = json!(["blacklist", "blacklist-instant", "throttle-hard-instant"]);
    assert_eq!(told["banned_in"], both);
    by_hand(&["unban", V4])
        .done(0)
        .says("[ACTION] 203.0.113.7: taken out of blacklist-instant\n")
        .says("[ACTION] 203.0.113.7: taken out of throttle-hard-instant\n");
    by_hand(&["bans", V4]).done(1);
    by_hand(&["bans", V6]).done(0);
    Ok(())
}

fn a_ban_ends_a_pardon() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    by_hand(&["unban", V4])
        .done(0)
        .says("203.0.113.7 was in none of the sets\n");
    by_hand(&["ban", V4, "--for", "1m"])
        .done(0)
        .says("[ACTION] 203.0.113.7: not pardoned any more");
    assert!(sets.names("pardoned")?.is_empty());
    sets.ipset("flush blacklist")?;
    scan(0..7);
    assert_eq!(sets.names("blacklist")?, [V4]);
    Ok(())
}

fn sets_that_are_not_there() -> Result<(), Failed> {
    let _none = Sets::none()?;
    by_hand(&["bans"]).done(0).says("nobody is banned\n");
    by_hand(&["bans", "--set", "blacklist"])
        .done(2)
        .complains("there is no set \"blacklist\" or \"blacklist_v6\"");
    by_hand(&["ban", V4]).done(2).complains("it does not exist");
    by_hand(&["bans", "--rules", "/dev/null"])
        .done(2)
        .complains("it holds no [[rule]]");
    Ok(())
}
