//! `follow`: the program beside a log that is being written.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{ChildStdin, Stdio};

use netns_testbed::{Failed, Tool};
use nix::sys::signal::Signal;

use crate::following::{Follow, LONG, banned, line, lines};
use crate::support::{RULE, Ran, Scanner, Sets, V4, V6, packet};

crate::trials!(
    bans_at_the_line,
    bans_by_what_was_there_before,
    a_rotation_loses_nothing,
    a_log_that_is_not_there_yet,
    a_directory_that_is_mounted_anew,
    standard_input_is_a_log,
    a_ban_is_prolonged_to_its_end,
    who_is_whitelisted_meanwhile,
    an_address_that_came_meanwhile,
    rules_are_read_anew,
    a_set_of_any_size_is_not_read,
    beside_scans,
    an_unban_is_obeyed,
    at_most_so_many_a_minute,
    a_flood_by_one_rule,
    a_set_that_is_full,
    says_what_it_does,
    systemd_is_told,
    a_dry_run_only_says_so,
    what_cannot_be_used,
);

fn bans_at_the_line() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let mut follow = Follow::start(Scanner::new(""))?;
    follow.next("start");
    for source in [V4, V6] {
        follow.write(&lines(source, 4))?;
        // Half a line is none.
        let last = line(source);
        let (begin, rest) = last.split_at(last.len() - 1);
        follow.write(begin)?;
        follow.write("")?;
        follow.write(rest)?;
        let ban = follow.next("ban");
        assert_eq!(ban["source"], source);
        assert_eq!(ban["outcome"], "added");
        assert_eq!(
            (&ban["peak_hits"], &ban["number"], &ban["rule"]),
            (&5.into(), &1.into(), &"blocked".into())
        );
    }
    sets.assert_left("blacklist", V4, 3600)?;
    sets.assert_left("blacklist_v6", V6, 3600)?;
    let last = follow.end(0)?;
    assert_eq!(
        (&last["lines"], &last["events"], &last["added"]),
        (&10.into(), &10.into(), &2.into())
    );
    Ok(())
}

/// A restart forgets nothing: neither who has broken a threshold nor who is about to.
fn bans_by_what_was_there_before() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let scanner = Scanner::new(lines("203.0.113.8", 2) + &lines("203.0.113.9", 2));
    let scanner = scanner.write("fw.log.1", lines(V4, 5) + &lines("203.0.113.8", 2));
    let mut follow = Follow::start(scanner)?;
    assert_eq!(follow.ban(), banned(V4, "added"));
    follow.write(&line("203.0.113.8"))?;
    assert_eq!(follow.ban(), banned("203.0.113.8", "added"));
    follow.end(0)?;
    assert_eq!(sets.names("blacklist")?, [V4, "203.0.113.8"]);
    // Who was banned for as long already is left as he is.
    let mut follow = Follow::start(Scanner::new(lines(V4, 5)))?;
    follow.write("")?;
    follow.next("start");
    follow.end(0)?;
    Ok(())
}

fn a_rotation_loses_nothing() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let mut follow = Follow::start(Scanner::new(""))?;
    let (log, before) = (
        follow.scanner.path("fw.log"),
        follow.scanner.path("fw.log.1"),
    );
    follow.next("start");
    follow.write(&lines(V4, 2))?;
    fs::rename(&log, &before)?;
    // Who writes it has not been told yet.
    follow.write(&lines(V4, 1))?;
    File::create(&log)?;
    follow.write(&lines(V4, 1))?;
    follow.log = None;
    follow.write(&lines(V4, 1))?;
    assert_eq!(follow.ban(), banned(V4, "added"));
    // As logrotate's copytruncate does.
    follow.write(&lines(V6, 2))?;
    fs::remove_file(&before)?;
    fs::copy(&log, &before)?;
    OpenOptions::new().write(true).open(&log)?.set_len(0)?;
    follow.write(&lines(V6, 3))?;
    assert_eq!(follow.ban(), banned(V6, "added"));
    let last = follow.end(0)?;
    assert_eq!(last["lines"], 10);
    Ok(())
}

fn a_log_that_is_not_there_yet() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let scanner = Scanner::new("")
        .with("follow --log later/fw.log")
        .with(RULE);
    let mut follow = Follow::with(scanner)?;
    let warning = follow.next("warning");
    assert!(
        warning["text"]
            .as_str()
            .is_some_and(|text| text.contains("is not there")),
        "{warning}"
    );
    fs::create_dir(follow.scanner.path("later"))?;
    follow.log = Some(File::create(follow.scanner.path("later/fw.log"))?);
    follow.write(&lines(V4, 5))?;
    assert_eq!(follow.ban(), banned(V4, "added"));
    follow.end(0)?;
    Ok(())
}

/// As of a RAM disk.
fn a_directory_that_is_mounted_anew() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let scanner = Scanner::new("").with("follow --log ram/fw.log").with(RULE);
    let ram = scanner.path("ram");
    fs::create_dir(&ram)?;
    let mut follow = Follow::with(scanner)?;
    follow.next("start");
    let disk = Mounted::at(&ram)?;
    follow.log = Some(File::create(ram.join("fw.log"))?);
    follow.write(&lines(V4, 5))?;
    assert_eq!(follow.ban(), banned(V4, "added"));
    follow.log = None;
    drop(disk);
    follow.log = Some(File::create(ram.join("fw.log"))?);
    follow.write(&lines(V6, 5))?;
    assert_eq!(follow.ban(), banned(V6, "added"));
    follow.end(0)?;
    Ok(())
}

/// A RAM disk, for as long as this lives.
struct Mounted<'p>(&'p Path);

impl<'p> Mounted<'p> {
    fn at(path: &'p Path) -> Result<Self, Failed> {
        let text = path.to_str().ok_or("no text")?;
        Tool::require("mount")?.run(&["-t", "tmpfs", "ram", text])?;
        Ok(Self(path))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let umount = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0)
            .status();
        assert!(umount.is_ok_and(|status| status.success()));
    }
}

fn standard_input_is_a_log() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let start = || Follow::with(Scanner::new("").with("follow --log -").with(RULE));
    let stdin = |follow: &mut Follow| -> Result<ChildStdin, Failed> {
        Ok(follow.child.stdin.take().ok_or("no input")?)
    };
    let mut follow = start()?;
    let mut input = stdin(&mut follow)?;
    input.write_all(lines(V4, 5).as_bytes())?;
    assert_eq!(follow.ban(), banned(V4, "added"));
    // The last line has no end.
    let last = lines(V6, 5);
    input.write_all(last.trim_end().as_bytes())?;
    drop(input);
    assert_eq!(follow.ban(), banned(V6, "added"));
    follow.next("end");
    assert_eq!(follow.child.wait()?.code(), Some(0));
    sets.assert_left("blacklist_v6", V6, 3600)?;

    // As journalctl -kf -o json writes it.
    let mut follow = start()?;
    let mut input = stdin(&mut follow)?;
    let other = "203.0.113.8";
    for _ in 0..5 {
        let record = serde_json::json!({
            "__REALTIME_TIMESTAMP": jiff::Timestamp::now().as_microsecond().to_string(),
            "_HOSTNAME": "fw",
            "_TRANSPORT": "kernel",
            "MESSAGE": packet("BLOCKED", other, "TCP"),
        });
        input.write_all(format!("{record}\n").as_bytes())?;
    }
    assert_eq!(follow.ban(), banned(other, "added"));
    follow.end(0)?;
    Ok(())
}

/// A source that goes on is banned until so long after its last line, and no line of it costs a
/// change of the set.
fn a_ban_is_prolonged_to_its_end() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let mut follow = Follow::start(Scanner::new(""))?;
    follow.next("start");
    let at = |ago: i64| {
        let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(ago);
        format!("{then} fw kernel: {}\n", packet("BLOCKED", V4, "TCP"))
    };
    follow.write(&at(1805).repeat(5))?;
    assert_eq!(follow.ban(), banned(V4, "added"));
    sets.assert_left("blacklist", V4, 1800)?;
    follow.write(&at(1800).repeat(5))?;
    follow.write(&line(V4).repeat(1000))?;
    let last = follow.end(0)?;
    sets.assert_left("blacklist", V4, 3600)?;
    let left = sets.members("blacklist")?[V4].clone();
    let left: u32 = left.trim_start_matches("timeout ").parse()?;
    assert!(left > 3300, "{left}");
    assert!(
        last["refreshed"].as_u64().is_some_and(|number| number < 50),
        "{last}"
    );
    assert_eq!(last["events"], 1010);
    Ok(())
}

fn who_is_whitelisted_meanwhile() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let mut follow = Follow::start(Scanner::new(""))?;
    follow.next("start");
    sets.create("whitelist", "hash:net")?;
    sets.add("whitelist", "203.0.113.0/24")?;
    sets.add("blacklist", "198.51.100.0/24 nomatch")?;
    follow.write(&lines(V4, 5))?;
    assert_eq!(follow.ban(), banned(V4, "exempt"));
    follow.write(&lines("198.51.100.7", 5))?;
    assert_eq!(follow.ban(), banned("198.51.100.7", "exempt"));
    // It is said once, and not for every line.
    follow.write(&lines(V4, 500))?;
    sets.ipset("flush whitelist")?;
    follow.write(&lines("203.0.113.8", 5))?;
    assert_eq!(follow.ban(), banned("203.0.113.8", "added"));
    let end = follow.end(0)?;
    assert_eq!(end["refused"], 0);
    assert!(
        !sets
            .names("blacklist")?
            .contains(&"198.51.100.7".to_owned())
    );
    Ok(())
}

fn an_address_that_came_meanwhile() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let ip = Tool::require("ip")?;
    let mut follow = Follow::start(Scanner::new(""))?;
    follow.next("start");
    for (source, length) in [(V4, "32"), (V6, "128")] {
        let address = format!("{source}/{length}");
        ip.run(&["address", "add", &address, "dev", "lo"])?;
        follow.write(&lines(source, 5))?;
        let ban = follow.ban();
        assert_eq!(ban, banned(source, "exempt"));
        ip.run(&["address", "del", &address, "dev", "lo"])?;
    }
    follow.end(0)?;
    Ok(())
}

fn rules_are_read_anew() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    sets.create("other", "hash:ip timeout 0")?;
    sets.create("other_v6", "hash:ip family inet6 timeout 0")?;
    let rule = |howmany: u32, set: &str| {
        format!(
            "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nhowmany = {howmany}\nwithin = \"1m\"\nipset = \"{set}\"\nremoveafter = \"1h\"\n"
        )
    };
    let scanner = Scanner::new("").write("rules.toml", rule(100, "blacklist"));
    let mut follow = Follow::with(scanner.with("follow --rules rules.toml --log fw.log"))?;
    follow.next("start");
    let rules = follow.scanner.path("rules.toml");
    for (bad, why) in [
        ("[[rule]\n".to_owned(), "line 1, column"),
        (rule(5, "missing"), "set \"missing\": it does not exist"),
    ] {
        fs::write(&rules, bad)?;
        follow.signal(Signal::SIGHUP)?;
        let warning = follow.next("warning")["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            warning.contains("the rules stay as they were") && warning.contains(why),
            "{warning}"
        );
    }
    // What was there before counts by the new rules, too.
    follow.write(&lines(V4, 4))?;
    fs::write(&rules, rule(5, "other"))?;
    follow.signal(Signal::SIGHUP)?;
    follow.next("start");
    follow.write(&line(V4))?;
    let ban = follow.next("ban");
    assert_eq!((&ban["source"], &ban["set"]), (&V4.into(), &"other".into()));
    follow.end(0)?;
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}

/// A ban in a set of many takes no longer than in an empty one: the set is not listed for it. That is
/// seen by what becomes of an exception that has lapsed, which every run that lists the set takes
/// out.
fn a_set_of_any_size_is_not_read() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let mut follow = Follow::start(Scanner::new(""))?;
    follow.next("start");
    sets.add("blacklist", "198.51.100.0/24 timeout 3000")?;
    sets.add("blacklist", "198.51.100.9 timeout 3600 nomatch")?;
    follow.write(&lines(V4, 5))?;
    assert_eq!(follow.ban(), banned(V4, "added"));
    let exception = "198.51.100.9".to_owned();
    assert!(sets.names("blacklist")?.contains(&exception));
    // One that is there is looked up in the whole set.
    follow.write(&lines("198.51.100.10", 5))?;
    let lifted = follow.next("lifted");
    assert_eq!(lifted["source"], exception);
    assert_eq!(follow.ban(), banned("198.51.100.10", "added"));
    follow.end(0)?;
    Ok(())
}

/// A timer's scans and what follows agree about everybody.
fn beside_scans() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let mut follow = Follow::start(Scanner::new(""))?;
    follow.next("start");
    for number in 0..10 {
        let source = format!("203.0.113.{number}");
        follow.write(&lines(&source, 5))?;
        let log = follow.scanner.path("fw.log");
        let log = log.to_str().ok_or("no text")?;
        Scanner::new("")
            .with(RULE)
            .with("--log")
            .with(log)
            .run()
            .done(0);
    }
    follow.write(&lines(V6, 5))?;
    while follow.ban().0 != V6 {}
    follow.end(0)?;
    assert_eq!(sets.names("blacklist")?.len(), 10);
    for source in sets.names("blacklist")? {
        sets.assert_left("blacklist", &source, 3600)?;
    }
    Ok(())
}

/// What came before counts nowhere, in the program that runs as in one that is started later; what comes
/// afterwards does.
fn an_unban_is_obeyed() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    let there = Scanner::new("");
    let path = there.path("fw.log");
    let start = || -> Result<Follow, Failed> {
        let follow = format!("follow --log {} {RULE}", path.display());
        let follow = Follow::with(Scanner::new("").with(&follow))?;
        follow.next("start");
        Ok(follow)
    };
    let mut log = OpenOptions::new().append(true).open(&path)?;
    let mut follow = start()?;
    let mut others = 0;
    for source in [V4, V6] {
        let set = if source == V4 {
            "blacklist"
        } else {
            "blacklist_v6"
        };
        // Nobody who is not banned by what has been written so far is banned later by that.
        let mut is_let_go = |follow: &Follow, log: &mut File| -> Result<(), Failed> {
            others += 1;
            let other = format!("198.51.100.{others}");
            log.write_all(lines(&other, 5).as_bytes())?;
            // After a restart it may tell of a ban that it has found again.
            loop {
                let ban = follow.ban();
                assert_ne!(ban.0, source);
                if ban == banned(&other, "added") {
                    break;
                }
            }
            assert!(!sets.names(set)?.contains(&source.to_owned()));
            Ok(())
        };
        log.write_all(lines(source, 9).as_bytes())?;
        while follow.ban() != banned(source, "added") {}
        let unban = Scanner::new("").with(&format!("unban {source}"));
        unban.run().done(0).says(&format!("taken out of {set}\n"));
        is_let_go(&follow, &mut log)?;
        log.write_all(lines(source, 2).as_bytes())?;
        is_let_go(&follow, &mut log)?;
        follow.end(0)?;
        follow = start()?;
        log.write_all(lines(source, 2).as_bytes())?;
        is_let_go(&follow, &mut log)?;
        log.write_all(lines(source, 1).as_bytes())?;
        let mut ban = follow.next("ban");
        while ban["source"] != source {
            ban = follow.next("ban");
        }
        assert_eq!(ban["peak_hits"], 5);
        assert_eq!(
            sets.names(set)?
                .iter()
                .filter(|name| *name == source)
                .count(),
            1
        );
    }
    follow.end(0)?;
    Ok(())
}

fn at_most_so_many_a_minute() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let scanner = Scanner::new("").with("follow --max-bans 2").rule();
    let mut follow = Follow::with(scanner)?;
    follow.next("start");
    for number in 0..5 {
        follow.write(&lines(&format!("203.0.113.{number}"), 5))?;
    }
    let both = [follow.ban().1, follow.ban().1];
    assert_eq!(both, ["added", "added"]);
    let warning = follow.next("warning");
    assert!(
        warning["text"]
            .as_str()
            .is_some_and(|text| text.contains("--max-bans")),
        "{warning}"
    );
    assert_eq!(sets.names("blacklist")?.len(), 2);
    // At the end as many as in a scan.
    let last = follow.end(1)?;
    assert_eq!(last["added"], 4);
    Ok(())
}

/// The rule that is flooded has its bound, the other goes on.
fn a_flood_by_one_rule() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let rule = "[[rule]]\nrule = \"blocked\"\nwithin = \"10s\"\nhowmany = 5\nipset = \"blacklist\"\nremoveafter = \"1h\"\n";
    let rules = format!("{rule}type = \"udp\"\nmax-bans = 2\n{rule}type = \"tcp\"\n");
    let scanner = Scanner::new("").write("rules.toml", rules);
    let mut follow = Follow::with(scanner.with("follow --rules rules.toml --log fw.log"))?;
    follow.next("start");
    let now = jiff::Timestamp::now();
    for number in 0..50 {
        let forged = packet("BLOCKED", &format!("198.51.100.{number}"), "UDP");
        let forged = format!("{now} fw kernel: {forged}\n");
        follow.write(&forged.repeat(5))?;
    }
    let both = [follow.ban().1, follow.ban().1];
    assert_eq!(both, ["added", "added"]);
    let warning = follow.next("warning");
    let text = warning["text"].as_str().ok_or("no text")?;
    assert!(text.contains("rule 1 (blocked udp)"), "{text}");
    for source in [V4, V6] {
        follow.write(&lines(source, 5))?;
        assert_eq!(follow.ban(), banned(source, "added"));
    }
    assert_eq!(sets.names("blacklist")?.len(), 3);
    follow.end(1)?;
    Ok(())
}

/// What ends soonest gives way.
fn a_set_that_is_full() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist", "hash:net timeout 0 comment maxelem 2")?;
    sets.create(
        "blacklist_v6",
        "hash:net family inet6 timeout 0 comment maxelem 2",
    )?;
    sets.add("blacklist", "198.51.100.1 timeout 100 comment mine")?;
    // A ban of a scan, as its comment tells, that ends before any that comes.
    let earlier = "scan: rule=blocked type=tcp hits=5 in=10s first=2026-11-22T08:00:00Z last=2026-11-22T08:00:01Z since=2026-11-22T08:00:01Z";
    let ipset = Tool::require("ipset")?;
    ipset.run(&[
        "add",
        "blacklist",
        "198.51.100.2",
        "timeout",
        "1000",
        "comment",
        earlier,
    ])?;
    let mut follow = Follow::start(Scanner::new(""))?;
    follow.next("start");
    follow.write(&lines(V4, 5))?;
    let dropped = follow.next("dropped");
    assert_eq!(dropped["source"], "198.51.100.2");
    assert_eq!(dropped["set"], "blacklist");
    assert_eq!(follow.ban(), banned(V4, "added"));
    assert_eq!(sets.names("blacklist")?, ["198.51.100.1", V4]);
    let last = follow.end(0)?;
    assert_eq!(last["dropped"], 1);
    Ok(())
}

fn says_what_it_does() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let scanner = Scanner::new("").with("follow --log -").with(RULE);
    let mut command = scanner.command();
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().ok_or("no input")?;
    let forged = format!(
        "{} fw sshd[1]: {}\n",
        jiff::Timestamp::now(),
        packet("BLOCKED", V4, "TCP")
    );
    input.write_all((lines(V4, 5) + &forged).as_bytes())?;
    drop(input);
    let ran = Ran::new(&child.wait_with_output()?);
    ran.done(0)
        .says("following by 1 rule; ")
        .says("[ACTION] 203.0.113.7: added to blacklist for 1h, until ")
        .says("; rule 1 (blocked tcp): 5 hits within 10s, from ")
        .says("ended: 6 lines, 5 of them of the firewall; 1 added, 0 prolonged, 0 refused, 0 exempt, 0 connected to\n")
        .says("  not counted: lines with a firewall's text that the kernel did not write: 1\n");
    Ok(())
}

/// That it has begun, that it is alive, and that it is about to end.
fn systemd_is_told() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let scanner = Scanner::new("").with("follow").rule();
    let socket = UnixDatagram::bind(scanner.path("notify"))?;
    socket.set_read_timeout(Some(LONG))?;
    let mut command = scanner.command();
    command.env("NOTIFY_SOCKET", scanner.path("notify"));
    command.env("WATCHDOG_USEC", "100000");
    let follow = Follow::spawn(command, scanner)?;
    let next = || -> Result<String, Failed> {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes[..length]).trim().to_owned())
    };
    while next()? != "READY=1" {}
    for _ in 0..3 {
        assert_eq!(next()?, "WATCHDOG=1");
    }
    follow.end(0)?;
    let mut last = next()?;
    while last == "WATCHDOG=1" {
        last = next()?;
    }
    assert_eq!(last, "STOPPING=1");
    Ok(())
}

fn a_dry_run_only_says_so() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let before = sets.all()?;
    let mut follow = Follow::with(Scanner::new("").with("follow --dryrun").rule())?;
    follow.next("start");
    follow.write(&lines(V4, 5))?;
    assert_eq!(follow.ban(), banned(V4, "would-add"));
    follow.end(0)?;
    assert_eq!(sets.all()?, before);
    Ok(())
}

fn what_cannot_be_used() -> Result<(), Failed> {
    let follow = |arguments: &str| Scanner::new("").with("follow").with(arguments).run();
    follow("--log fw.log").done(2);
    let rule = format!("{RULE} --log fw.log");
    follow(&rule)
        .done(2)
        .complains("set \"blacklist\": it does not exist")
        .complains("nothing was changed");
    let _sets = Sets::blacklist()?;
    let twice = format!("{rule} --log fw.log");
    follow(&twice).done(2).complains("is given twice");
    let records = Scanner::new("{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":\"x\"}\n");
    let ran = records.with("follow").rule().run();
    ran.done(2).complains("is no plain text");
    Ok(())
}
