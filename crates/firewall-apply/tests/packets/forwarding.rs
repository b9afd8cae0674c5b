//! Packets for others.

use std::net::{SocketAddr, UdpSocket};

use netns_testbed::{Failed, Packet, World};

use crate::config::Config;
use crate::fate::{Log, answers};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("forwarded", forwarded),
    ("forwarded_from_whitelisted", forwarded_from_whitelisted),
    ("forwarded_from_blacklisted", forwarded_from_blacklisted),
    ("forwarding_before_apply", forwarding_before_apply),
    ("forwarding_untouched", forwarding_untouched),
    ("published_ports_ask_no_ban", published_ports_ask_no_ban),
    (
        "published_ports_with_bans_before_them",
        published_ports_with_bans_before_them,
    ),
    (
        "bans_hold_when_containers_come_later",
        bans_hold_when_containers_come_later,
    ),
    ("passed_on_as_allowed", passed_on_as_allowed),
];

/// Everything from inside, one port from outside.
const ROUTER: Config = Config {
    more: "[[forward.allow]]\nfrom = \"eth1\"\nto = \"eth0\"\n\
        [[forward.allow]]\nname = \"web\"\nfrom = [\"eth0\"]\nto = \"eth1\"\nprotocol = \"tcp\"\nports = [80]\n\
        destinations = [\"192.0.2.2\", \"2001:db8:2::2\"]\nlog = true\n",
    services: &[],
    throttle: "",
    log: "",
    policy: "",
};

/// Bans hold for what is passed on.
const PROTECTED: Config = Config {
    more: "[forward]\nprotect = true\n",
    services: &[],
    throttle: "",
    log: "",
    policy: "",
};

fn forwarded(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    assert!(
        !reaches_server(&mut ground)?,
        "the policy of FORWARD is DROP"
    );
    Ok(())
}

/// The whitelist is about what is for this host.
fn forwarded_from_whitelisted(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.add("whitelist", ground.source(1), "")?;
    assert!(
        !reaches_server(&mut ground)?,
        "the policy of FORWARD is DROP"
    );
    Ok(())
}

/// So is the blacklist.
fn forwarded_from_blacklisted(case: Case) -> Result<(), Failed> {
    let config = Config {
        policy: "forward = \"untouched\"",
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    ground.add("blacklist", ground.source(1), "timeout 600")?;
    assert!(reaches_server(&mut ground)?, "FORWARD is left alone");
    Ok(())
}

/// The path is there: it is the firewall that closes it.
fn forwarding_before_apply(case: Case) -> Result<(), Failed> {
    let world = World::new()?;
    let mut server = world.server.tap("eth0")?;
    let mut attacker = world.attacker.tap("eth0")?;
    let packet = to_server(case, &world);
    attacker.send(&packet)?;
    attacker.receive_until(crate::ground::ENOUGH, |answer| answers(answer, &packet))?;
    assert_eq!(server.drain()?.len(), 1);
    Ok(())
}

fn forwarding_untouched(case: Case) -> Result<(), Failed> {
    let config = Config {
        policy: "forward = \"untouched\"",
        ..Config::default()
    };
    let mut ground = Ground::with(case, config)?;
    assert!(reaches_server(&mut ground)?, "FORWARD is left alone");
    Ok(())
}

fn passed_on_as_allowed(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, ROUTER)?;
    for (set, stranger) in [("blacklist", 1), ("blacklist", 3), ("whitelist", 3)] {
        ground.add(set, ground.source(stranger), "")?;
    }
    for (stranger, port, arrives, log) in [
        (2, 80, true, "FORWARD-ALLOWED"),
        (2, 81, false, "FORWARD-BLOCKED"),
        (1, 80, false, "BLOCKED"),
        (3, 80, true, "FORWARD-ALLOWED"),
        (3, 81, false, "FORWARD-BLOCKED"),
    ] {
        let (arrived, logged) = sent_through(&mut ground, stranger, port)?;
        let prefix = case.family.pick("IPTABLES", "IP6TABLES");
        let expected = [format!("{prefix}-{log}: ")];
        assert_eq!((arrived, &*logged), (arrives, &expected[..]), "{stranger}");
    }
    // From inside, without a line.
    let to = SocketAddr::new(ground.source(2), 12345);
    let mut attacker = ground.world.attacker.tap("eth0")?;
    let any = SocketAddr::new(ground.world.server.address(case.family), 0);
    ground.world.server.run(|| -> Result<(), Failed> {
        UdpSocket::bind(any)?.send_to(b"x", to)?;
        Ok(())
    })?;
    assert_eq!(ground.send(&[])?.logged, []);
    let arrived = attacker.drain()?;
    let mut ends = arrived.iter().filter_map(Packet::endpoints);
    assert!(
        ends.any(|(_, destination)| destination == to),
        "{arrived:?}"
    );
    Ok(())
}

/// The way around the firewall is there.
fn published_ports_ask_no_ban(case: Case) -> Result<(), Failed> {
    let ground = Ground::before_apply(World::new()?, case, Config::default())?;
    containers(&ground)?;
    ground.apply()?;
    let mut ground = ground;
    ground.add("blacklist", ground.source(1), "")?;
    assert!(reaches_server(&mut ground)?, "nobody asks for bans");
    Ok(())
}

fn published_ports_with_bans_before_them(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::before_apply(World::new()?, case, PROTECTED)?;
    containers(&ground)?;
    let before = ground.saved()?;
    ground.apply()?;
    bans_hold(&mut ground)?;
    // Their rules are as they were, behind the one jump.
    let saved = ground.saved()?;
    let theirs = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains("DOCKER"));
        lines.map(str::to_owned).collect()
    };
    let mut expected = theirs(&before);
    let at = expected
        .iter()
        .position(|line| line.starts_with("-A DOCKER-USER"))
        .ok_or("no rule")?;
    expected.insert(at, "-A DOCKER-USER -j FIREWALL_FORWARD_BANS".to_owned());
    assert_eq!(theirs(&saved), expected);
    assert!(!saved.contains("-A FORWARD -j FIREWALL"), "{saved}");
    explained(&ground, 1, "dropped", "FIREWALL_FORWARD_BANS")?;
    explained(&ground, 3, "accepted", "DOCKER-FORWARD")?;
    ground.firewall_apply(&["reset"])?;
    assert_eq!(theirs(&ground.saved()?), theirs(&before));
    Ok(())
}

/// A container engine that is started after the firewall puts its jumps before all others.
fn bans_hold_when_containers_come_later(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, PROTECTED)?;
    let alone = ground.saved()?;
    assert!(
        alone.contains("-A FORWARD -j FIREWALL_FORWARD_BANS\n"),
        "{alone}"
    );
    containers(&ground)?;
    bans_hold(&mut ground)?;
    ground.apply()?;
    bans_hold(&mut ground)?;
    let saved = ground.saved()?;
    assert!(!saved.contains("-A FORWARD -j FIREWALL"), "{saved}");
    assert!(
        saved.contains("-A DOCKER-USER -j FIREWALL_FORWARD_BANS\n-A DOCKER-USER -j RETURN\n"),
        "{saved}"
    );
    Ok(())
}

/// What a container engine has for a port that it publishes, made as it makes it: a chain that is
/// there already is kept, and the jumps go to the beginning of FORWARD.
fn containers(ground: &Ground) -> Result<(), Failed> {
    let server = ground.world.server.address(ground.case.family).to_string();
    for chain in ["DOCKER-USER", "DOCKER-FORWARD"] {
        // It may be there.
        let _ = ground.iptables(&["-N", chain]);
    }
    for rule in [
        &["-A", "DOCKER-USER", "-j", "RETURN"][..],
        &["-A", "DOCKER-FORWARD", "-d", &server, "-j", "ACCEPT"],
        &["-A", "DOCKER-FORWARD", "-s", &server, "-j", "ACCEPT"],
        &["-I", "FORWARD", "-j", "DOCKER-FORWARD"],
        &["-I", "FORWARD", "-j", "DOCKER-USER"],
    ] {
        ground.iptables(rule)?;
    }
    Ok(())
}

/// Strangers get to the server unless they are banned, the whitelisted whether they are or not.
fn bans_hold(ground: &mut Ground) -> Result<(), Failed> {
    for (set, stranger) in [("blacklist", 1), ("blacklist", 3), ("whitelist", 3)] {
        ground.add(set, ground.source(stranger), "")?;
    }
    for (stranger, arrives) in [(1, false), (2, true), (3, true)] {
        let expected: &[Log] = if arrives { &[] } else { &[Log::Blocked] };
        let (arrived, logged) = to_server_from(ground, stranger)?;
        assert_eq!((arrived, &*logged), (arrives, expected), "{stranger}");
    }
    Ok(())
}

/// What `explain` says of a packet from a stranger to the server.
fn explained(ground: &Ground, stranger: u8, verdict: &str, chain: &str) -> Result<(), Failed> {
    let source = ground.source(stranger).to_string();
    let server = ground.world.server.address(ground.case.family).to_string();
    let words = ["explain", &source, "--to", &server, "--port", "80"];
    let said = ground.firewall_apply(&[&["--json"], &words[..]].concat())?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    let at = |place: &str| said.pointer(place).and_then(serde_json::Value::as_str);
    assert_eq!(at("/verdict"), Some(verdict), "{said:#}");
    assert_eq!(at("/endings/0/by/chain"), Some(chain), "{said:#}");
    Ok(())
}

/// Whether a packet from outside gets to the server; neither way is logged.
fn reaches_server(ground: &mut Ground) -> Result<bool, Failed> {
    let (arrived, logged) = to_server_from(ground, 1)?;
    assert_eq!(logged, []);
    Ok(arrived)
}

/// Whether a packet of this stranger gets to the server, and how it is logged.
fn to_server_from(ground: &mut Ground, stranger: u8) -> Result<(bool, Vec<Log>), Failed> {
    let (arrived, prefixes) = sent_through(ground, stranger, 80)?;
    let log = |prefix: &String| Log::of(ground.case.family, prefix);
    let logged = prefixes.iter().map(log).collect::<Option<_>>();
    Ok((arrived, logged.ok_or("not a prefix of ours")?))
}

/// Whether a packet of this stranger gets to a port of the server, and the prefixes of its lines.
fn sent_through(
    ground: &mut Ground,
    stranger: u8,
    port: u16,
) -> Result<(bool, Vec<String>), Failed> {
    let mut server = ground.world.server.tap("eth0")?;
    let packet = from(ground.case, &ground.world, stranger, port);
    let seen = ground.send(std::slice::from_ref(&packet))?;
    let arrived = !server.drain()?.is_empty();
    assert_eq!(
        arrived,
        seen.answers.iter().any(|answer| answers(answer, &packet))
    );
    let prefixes = seen.logged.into_iter().map(|line| line.prefix);
    Ok((arrived, prefixes.collect()))
}

fn to_server(case: Case, world: &World) -> Packet {
    from(case, world, 1, 80)
}

fn from(case: Case, world: &World, stranger: u8, port: u16) -> Packet {
    let server = SocketAddr::new(world.server.address(case.family), port);
    Packet::tcp_syn(
        SocketAddr::new(case.family.stranger(stranger), 40000),
        server,
    )
}
