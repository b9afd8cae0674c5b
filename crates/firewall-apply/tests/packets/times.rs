//! Services that are there at times: by hours, by days, and until an instant.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use netns_testbed::{Failed, Packet, Tool, World};
use serde_json::Value;

use crate::config::{Config, Service};
use crate::connections::Session;
use crate::fate::{ALLOWED, BLOCKED, REJECTED};
use crate::ground::{ENOUGH, Ground};
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("service_of_this_hour", service_of_this_hour),
    ("service_of_another_day", service_of_another_day),
    ("service_that_ends", service_that_ends),
    ("session_typed_over_in_hours", session_typed_over_in_hours),
    (
        "port_of_another_host_at_hours",
        port_of_another_host_at_hours,
    ),
];

/// Minutes of the day, as the kernel's clock has it.
fn minute() -> Result<u64, Failed> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 60 % 1440)
}

fn clock(hour: u64, minute: u64) -> String {
    format!("{hour:02}:{minute:02}")
}

/// The configuration of rows is static, so what depends on the time is leaked: some bytes a row.
fn services(texts: Vec<String>) -> &'static [Service] {
    let texts = texts.into_iter().map(|text| Service::Written(text.leak()));
    texts.collect::<Vec<_>>().leak()
}

/// Hours around now, and hours far from it, on clocks of UTC and of elsewhere.
fn service_of_this_hour(case: Case) -> Result<(), Failed> {
    let now = minute()?;
    // Six hours before and behind: over midnight for one half of the day.
    let at = |offset: u64| {
        let minute = (now + offset) % 1440;
        clock(minute / 60, minute % 60)
    };
    let service = |name: &str, port: u16, from: &str, until: &str, more: &str| {
        format!(
            "name = \"{name}\"\nprotocol = \"tcp\"\nports = [{port}]\n{more}when = {{ from = \"{from}\", until = \"{until}\", zone = \"UTC\" }}"
        )
    };
    let (before, behind) = (at(1440 - 360), at(360));
    // Five hours later on another clock it is now.
    let elsewhere = format!(
        "name = \"east\"\nprotocol = \"tcp\"\nports = [9999]\nwhen = {{ from = \"{}\", until = \"{}\", days = [\"mon-sun\"], zone = \"+05:00\" }}",
        at(300 + 1440 - 60),
        at(300 + 60),
    );
    let ground = Ground::with_services(
        case,
        services(vec![
            service("no", 8443, &before, &behind, "action = \"reject\"\n"),
            service("now", 443, &before, &behind, ""),
            service("then", 22, &behind, &before, ""),
            elsewhere,
            "name = \"later\"\nprotocol = \"tcp\"\nports = [8443]".to_owned(),
        ]),
    );
    let mut ground = ground?;
    for (port, fate) in [
        (443, ALLOWED),
        (22, BLOCKED),
        (9999, ALLOWED),
        (8443, REJECTED),
    ] {
        ground.expect(&ground.connections(ground.source(1), port, 2), fate)?;
    }
    // What is there is what was wanted: read back, and again.
    let apply = ["apply", "--saved", "/nonexistent/sets.save"];
    let again = ground.firewall_apply(&apply)?;
    assert!(again.contains("unchanged"), "{again}");
    assert_eq!(ground.firewall_apply(&["diff"])?, "");
    let source = ground.source(1).to_string();
    for (port, verdict, why) in [
        ("443", "accepted", "yes"),
        ("22", "dropped", "no"),
        ("8443", "rejected", "yes"),
    ] {
        let said = explained(&ground, &[&source, "--port", port])?;
        assert_eq!(text(&said, "verdict"), verdict, "{said:#}");
        let asked = asked_for_time(&said, port)?;
        assert_eq!(text(&asked, "answer"), why, "{asked}");
        let because = text(&asked, "because");
        assert!(
            because.starts_with("it comes on ") && because.ends_with(" UTC"),
            "{because}"
        );
    }
    let told = status(&ground)?;
    for (service, word) in [
        ("now", " open until "),
        ("then", " closed until "),
        ("no", " on until "),
    ] {
        assert!(line_of(&told, service).contains(word), "{service}: {told}");
    }
    Ok(())
}

/// Outside of its hours, and behind its end, a forwarded port is one of this host.
fn port_of_another_host_at_hours(case: Case) -> Result<(), Failed> {
    let now = minute()?;
    let at = |offset: u64| {
        let minute = (now + offset) % 1440;
        clock(minute / 60, minute % 60)
    };
    let (before, behind) = (at(1440 - 360), at(360));
    let inside = SocketAddr::new(case.family.pick("192.0.2.2", "2001:db8:2::2").parse()?, 80);
    let port = |port: u16, when: &str| {
        format!(
            "[[forward.port]]\non = \"eth0\"\nprotocol = \"tcp\"\nport = {port}\nto = \"{inside}\"\n{when}\n"
        )
    };
    let hours = |from: &str, until: &str| {
        format!("when = {{ from = \"{from}\", until = \"{until}\", zone = \"UTC\" }}")
    };
    let text = port(8444, &hours(&before, &behind))
        + &port(8445, &hours(&behind, &before))
        + &port(8446, "open-until = 2001-01-01T00:00:00Z")
        + &port(8447, "open-until = 2037-01-01T00:00:00Z");
    let config = Config {
        more: text.leak(),
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    for (port, arrives) in [(8444, true), (8445, false), (8446, false), (8447, true)] {
        let mut server = ground.world.server.tap("eth0")?;
        let packets = ground.connections(ground.source(2), port, 1);
        if arrives {
            let seen = ground.send(&packets)?;
            assert_eq!(seen.logged, [], "{port}");
        } else {
            ground.expect(&packets, BLOCKED)?;
        }
        let received = server.drain()?;
        let mut ends = received.iter().filter_map(Packet::endpoints);
        assert_eq!(ends.any(|(_, to)| to == inside), arrives, "{port}");
    }
    assert_eq!(ground.firewall_apply(&["diff"])?, "");
    Ok(())
}

fn explained(ground: &Ground, arguments: &[&str]) -> Result<Value, Failed> {
    let all = [&["--json", "explain"], arguments].concat();
    Ok(serde_json::from_str(&ground.firewall_apply(&all)?)?)
}

fn text<'v>(of: &'v Value, key: &str) -> &'v str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(of: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// What the first rule of the port asks of the time.
fn asked_for_time(said: &Value, port: &str) -> Result<Value, Failed> {
    let mut steps = list(said, "passages").flat_map(|passage| list(passage, "steps"));
    let step = steps.find(|step| {
        let rule = text(step, "rule");
        rule.contains(&format!("--dport {port} ")) && rule.contains("-m time")
    });
    let step = step.ok_or("no rule of the port asks for a time")?;
    let time = list(step, "asked").find(|asked| text(asked, "what").starts_with("-m time"));
    Ok(time.ok_or("it was not asked for a time")?.clone())
}

/// The days around today, and the others.
fn service_of_another_day(case: Case) -> Result<(), Failed> {
    const DAYS: [&str; 7] = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
    let days = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 86400;
    // Midnight may come while the row runs.
    let named = |after: u64| {
        let at = usize::try_from((days + after) % 7).unwrap_or(0);
        DAYS.get(at).copied().unwrap_or_default()
    };
    let service = |name: &str, port: u16, first: &str, last: &str| {
        format!(
            "name = \"{name}\"\nprotocol = \"tcp\"\nports = [{port}]\nwhen = {{ days = [\"{first}-{last}\"], zone = \"UTC\" }}"
        )
    };
    let mut ground = Ground::with_services(
        case,
        services(vec![
            service("these", 443, named(0), named(1)),
            service("others", 22, named(2), named(6)),
        ]),
    )?;
    for (port, fate) in [(443, ALLOWED), (22, BLOCKED)] {
        ground.expect(&ground.connections(ground.source(1), port, 2), fate)?;
    }
    Ok(())
}

/// The kernel closes it: nobody runs when the time comes. A machine that was too slow to see it open
/// tries again with more time.
fn service_that_ends(case: Case) -> Result<(), Failed> {
    for seconds in [6, 30, 120] {
        if ends_after(seconds, case)? {
            return Ok(());
        }
    }
    Err("a firewall does not go up in two minutes".into())
}

/// Whether there was time to see it open before it was closed.
fn ends_after(seconds: u64, case: Case) -> Result<bool, Failed> {
    let end = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + seconds;
    let service = |name: &str, port: u16, end: &str| {
        format!("name = \"{name}\"\nprotocol = \"tcp\"\nports = [{port}]\nopen-until = {end}")
    };
    let at = jiff::Timestamp::from_second(i64::try_from(end)?)?;
    let mut ground = Ground::with_services(
        case,
        services(vec![
            service("ends", 443, &at.to_string()),
            service("over", 8443, "\"2001-01-01T00:00:00+01:00\""),
            "name = \"stays\"\nprotocol = \"tcp\"\nports = [22]".to_owned(),
        ]),
    )?;
    let left = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Duration::from_secs(end).saturating_sub(now.unwrap_or_default())
    };
    let packets = ground.connections(ground.source(1), 443, 1);
    let fates = ground.fates(&packets)?;
    if left().is_zero() {
        return Ok(false);
    }
    assert_eq!(fates, [ALLOWED]);
    std::thread::sleep(left());
    // The kernel's clock of whole seconds is behind by up to a tick.
    let closed = Instant::now();
    for n in 2..=200 {
        let packets = ground.connections(ground.source(n), 443, 1);
        if ground.fates(&packets)? == [BLOCKED] {
            break;
        }
        assert!(closed.elapsed() < ENOUGH, "it is still open");
    }
    // Of the others one may have got a connection in that last moment.
    for (port, fate) in [(443, BLOCKED), (8443, BLOCKED), (22, ALLOWED)] {
        ground.expect(&ground.connections(ground.source(201), port, 1), fate)?;
    }
    let told = status(&ground)?;
    for service in ["ends", "over"] {
        assert!(
            line_of(&told, service).ends_with(" closed for good"),
            "{told}"
        );
    }
    Ok(true)
}

/// The way in that will be closed is told while it is open, and refused when it is closed.
fn session_typed_over_in_hours(case: Case) -> Result<(), Failed> {
    let ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let session = Session::open(&ground, &ground.world.attacker, ground.gateway(22))?;
    let (peer, local) = (session.client.local_addr()?, session.client.peer_addr()?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let at = |seconds: u64| -> Result<String, Failed> {
        Ok(jiff::Timestamp::from_second(i64::try_from(seconds)?)?.to_string())
    };
    let apply = |services: &str| -> Result<(Option<i32>, String), Failed> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("firewall.toml");
        std::fs::write(&path, services)?;
        let variable = format!(
            "SSH_CONNECTION={} {} {} {}",
            peer.ip(),
            peer.port(),
            local.ip(),
            local.port()
        );
        let program = env!("CARGO_BIN_EXE_firewall-apply");
        let config = path.display().to_string();
        let arguments = [
            &*variable,
            program,
            "--config",
            &config,
            "apply",
            "--saved",
            "/dev/null",
        ];
        let env = Tool::require("env")?;
        let done = ground.world.gateway.run(|| env.output(&arguments))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        Ok((done.status.code(), said))
    };
    let closed = "no rule would let this ssh session in again";
    let ssh = |name: &str, more: &str| {
        format!("[[service]]\nname = \"{name}\"\nprotocol = \"tcp\"\nports = [22]\n{more}\n")
    };
    let (status, said) = apply(&ssh("ssh", ""))?;
    assert_eq!((status, said.contains(closed)), (Some(0), false), "{said}");

    let (soon, later) = (at(now + 3600)?, at(now + 7200)?);
    let ends = |end: &str| format!("open-until = {end}");
    let first = ssh("first", &ends(&soon));
    let (status, said) = apply(&first)?;
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains(&format!("from {soon} on {closed}")), "{said}");
    // Whichever closes last.
    let (status, said) = apply(&(first.clone() + &ssh("second", &ends(&later))))?;
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains(&format!("from {later} on {closed}")),
        "{said}"
    );
    let (status, said) = apply(&(first + &ssh("always", "")))?;
    assert_eq!((status, said.contains(closed)), (Some(0), false), "{said}");

    let (status, said) = apply(&ssh("over", &ends("2001-01-01T00:00:00Z")))?;
    assert_eq!(status, Some(2), "{said}");
    assert!(
        said.contains(closed) && said.contains("you are locked out"),
        "{said}"
    );
    // Where it stands in the file, too.
    assert!(
        said.contains("firewall.toml:5:14: open-until 2001-01-01T00:00:00Z is over"),
        "{said}"
    );
    Ok(())
}

/// What status says, what it says of one thing on one line.
fn status(ground: &Ground) -> Result<String, Failed> {
    let told = ground.firewall_apply(&["status", "--last", "/dev/null"])?;
    let mut lines = String::new();
    for line in told.lines() {
        lines += line;
        lines.push_str(if line.ends_with(',') { " " } else { "\n" });
    }
    Ok(lines)
}

fn line_of<'t>(told: &'t str, service: &str) -> &'t str {
    let mut lines = told.lines();
    let is_of = |line: &&str| line.trim_start().starts_with(&format!("{service} "));
    lines.find(is_of).unwrap_or_default()
}
