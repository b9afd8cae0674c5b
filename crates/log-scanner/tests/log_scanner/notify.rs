//! Who reads at a socket is told of each ban, and nobody waits for him.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use netns_testbed::Failed;
use serde_json::Value;

use crate::following::{Follow, LONG, banned, lines};
use crate::support::{Ran, Scanner, Sets, V4, V6, blocked};

crate::trials!(
    a_scan_tells,
    follow_tells_whom_it_finds_there,
    by_hand_is_told_too,
    nobody_is_waited_for,
    the_rules_file_names_it,
    the_journal_has_what_was_done_by_hand,
    the_journal_has_each_ban_of_a_scan,
    follow_says_nothing_twice_in_the_journal,
);

fn told(reader: &UnixDatagram) -> Result<Value, Failed> {
    let mut datagram = vec![0; 65_536];
    reader.set_read_timeout(Some(LONG))?;
    let length = reader.recv(&mut datagram)?;
    Ok(serde_json::from_slice(&datagram[..length])?)
}

fn a_scan_tells() -> Result<(), Failed> {
    let _sets = Sets::as_firewall_apply()?;
    let scan = || {
        let scanner = Scanner::new(blocked(&[V4, V6], 0..7)).rule().at(60);
        scanner.with("--notify-socket socket")
    };
    let scanner = scan();
    let reader = UnixDatagram::bind(scanner.path("socket"))?;
    scanner.run().done(0);
    for source in [V4, V6] {
        let notice = told(&reader)?;
        assert_eq!(
            (&notice["event"], &notice["source"]),
            (&"ban".into(), &source.into())
        );
        assert_eq!(
            (&notice["outcome"], &notice["peak_hits"]),
            (&"added".into(), &7.into())
        );
        assert_eq!(
            (&notice["rule"], &notice["number"]),
            (&"blocked".into(), &1.into())
        );
        assert_eq!(notice["expires"], "2026-11-22T09:00:06Z");
        assert!(notice["time"].is_string(), "{notice}");
    }
    // Who is there already is no news, and a dry run does nothing.
    let again = scan();
    let reader = UnixDatagram::bind(again.path("socket"))?;
    again.run().done(0);
    scan().with("--dryrun").run().done(0);
    reader.set_nonblocking(true)?;
    assert!(reader.recv(&mut [0; 9]).is_err());
    Ok(())
}

fn follow_tells_whom_it_finds_there() -> Result<(), Failed> {
    let _sets = Sets::as_firewall_apply()?;
    let scanner = Scanner::new("")
        .with("follow --notify-socket socket")
        .rule();
    let path = scanner.path("socket");
    let mut follow = Follow::with(scanner)?;
    follow.next("start");
    follow.write(&lines(V4, 5))?;
    assert_eq!(follow.ban(), banned(V4, "added"));
    let warning = follow.next("warning");
    let text = warning["text"].as_str().ok_or("no text")?;
    assert!(
        text.starts_with("1 notice did not reach notify-socket \"socket\": No such file"),
        "{text}"
    );
    for source in [V6, "203.0.113.8"] {
        let reader = UnixDatagram::bind(&path)?;
        follow.write(&lines(source, 5))?;
        let notice = told(&reader)?;
        assert_eq!(
            (&notice["event"], &notice["source"]),
            (&"ban".into(), &source.into())
        );
        drop(reader);
        fs::remove_file(&path)?;
    }
    follow.end(0)?;
    Ok(())
}

fn by_hand(scanner: &Scanner, arguments: &str) -> Ran {
    let mut command = scanner.command();
    command
        .args(arguments.split(' '))
        .args(["--notify-socket", "socket"]);
    Ran::new(&command.output().expect("started"))
}

fn by_hand_is_told_too() -> Result<(), Failed> {
    let _sets = Sets::as_firewall_apply()?;
    let scanner = Scanner::new("");
    by_hand(&scanner, "ban 203.0.113.7")
        .done(0)
        .complains("[WARNING] 1 notice did not reach notify-socket \"socket\": No such file");
    let reader = UnixDatagram::bind(scanner.path("socket"))?;
    by_hand(&scanner, "ban 2001:db8::/64 --for 2h --why so").done(0);
    let notice = told(&reader)?;
    assert_eq!(
        (&notice["event"], &notice["source"]),
        (&"ban".into(), &"2001:db8::/64".into())
    );
    assert_eq!(
        (&notice["set"], &notice["outcome"]),
        (&"blacklist_v6".into(), &"added".into())
    );
    assert_eq!(
        (&notice["timeout"], &notice["why"]),
        (&7200.into(), &"so".into())
    );
    by_hand(&scanner, "unban 203.0.113.7").done(0);
    let notice = told(&reader)?;
    assert_eq!(
        (&notice["event"], &notice["source"]),
        (&"unban".into(), &"203.0.113.7".into())
    );
    assert_eq!(
        notice["sets"][0]["removed"],
        serde_json::json!(["203.0.113.7"])
    );
    Ok(())
}

/// Neither for one who does not read, nor at what is no socket.
fn nobody_is_waited_for() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    let many: Vec<String> = (1..=200).map(|host| format!("203.0.113.{host}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let scan = || {
        Scanner::new(blocked(&many, 0..5))
            .rule()
            .at(60)
            .with("--notify-socket socket")
    };
    let says = |scanner: &Scanner, why: &str| -> Result<(), Failed> {
        let ran = scanner.run();
        ran.done(0).says(why);
        assert_eq!(sets.names("blacklist")?.len(), 200);
        sets.ipset("flush blacklist").map(drop)
    };
    let scanner = scan();
    let queue = fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen")?;
    let queue: usize = queue.trim().parse()?;
    let reader = UnixDatagram::bind(scanner.path("socket"))?;
    if queue < 150 {
        says(
            &scanner,
            "did not reach notify-socket \"socket\": who reads there is too slow\n",
        )?;
        for _ in 0..queue {
            told(&reader)?;
        }
    }
    let plain = scan().write("socket", "mine");
    says(
        &plain,
        "200 notices did not reach notify-socket \"socket\": nobody reads there\n",
    )?;
    assert_eq!(fs::read_to_string(plain.path("socket"))?, "mine");
    says(
        &scan(),
        "200 notices did not reach notify-socket \"socket\": No such file or directory",
    )
}

fn the_rules_file_names_it() -> Result<(), Failed> {
    let _sets = Sets::as_firewall_apply()?;
    let rules = |path: &Path| {
        format!(
            "notify-socket = \"{}\"\n[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nhowmany = 5\nwithin = \"10s\"\nipset = \"blacklist\"\nremoveafter = \"1h\"\n",
            path.display()
        )
    };
    let scanner = Scanner::new(blocked(&[V4], 0..5)).at(60);
    let path = scanner.path("socket");
    let reader = UnixDatagram::bind(&path)?;
    let scanner = scanner.write("rules.toml", rules(&path));
    scanner
        .with("--log fw.log --rules rules.toml")
        .run()
        .done(0);
    assert_eq!(told(&reader)?["source"], V4);
    Ok(())
}

/// In a mount namespace of its own, whose journal is a socket of the trial's.
fn the_journal_has_what_was_done_by_hand() -> Result<(), Failed> {
    let _sets = Sets::as_firewall_apply()?;
    let scanner = Scanner::new("");
    let journal = Journal::of(scanner)?;
    let run = |arguments: &str| journal.run(arguments);
    let record = || journal.record();
    run("ban 203.0.113.7 --for 2h --why 'asked for'").done(0);
    let said = record()?;
    assert_eq!(said[..2], ["PRIORITY=5", "SYSLOG_IDENTIFIER=log-scanner"]);
    let message = said[2].as_str();
    assert!(
        message.starts_with("MESSAGE=203.0.113.7: added to blacklist for 2h, until 20")
            && message.ends_with("+00:00; by hand: asked for"),
        "{message}"
    );
    assert_eq!(
        said[3..5],
        ["RAMPART_EVENT=ban", "RAMPART_SOURCE=203.0.113.7"]
    );
    assert_eq!(said[6], "RAMPART_WHY=asked for");
    run("unban 203.0.113.7").done(0);
    let said = record()?;
    assert!(
        said[2].starts_with("MESSAGE=203.0.113.7: taken out of blacklist; 203.0.113.7: pardoned, what came from it until 20")
            && said[2].ends_with("; by hand"),
        "{said:?}"
    );
    assert_eq!(said[3], "RAMPART_EVENT=unban");
    Ok(())
}

/// A journal that a program sees as its host's.
struct Journal {
    socket: UnixDatagram,
    /// The directory of who is to see it.
    scanner: Scanner,
}

impl Journal {
    fn of(scanner: Scanner) -> Result<Self, Failed> {
        let socket = UnixDatagram::bind(scanner.path("journal"))?;
        socket.set_read_timeout(Some(LONG))?;
        Ok(Self { socket, scanner })
    }

    fn run(&self, arguments: &str) -> Ran {
        let program = crate::support::PROGRAM;
        self.shell(&format!("exec {program} {arguments}"))
    }

    /// A script in the scanner's directory.
    fn shell(&self, script: &str) -> Ran {
        let place = "/run/systemd/journal";
        let script = format!(
            "mount -t tmpfs run /run && mkdir -p {place} && touch {place}/socket && \
             mount --bind journal {place}/socket && {script}"
        );
        let mut command = self
            .scanner
            .command_of(&["unshare", "-m", "sh", "-c", &script]);
        Ran::new(&command.output().expect("started"))
    }

    fn record(&self) -> Result<Vec<String>, Failed> {
        let mut datagram = vec![0; 65_536];
        let length = self.socket.recv(&mut datagram)?;
        let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn is_empty(&self) -> Result<bool, Failed> {
        self.socket.set_nonblocking(true)?;
        Ok(self.socket.recv(&mut [0; 9]).is_err())
    }
}

/// One record a ban: address, set, rule, evidence, end.
fn the_journal_has_each_ban_of_a_scan() -> Result<(), Failed> {
    let _sets = Sets::as_firewall_apply()?;
    let scanner = Scanner::new(blocked(&[V4, V6], 0..7));
    let journal = Journal::of(scanner)?;
    let rule = crate::support::RULE;
    let scan = format!("{rule} --log fw.log --as-of 2026-11-22T08:01:00Z");
    journal.run(&format!("{scan} --dryrun")).done(0);
    journal.run(&scan).done(0).says("[VIOLATION]");
    for (source, set) in [(V4, "blacklist"), (V6, "blacklist_v6")] {
        let said = journal.record()?;
        assert_eq!(said[..2], ["PRIORITY=5", "SYSLOG_IDENTIFIER=log-scanner"]);
        let expected = format!(
            "MESSAGE={source}: added to {set} for 59m6s, until 2026-11-22 09:00:06 +00:00; rule 1 (blocked tcp): \
             7 hits within 10s, from 2026-11-22 08:00:00 +00:00 to 2026-11-22 08:00:06 +00:00"
        );
        assert_eq!(said[2], expected);
        let fields = [
            "RAMPART_EVENT=ban".to_owned(),
            format!("RAMPART_SOURCE={source}"),
            format!("RAMPART_SET={set}"),
            "RAMPART_OUTCOME=added".to_owned(),
            "RAMPART_RULE=blocked tcp".to_owned(),
            "RAMPART_EVIDENCE=7 hits within 10s, from 2026-11-22 08:00:00 +00:00 to 2026-11-22 08:00:06 +00:00"
                .to_owned(),
            "RAMPART_END=2026-11-22T09:00:06Z".to_owned(),
        ];
        assert_eq!(said[3..], fields);
    }
    // Who is there already is no news.
    journal.run(&scan).done(0);
    assert!(journal.is_empty()?);
    Ok(())
}

/// Where standard output is the journal, a record takes the place of its line.
fn follow_says_nothing_twice_in_the_journal() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    for is_in_journal in [false, true] {
        sets.ipset("flush")?;
        let scanner = Scanner::new(lines(V4, 5) + &lines(V6, 5));
        let journal = Journal::of(scanner)?;
        let (program, rule) = (crate::support::PROGRAM, crate::support::RULE);
        let stream = if is_in_journal {
            "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/$$/fd/1) && "
        } else {
            "export JOURNAL_STREAM=1:2 && "
        };
        let script = format!("{stream}exec {program} follow {rule} --log - <fw.log");
        let ran = journal.shell(&script);
        ran.done(0).says("2 added");
        let mut of_both: Vec<String> = Vec::new();
        for _ in [V4, V6] {
            let said = journal.record()?;
            assert_eq!(said[3], "RAMPART_EVENT=ban");
            of_both.push(said[4].clone());
            let line = said[2].trim_start_matches("MESSAGE=");
            let is_said = ran.stdout.contains(&format!("[ACTION] {line}"));
            assert_eq!(is_said, !is_in_journal, "{said:?} {}", ran.stdout);
        }
        of_both.sort_unstable();
        let expected = [V6, V4].map(|source| format!("RAMPART_SOURCE={source}"));
        assert_eq!(of_both, expected);
        assert!(journal.is_empty()?);
    }
    Ok(())
}
