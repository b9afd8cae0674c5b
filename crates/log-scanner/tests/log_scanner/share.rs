//! What other hosts may know is left in an outbox.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use netns_testbed::Failed;
use nix::sys::signal::Signal;

use crate::following::{Follow, lines};
use crate::support::{Scanner, Sets, V4, V6, blocked};

crate::trials!(
    a_scan_leaves_whom_it_bans,
    what_can_be_forged_is_left_only_where_it_is_said,
    an_outbox_that_cannot_be_written_stops_nothing,
    follow_leaves_whom_it_bans,
);

const RULES: &str = "\
[[rule]]
rule = \"blocked\"
type = \"tcp\"
howmany = 5
within = \"10s\"
ipset = \"blacklist\"
removeafter = \"1h\"
";

fn rules(more: &str) -> String {
    format!("{RULES}{more}\n")
}

/// The records of an outbox.
fn left(scanner: &Scanner) -> Vec<String> {
    let text = fs::read_to_string(scanner.path("outbox")).expect("written");
    let mut lines = text.lines().map(str::to_owned);
    assert_eq!(lines.next().as_deref(), Some("rampart-outbox 1 0"));
    lines.collect()
}

fn scan(log: &str, rules: &str) -> Scanner {
    let scanner = Scanner::new(log).write("rules.toml", rules);
    scanner.with("--rules rules.toml --log fw.log --share outbox")
}

fn a_scan_leaves_whom_it_bans() -> Result<(), Failed> {
    let _sets = Sets::as_firewall_apply()?;
    let scanner = scan(&blocked(&[V4, V6], 0..7), &rules("share = true")).at(60);
    scanner.run().done(0);
    let expected = [
        format!(
            "ban blacklist {V6} end=1795338006000 last=1795334406000 scan rule=blocked hits=7 ports=-"
        ),
        format!(
            "ban blacklist {V4} end=1795338006000 last=1795334406000 scan rule=blocked hits=7 ports=-"
        ),
    ];
    let mut records = left(&scanner);
    records.sort_unstable();
    assert_eq!(records, expected);
    let mode = fs::metadata(scanner.path("outbox"))?.permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The same log says nothing new, although both are kept.
    scanner.run().done(0).says("kept");
    assert_eq!(left(&scanner).len(), 2);
    // Who was in the set before is one more host's evidence all the same.
    let other = scan(&blocked(&[V4], 0..7), &rules("share = true")).at(60);
    other.run().done(0).says("kept");
    assert_eq!(left(&other), expected[1..]);
    Ok(())
}

fn what_can_be_forged_is_left_only_where_it_is_said() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    for (more, expected) in [
        ("", false),
        ("share = true", true),
        ("distinct-ports = 1", true),
        ("distinct-ports = 1\nshare = false", false),
    ] {
        sets.ipset("flush")?;
        let scanner = scan(&blocked(&[V4], 0..7), &rules(more)).at(60);
        scanner.run().done(0).says("added");
        assert_eq!(scanner.path("outbox").exists(), expected, "{more}");
        sets.ipset("flush")?;
        let dry = scan(&blocked(&[V4], 0..7), &rules(more)).at(60);
        let dry = dry.with("--dryrun");
        dry.run().done(0);
        assert!(!dry.path("outbox").exists());
    }
    Ok(())
}

fn an_outbox_that_cannot_be_written_stops_nothing() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    let scanner = scan(&blocked(&[V4], 0..7), &rules("share = true")).at(60);
    let scanner = scanner.write("outbox", "something else\n");
    scanner
        .run()
        .done(0)
        .says("[WARNING] other hosts are not told of all bans: \"outbox\" is no outbox");
    assert_eq!(sets.names("blacklist")?, [V4]);
    Ok(())
}

fn follow_leaves_whom_it_bans() -> Result<(), Failed> {
    let _sets = Sets::as_firewall_apply()?;
    let scanner = Scanner::new("").write("rules.toml", rules("share = true"));
    let scanner = scanner.with("follow --rules rules.toml --log fw.log --share outbox");
    let mut follow = Follow::with(scanner)?;
    follow.next("start");
    for count in 1..3 {
        let source = format!("203.0.113.{count}");
        follow.write(&lines(&source, 5))?;
        follow.ban();
        follow.write(&lines(&source, 5))?;
    }
    follow.write(&lines(V6, 5))?;
    follow.ban();
    follow.signal(Signal::SIGTERM)?;
    follow.next("end");
    let text = fs::read_to_string(follow.scanner.path("outbox"))?;
    for source in ["203.0.113.1", "203.0.113.2", V6] {
        assert!(
            text.contains(&format!("ban blacklist {source} end=")),
            "{text}"
        );
    }
    Ok(())
}
