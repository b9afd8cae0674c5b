//! What `sync` does where something is not as it should be.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use netns_testbed::{Failed, Trial, trial};

use crate::host::{Host, ban, fleet};
use crate::server::now;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("an_engine_that_is_down_is_one_line_and_loses_nothing", down),
        trial("what_was_kept_and_is_damaged_is_asked_for_again", damaged),
        trial("by_a_wrong_clock_nothing_is_told", clock),
        trial("a_set_that_is_full_or_missing_is_named", full),
        trial("who_tells_too_much_is_cut_off_and_named", too_much),
    ]
}

fn down() -> Result<(), Failed> {
    let (mut server, [web1, web2]) = fleet(["web1", "web2"])?;
    web2.sync(0);
    server.end();
    web1.tell(&ban("throttle-soft", "203.0.113.7", 3600));
    let report = web1.sync(1);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{report}");
    let finding = findings[0].as_str().unwrap();
    assert!(
        finding.contains("cannot connect") && finding.ends_with("1 records stay in the outbox"),
        "{finding}"
    );
    assert!(!web1.path("share.state").exists());
    // Empty as it is, it is told all again.
    server.run();
    assert_eq!(web1.sync(0)["told"], 1);
    assert_eq!(web2.sync(0)["added"][0]["prefix"], "203.0.113.7");
    server.end();
    server.run();
    let report = web1.sync(0);
    assert_eq!(
        (&report["told"], &report["told_again"]),
        (&1.into(), &true.into())
    );
    Ok(())
}

fn damaged() -> Result<(), Failed> {
    let (_server, [web1, web2]) = fleet(["web1", "web2"])?;
    web1.tell(&ban("throttle-soft", "203.0.113.7", 3600));
    web1.sync(0);
    web2.sync(0);
    let state = web2.path("share.state");
    assert_eq!(fs::metadata(&state)?.permissions().mode() & 0o777, 0o600);
    assert_eq!(web2.sync(0)["snapshot"], false);
    let whole = fs::read_to_string(&state)?;
    for text in [
        "",
        "\0\0\0\0",
        &whole[..whole.len() / 2],
        &whole.replace("rampart-share 1 main", "rampart-share 1 other"),
    ] {
        fs::write(&state, text)?;
        let report = web2.sync(1);
        assert_eq!(report["snapshot"], true, "{report}");
        let finding = report["findings"][0].as_str().unwrap();
        assert!(
            finding.starts_with("what was known of the fleet is asked for again: state \""),
            "{finding}"
        );
        let report = web2.sync(0);
        assert_eq!(
            (&report["snapshot"], &report["kept"]),
            (&false.into(), &1.into())
        );
    }
    let mut outbox = fs::read_to_string(web1.path("outbox"))?;
    outbox.push_str("ban nonsense\n");
    fs::write(web1.path("outbox"), outbox)?;
    let report = web1.sync(1);
    let finding = report["findings"][0].as_str().unwrap();
    assert!(
        finding.contains("1 lines are no records, the first is line 3: "),
        "{finding}"
    );
    web1.sync(0);
    Ok(())
}

/// A server that says another time, and notes what it is asked for.
fn clock() -> Result<(), Failed> {
    for (ahead, expected) in [(-90_i64, "-9"), (90, "+")] {
        let directory = tempfile::tempdir()?;
        let socket = directory.path().join("socket");
        let listener = UnixListener::bind(&socket)?;
        let host = Host::new("web1", &socket)?;
        fs::write(host.path("password"), "")?;
        let text = fs::read_to_string(host.path("share.toml"))?;
        let without = text
            .lines()
            .filter(|line| !line.starts_with("password-file"));
        fs::write(
            host.path("share.toml"),
            without.collect::<Vec<_>>().join("\n"),
        )?;
        host.tell(&ban("throttle-soft", "203.0.113.7", 3600));
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut asked, mut buffer) = (String::new(), [0; 4096]);
            loop {
                let read = stream.read(&mut buffer).unwrap_or(0);
                if read == 0 {
                    return asked;
                }
                let text = String::from_utf8_lossy(&buffer[..read]);
                asked.push_str(&text);
                let seconds = (now().millis() / 1000).saturating_add_signed(ahead);
                let answer = format!(
                    "*2\r\n${}\r\n{seconds}\r\n$1\r\n0\r\n",
                    seconds.to_string().len()
                );
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let report = host.sync(1);
        let finding = report["findings"][0].as_str().unwrap();
        assert!(
            finding.starts_with(&format!("the engine's clock is {expected}"))
                && finding.ends_with("nothing was told and nothing applied"),
            "{finding}"
        );
        assert_eq!(served.join().unwrap(), "*1\r\n$4\r\nTIME\r\n");
        assert!(!host.path("share.state").exists());
    }
    Ok(())
}

fn full() -> Result<(), Failed> {
    let (_server, [web1, web2]) = fleet(["web1", "web2"])?;
    for set in ["throttle-soft", "throttle-soft_v6"] {
        web2.ipset(&["destroy", set])?;
    }
    web2.ipset(&[
        "create",
        "throttle-soft",
        "hash:net",
        "timeout",
        "0",
        "comment",
        "maxelem",
        "2",
        "hashsize",
        "64",
    ])?;
    for last in 1..=5 {
        web1.tell(&ban("throttle-soft", &format!("203.0.113.{last}"), 3600));
    }
    web1.tell(&ban("throttle-soft", "2001:db8::1", 3600));
    web1.sync(0);
    let report = web2.sync(1);
    let findings = report["findings"].to_string();
    assert!(findings.contains("throttle-soft_v6"), "{findings}");
    assert!(findings.contains("full"), "{findings}");
    assert_eq!(
        report["added"].as_array().map(Vec::len),
        Some(web2.members("throttle-soft").len())
    );
    Ok(())
}

fn too_much() -> Result<(), Failed> {
    let (_server, [web1, web2]) = fleet(["web1", "web2"])?;
    web2.configure(
        "[take]\nfrom = [\"web*\"]\nmax-per-origin = 4\nsets = { throttle-soft = 1 }\n",
    )?;
    for last in 1..=5 {
        web1.tell(&ban("throttle-soft", &format!("203.0.113.{last}"), 3600));
    }
    web1.sync(0);
    let report = web2.sync(1);
    let finding = report["findings"][0].as_str().unwrap();
    assert_eq!(
        finding,
        "web1 is cut off whole: it has more than 4 records (max-per-origin)"
    );
    assert!(web2.members("throttle-soft").is_empty());
    // It stays so in the next run, and its pace is remembered, too.
    web2.sync(1);
    web2.configure(
        "[take]\nfrom = [\"web*\"]\nmax-new-per-minute = 3\nsets = { throttle-soft = 1 }\n",
    )?;
    fs::remove_file(web2.path("share.state"))?;
    web2.sync(0);
    let before = now();
    for last in 6..=9 {
        web1.tell(&ban("throttle-soft", &format!("203.0.113.{last}"), 3600));
        web1.sync(0);
        let quick = now().since(before) < Duration::from_secs(15);
        if last == 9 && quick {
            let report = web2.sync(1);
            assert!(
                report["findings"][0]
                    .as_str()
                    .unwrap()
                    .contains("max-new-per-minute")
            );
        } else {
            web2.share(&["sync"]);
        }
    }
    Ok(())
}
