//! The file of `--textfile`, of scans and of a follower, read by what reads figures.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use netns_testbed::{Failed, MetricsRead, MetricsText, read_metrics};
use nix::sys::signal::Signal;

use crate::following::{Follow, LONG, lines};
use crate::support::{START, Scanner, Sets, V4, V6, blocked, line, packet};

crate::trials!(
    scans_add_up,
    nothing_of_a_line_is_a_label,
    a_damaged_file_is_said_and_begun_anew,
    a_file_that_cannot_be_written_keeps_nobody_free,
    bans_of_a_follower_are_timed,
    a_follower_goes_on_without_its_file,
);

fn figures(path: &Path) -> Result<MetricsRead, Failed> {
    read_metrics(&MetricsText::Prometheus(fs::read_to_string(path)?))
}

fn bans(read: &MetricsRead, outcome: &str) -> Option<f64> {
    let labels = [
        ("rule", "blocked"),
        ("ipset", "blacklist"),
        ("outcome", outcome),
    ];
    read.value("rampart_bans_total", &labels)
}

/// What a scan reads is as it is; what it does adds up.
fn scans_add_up() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let other = line(START, "something else");
    let log = other + &blocked(&[V4, V6], 0..5);
    let scanner = Scanner::new(log).rule().at(10).with("--textfile scan.prom");
    let path = scanner.path("scan.prom");
    for (scans, added, known) in [(1.0, 2.0, 0.0), (2.0, 2.0, 2.0)] {
        scanner.run().done(0);
        let read = figures(&path)?;
        assert_eq!(read.value("rampart_scans_total", &[]), Some(scans));
        assert_eq!(bans(&read, "added"), Some(added));
        // By how much time has passed.
        let of = |outcome| bans(&read, outcome).unwrap_or_default();
        let again = of("kept") + of("refreshed");
        assert!((again - known).abs() < 0.5, "{again}");
        // One that did not happen has its series, too.
        assert_eq!(bans(&read, "refused"), Some(0.0));
        let lines = |kind| read.value("rampart_scan_log_lines", &[("kind", kind)]);
        assert_eq!((lines("event"), lines("other")), (Some(10.0), Some(1.0)));
        for (metric, number) in [
            ("rampart_scan_matched_lines", 10.0),
            ("rampart_scan_sources", 2.0),
            ("rampart_scan_violators", 2.0),
        ] {
            assert_eq!(
                read.value(metric, &[("number", "1")]),
                Some(number),
                "{metric}"
            );
        }
        assert_eq!(read.value("rampart_scan_complete", &[]), Some(1.0));
        let ended = read.value("rampart_scan_timestamp_seconds", &[]);
        let now = jiff::Timestamp::now().as_duration().as_secs_f64();
        assert!(ended.is_some_and(|ended| (now - ended).abs() < 600.0));
    }
    assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o7777, 0o644);
    // A scan that comes to nothing leaves the file of the last one that did.
    let before = fs::read(&path)?;
    let scanner = scanner.with("--log missing");
    scanner.run().done(2);
    assert_eq!(fs::read(&path)?, before);
    drop(sets);
    Ok(())
}

/// Whoever writes lines writes no figures: no address, prefix or text of his is in the file.
fn nothing_of_a_line_is_a_label() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let mut log = blocked(&[V4, V6], 0..5);
    for text in [
        "x\"} 1\n# EOF\nrampart_bans_total{rule=\"",
        "IPTABLES-EVIL: IN=eth0 SRC=192.0.2.66",
        "evil IPTABLES-BLOCKED: IN=eth0",
        "192.0.2.66 evil lines dropped: evil",
    ] {
        log += &line(START, text);
    }
    log += &line(START, &packet("EVIL", "192.0.2.66", "TCP"));
    log += "Nov 22 08:00:00 evil app: IPTABLES-BLOCKED: SRC=192.0.2.66\n";
    let scanner = Scanner::new(log).rule().at(10).with("--textfile scan.prom");
    scanner.run().done(0);
    let path = scanner.path("scan.prom");
    let text = fs::read_to_string(&path)?;
    for secret in ["evil", "EVIL", V4, V6, "192.0.2.66"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let read = figures(&path)?;
    assert_eq!(bans(&read, "added"), Some(2.0));
    assert_eq!(
        read.names()
            .filter(|name| *name == "rampart_scans_total")
            .count(),
        1
    );
    Ok(())
}

fn a_damaged_file_is_said_and_begun_anew() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let scanner = Scanner::new(blocked(&[V4], 0..5))
        .rule()
        .at(10)
        .with("--textfile scan.prom");
    let path = scanner.path("scan.prom");
    scanner.run().done(0);
    let whole = fs::read(&path)?;
    for damaged in [&whole[..whole.len() / 2], b"", b"\xff\xfe"] {
        fs::write(&path, damaged)?;
        scanner.run().done(0).says("scan.prom begin anew: ");
        let read = figures(&path)?;
        assert_eq!(read.value("rampart_scans_total", &[]), Some(1.0));
    }
    Ok(())
}

/// It is a warning; who is to be banned is.
fn a_file_that_cannot_be_written_keeps_nobody_free() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let scanner = Scanner::new(blocked(&[V4], 0..5)).rule().at(10);
    scanner
        .with("--textfile nowhere/scan.prom")
        .run()
        .done(0)
        .says("[WARNING]")
        .says("nowhere");
    assert_eq!(sets.names("blacklist")?, [V4]);
    let ran = Scanner::new("").rule().with("--textfile fw.log").run();
    ran.done(2).complains(".prom");
    Ok(())
}

fn bans_of_a_follower_are_timed() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    // Who was over the threshold before it began has waited for nobody.
    let old = lines("203.0.113.9", 5);
    let scanner = Scanner::new(old).with("follow").rule();
    let scanner = scanner.with("--textfile live.prom");
    let path = scanner.path("live.prom");
    let mut follow = Follow::with(scanner)?;
    follow.next("start");
    wait_for(&path, |read| bans(read, "added") == Some(1.0))?;
    follow.write(&lines(V4, 5))?;
    follow.write(&lines(V6, 5))?;
    follow.ban();
    follow.ban();
    // It is written again while it follows.
    wait_for(&path, |read| bans(read, "added") == Some(3.0))?;
    follow.write("no line of the firewall\n")?;
    follow.signal(Signal::SIGTERM)?;
    follow.next("end");
    assert_eq!(follow.child.wait()?.code(), Some(0));
    let read = figures(&path)?;
    assert_eq!(
        read.value("rampart_ban_latency_seconds_count", &[]),
        Some(2.0)
    );
    let all = [("le", "+Inf")];
    assert_eq!(
        read.value("rampart_ban_latency_seconds_bucket", &all),
        Some(2.0)
    );
    let sum = read.value("rampart_ban_latency_seconds_sum", &[]);
    assert!(
        sum.is_some_and(|sum| sum > 0.0 && sum < LONG.as_secs_f64()),
        "{sum:?}"
    );
    let lines = |kind| read.value("rampart_follow_log_lines_total", &[("kind", kind)]);
    assert_eq!((lines("event"), lines("other")), (Some(15.0), Some(1.0)));
    assert_eq!(read.value("rampart_follow_sources", &[]), Some(3.0));
    let bytes = |metric| read.value(metric, &[]).unwrap_or_default();
    assert!(bytes("rampart_follow_sources_bytes") > 0.0);
    assert!(bytes("rampart_follow_sources_bytes") < bytes("rampart_follow_sources_max_bytes"));
    assert_eq!(read.value("rampart_follow_waiting", &[]), Some(0.0));
    Ok(())
}

/// Waits until figures are as they come to be.
fn wait_for(path: &Path, holds: impl Fn(&MetricsRead) -> bool) -> Result<(), Failed> {
    let end = Instant::now() + LONG;
    loop {
        if path.exists() && holds(&figures(path)?) {
            return Ok(());
        }
        assert!(Instant::now() < end, "{:?}", fs::read_to_string(path));
        sleep(Duration::from_millis(200));
    }
}

fn a_follower_goes_on_without_its_file() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let scanner = Scanner::new("").with("follow").rule();
    let scanner = scanner.with("--textfile nowhere/live.prom");
    let mut follow = Follow::with(scanner)?;
    // The warning comes when it comes, and once.
    follow.write(&lines(V4, 5))?;
    let mut said = Vec::new();
    let end = Instant::now() + LONG;
    while sets.names("blacklist")?.is_empty() {
        assert!(Instant::now() < end, "{said:?}");
        said.extend(follow.next_of_all(Duration::from_millis(50)));
    }
    follow.signal(Signal::SIGTERM)?;
    said.extend(std::iter::from_fn(|| follow.next_of_all(LONG)));
    assert_eq!(follow.child.wait()?.code(), Some(0));
    let mut texts = said.iter().filter_map(|line| line["text"].as_str());
    assert!(texts.any(|text| text.contains("nowhere")), "{said:?}");
    assert!(said.iter().any(|line| line["event"] == "ban"), "{said:?}");
    Ok(())
}
