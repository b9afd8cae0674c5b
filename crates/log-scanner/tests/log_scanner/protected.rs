//! Whom this host cannot do without: never banned unless by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use netns_testbed::{Failed, Tool};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::following::{Follow, banned, lines};
use crate::support::{RULE, Ran, Scanner, Sets, blocked, outcomes, violations};

crate::trials!(
    gateways_of_every_table,
    servers_that_files_name,
    who_is_logged_in,
    in_a_network,
    by_hand,
    who_is_exempt_and_why,
    whoever_comes_while_it_follows,
);

/// A host with two interfaces, and nothing in /etc and /run but these files; for the calling thread
/// and what it starts.
fn host(files: &[(&str, &str)]) -> Result<Tool, Failed> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let nothing: Option<&str> = None;
    for directory in ["/etc", "/run"] {
        mount(nothing, directory, Some("tmpfs"), MsFlags::empty(), nothing)?;
    }
    for (path, text) in files {
        write(path, text)?;
    }
    let ip = Tool::require("ip")?;
    for line in [
        "link add e0 type veth peer name e1",
        "address add 192.0.2.2/24 dev e0",
        "address add 2001:db8:2::2/64 dev e0 nodad",
        "link set e0 up",
        "link set e1 up",
    ] {
        run(&ip, line)?;
    }
    Ok(ip)
}

fn write(path: &str, text: &str) -> Result<(), Failed> {
    let path = Path::new(path);
    fs::create_dir_all(path.parent().ok_or("no parent")?)?;
    Ok(fs::write(path, text)?)
}

fn run(tool: &Tool, line: &str) -> Result<String, Failed> {
    tool.run(&line.split(' ').collect::<Vec<_>>())
}

/// What a scan has to say of each source that broke the rule: its outcome, and why it is exempt.
fn scan(sources: &[&str], more: &str) -> BTreeMap<String, (String, String)> {
    let scanner = Scanner::new(blocked(sources, 0..5)).rule().with(more);
    let report = scanner.with("--dryrun").at(60).json(0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = violations(&report).iter().map(|violation| {
        let outcome = (text(&violation["outcome"]), text(&violation["why"]));
        (text(&violation["source"]), outcome)
    });
    told.collect()
}

/// Asserts that each source is exempt for its reason, and that none is where nobody is protected.
fn assert_exempt(expected: &[(&str, &str)]) {
    let sources: Vec<_> = expected.iter().map(|(source, _)| *source).collect();
    let told = scan(&sources, "");
    for (source, why) in expected {
        let expected = ("exempt".to_owned(), (*why).to_owned());
        assert_eq!(told.get(*source), Some(&expected), "{source}");
    }
    for (source, (outcome, _)) in scan(&sources, "--protect none") {
        assert_eq!(outcome, "would-add", "{source}");
    }
}

fn gateways_of_every_table() -> Result<(), Failed> {
    let _sets = Sets::of_networks()?;
    let ip = host(&[])?;
    for route in [
        "default via 192.0.2.1 dev e0",
        "10.0.0.0/8 nexthop via 192.0.2.11 dev e0 nexthop via 192.0.2.12 dev e0",
        "198.51.100.0/24 via 192.0.2.13 dev e0 table 1000",
        "10.9.0.0/16 via inet6 2001:db8:2::14 dev e0",
    ] {
        run(&ip, &format!("route add {route}"))?;
    }
    for route in [
        "default via fe80::1 dev e0 table 77",
        "2001:db8:9::/48 via 2001:db8:2::15 dev e0",
        "2001:db8:8::/48 nexthop via 2001:db8:2::16 dev e0 nexthop via 2001:db8:2::17 dev e0",
    ] {
        run(&ip, &format!("-6 route add {route}"))?;
    }
    let (default, other) = (
        "the default gateway of this host (e0)",
        "a gateway of this host (e0)",
    );
    assert_exempt(&[
        ("192.0.2.1", default),
        ("192.0.2.11", other),
        ("192.0.2.12", other),
        ("192.0.2.13", other),
        ("2001:db8:2::14", other),
        ("fe80::1", default),
        ("2001:db8:2::15", other),
        ("2001:db8:2::16", other),
        ("2001:db8:2::17", other),
    ]);
    let told = scan(&["192.0.2.1", "192.0.2.77"], "--protect gateways");
    assert_eq!(told["192.0.2.1"].0, "exempt");
    assert_eq!(told["192.0.2.77"].0, "would-add");
    let told = scan(&["192.0.2.1"], "--protect resolvers,time-servers,ssh");
    assert_eq!(told["192.0.2.1"].0, "would-add");
    Ok(())
}

const FILES: [(&str, &str); 6] = [
    (
        "/etc/resolv.conf",
        "search example\nnameserver 127.0.0.53\nnameserver 203.0.113.53\nnameserver dns.example\n",
    ),
    (
        "/run/systemd/resolve/resolv.conf",
        "nameserver 2001:db8:1::53\n",
    ),
    (
        "/etc/systemd/timesyncd.conf.d/ours.conf",
        "[Time]\nNTP=ntp.example 203.0.113.123 2001:db8:1::123\n",
    ),
    (
        "/run/systemd/sessions/7",
        "USER=anna\nSTATE=active\nREMOTE=1\nREMOTE_HOST=203.0.113.9\nSERVICE=sshd\nREALTIME=1795334400000001\n",
    ),
    (
        "/run/systemd/sessions/8",
        "USER=bob\nSTATE=online\nREMOTE=1\nREMOTE_HOST=2001:db8:1::9\nSERVICE=sshd\n",
    ),
    (
        "/run/systemd/sessions/9",
        "USER=carl\nSTATE=active\nREMOTE=1\nREMOTE_HOST=203.0.113.10 203.0.113.11\nSERVICE=sshd\n",
    ),
];

fn servers_that_files_name() -> Result<(), Failed> {
    let _sets = Sets::of_networks()?;
    host(&FILES)?;
    let timesyncd = "a time server of this host (/etc/systemd/timesyncd.conf.d/ours.conf, line 2)";
    assert_exempt(&[
        (
            "203.0.113.53",
            "a resolver of this host (/etc/resolv.conf, line 3)",
        ),
        (
            "2001:db8:1::53",
            "a resolver of this host (/run/systemd/resolve/resolv.conf, line 1)",
        ),
        ("203.0.113.123", timesyncd),
        ("2001:db8:1::123", timesyncd),
    ]);
    let told = scan(&["203.0.113.53", "203.0.113.123"], "--protect resolvers");
    assert_eq!(told["203.0.113.53"].0, "exempt");
    assert_eq!(told["203.0.113.123"].0, "would-add");
    Ok(())
}

fn who_is_logged_in() -> Result<(), Failed> {
    let _sets = Sets::of_networks()?;
    host(&FILES)?;
    // A pipe, as logind has one beside each, is not waited for.
    let mode = nix::sys::stat::Mode::S_IRWXU;
    nix::unistd::mkfifo("/run/systemd/sessions/7.ref", mode)?;
    assert_exempt(&[
        (
            "203.0.113.9",
            "logged in over ssh as anna since 2026-11-22T08:00:00Z",
        ),
        ("2001:db8:1::9", "logged in over ssh as bob"),
    ]);
    // What is no address is nobody's.
    for (source, (outcome, _)) in scan(&["203.0.113.10", "203.0.113.11"], "") {
        assert_eq!(outcome, "would-add", "{source}");
    }
    Ok(())
}

/// Whoever is protected in a network is not counted with it, if he stays, and not banned with it.
fn in_a_network() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let ip = host(&FILES)?;
    run(&ip, "route add default via 192.0.2.1 dev e0")?;
    let scan = |sources: &[&str]| {
        let scanner = Scanner::new(blocked(sources, 0..3)).rule();
        scanner
            .with("--aggregate-v4 24 --aggregate-v6 64")
            .at(60)
            .json(0)
    };
    // Six packets of two, of whom the gateway does not count.
    assert!(outcomes(&scan(&["192.0.2.1", "192.0.2.77"])).is_empty());
    let report = scan(&[
        "192.0.2.1",
        "192.0.2.77",
        "192.0.2.78",
        "203.0.113.7",
        "203.0.113.8",
        "2001:db8:1::7",
        "2001:db8:1::8",
    ]);
    let except = |source: &str| {
        let mut all = violations(&report).iter();
        let of = all
            .find(|violation| violation["source"] == source)
            .expect(source);
        assert_eq!(of["outcome"], "added", "{of}");
        let except = of["except"].as_array().expect("a list").iter();
        except
            .map(|one| one.as_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    let own = "192.0.2.2";
    assert_eq!(except("192.0.2.0/24"), ["192.0.2.1", own]);
    assert_eq!(
        except("203.0.113.0/24"),
        ["203.0.113.9", "203.0.113.53", "203.0.113.123"]
    );
    assert_eq!(
        except("2001:db8:1::/64"),
        ["2001:db8:1::9", "2001:db8:1::53", "2001:db8:1::123"]
    );
    let matches = |set: &str, address: &str| sets.ipset(&format!("test {set} {address}")).is_ok();
    for (set, protected, other) in [
        ("blacklist", "192.0.2.1", "192.0.2.99"),
        ("blacklist", "203.0.113.9", "203.0.113.99"),
        ("blacklist_v6", "2001:db8:1::53", "2001:db8:1::99"),
    ] {
        assert!(!matches(set, protected) && matches(set, other), "{set}");
    }
    // Who has logged out has his exception no longer.
    fs::remove_file("/run/systemd/sessions/7")?;
    let report = scan(&[]);
    assert_eq!(report["lifted"][0]["source"], "203.0.113.9");
    assert!(matches("blacklist", "203.0.113.9"));
    Ok(())
}

fn command(arguments: &str) -> Ran {
    let scanner = Scanner::new("").with(arguments);
    scanner.run()
}

fn by_hand() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let ip = host(&FILES)?;
    run(&ip, "route add default via 192.0.2.1 dev e0")?;
    for (source, why) in [
        (
            "192.0.2.1",
            "192.0.2.1 is not banned: it is the default gateway of this host (e0); --force bans it all the same",
        ),
        (
            "203.0.113.0/24",
            "203.0.113.9 in it is logged in over ssh as anna since 2026-11-22T08:00:00Z",
        ),
        (
            "2001:db8:1::53",
            "it is a resolver of this host (/run/systemd/resolve/resolv.conf, line 1)",
        ),
    ] {
        command(&format!("ban {source}")).done(1).says(why);
    }
    assert!(sets.names("blacklist")?.is_empty());
    command("ban 192.0.2.1 --force").done(0).says("added");
    assert_eq!(sets.names("blacklist")?, ["192.0.2.1"]);
    Ok(())
}

fn who_is_exempt_and_why() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    sets.create("whitelist", "hash:net")?;
    sets.add("whitelist", "198.51.100.0/24")?;
    let ip = host(&FILES)?;
    run(&ip, "route add default via 192.0.2.1 dev e0")?;
    let line = |address: &str, why: &str| format!("\n{address:<20} {why}\n");
    let ran = command("exempt");
    for (address, why) in [
        ("127.0.0.0/8", "a loopback address"),
        ("192.0.2.2", "an address of this host"),
        ("192.0.2.1", "the default gateway of this host (e0)"),
        (
            "203.0.113.53",
            "a resolver of this host (/etc/resolv.conf, line 3)",
        ),
        ("2001:db8:1::9", "logged in over ssh as bob"),
        ("198.51.100.0/24", "a member of whitelist"),
    ] {
        ran.done(0).says(&line(address, why));
    }
    // Of one address, also in a network around it.
    command("exempt 198.51.100.7")
        .done(0)
        .says(&line("198.51.100.0/24", "a member of whitelist"))
        .says("198.51.100.7 is exempt\n");
    command("exempt ::ffff:192.0.2.1")
        .done(0)
        .says("is exempt\n");
    let ran = command("exempt 203.0.113.0/28");
    ran.done(1)
        .says("203.0.113.9 ")
        .says("203.0.113.0/28 is not exempt\n");
    assert!(!ran.stdout.contains("203.0.113.53"), "{}", ran.stdout);
    let ran = command("exempt 203.0.113.7").done(1).stdout.clone();
    assert_eq!(ran, "203.0.113.7 is not exempt\n");

    // As the rules have it.
    let rule = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nwithin = \"10s\"\nipset = \"blacklist\"\n\
                removeafter = \"1h\"\nhowmany = 2\nexempt = [\"203.0.113.7\"]\n";
    let with = |arguments: &str, status| {
        let scanner = Scanner::new("").write("rules.toml", format!("protect = [\"ssh\"]\n{rule}"));
        let scanner = scanner.with("exempt --rules rules.toml").with(arguments);
        scanner.json(status)
    };
    let told = with("203.0.113.7", 1);
    assert_eq!(told["is_exempt"], false);
    assert_eq!(told["exempt"][0]["rule"], 1);
    assert_eq!(with("203.0.113.9", 0)["is_exempt"], true);
    assert_eq!(with("192.0.2.1", 1)["is_exempt"], false);
    // A mistake has its place.
    let scanner = Scanner::new("").write("rules.toml", format!("protect = [\"sh\"]\n{rule}"));
    let ran = scanner.with("exempt --rules rules.toml").run();
    ran.done(2)
        .complains("line 1, column 12: unknown variant `sh`");
    Ok(())
}

/// Routes, files and rules that change while a log is followed.
fn whoever_comes_while_it_follows() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let ip = host(&[])?;
    let rule = format!(
        "[[rule]]\n{}",
        RULE.split("--")
            .filter_map(|flag| flag.trim().split_once(' '))
            .map(|(key, value)| match value.parse::<u32>() {
                Ok(number) => format!("{key} = {number}\n"),
                Err(_) => format!("{key} = \"{value}\"\n"),
            })
            .collect::<String>()
    );
    let scanner = Scanner::new("").write("rules.toml", &rule);
    let scanner = scanner.with("follow --rules rules.toml --log fw.log");
    let mut follow = Follow::with(scanner)?;
    follow.next("start");
    follow.write(&lines("192.0.2.77", 5))?;
    assert_eq!(follow.ban(), banned("192.0.2.77", "added"));
    run(&ip, "route add default via 192.0.2.1 dev e0")?;
    run(&ip, "-6 route add default via 2001:db8:2::1 dev e0")?;
    let (path, session) = FILES[3];
    write(path, session)?;
    write(FILES[0].0, FILES[0].1)?;
    // What files said is believed for a second.
    sleep(Duration::from_millis(1100));
    for source in ["192.0.2.1", "2001:db8:2::1", "203.0.113.9", "203.0.113.53"] {
        follow.write(&lines(source, 5))?;
        assert_eq!(follow.ban(), banned(source, "exempt"));
    }
    fs::remove_file(path)?;
    sleep(Duration::from_millis(1100));
    follow.write(&lines("203.0.113.9", 5))?;
    assert_eq!(follow.ban(), banned("203.0.113.9", "added"));
    // Nobody any more.
    fs::write(
        follow.scanner.path("rules.toml"),
        format!("protect = []\n{rule}"),
    )?;
    follow.signal(Signal::SIGHUP)?;
    // The log is read again, by the rules that there are now.
    let mut left = vec!["192.0.2.1", "203.0.113.53"];
    while !left.is_empty() {
        let (source, outcome) = follow.ban();
        assert_ne!(outcome, "exempt", "{source}");
        left.retain(|waiting| *waiting != source);
    }
    follow.end(0)?;
    assert_eq!(sets.names("blacklist_v6")?, ["2001:db8:2::1"]);
    Ok(())
}
