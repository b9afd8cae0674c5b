//! `--cut-connections`, against live connections that the firewall accepts because they are
//! established.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use netns_testbed::{Failed, Family, Tool, accept, connect};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::BindToDevice;

use crate::firewall::{Firewall, Live, PATIENCE, RULE, log_of};
use crate::support::{Ran, START, Scanner, Sets, V4, blocked, violations};

crate::trials!(
    a_live_connection_dies_and_a_bystander_s_lives,
    by_network_and_by_rule,
    what_goes_on_sending_dies_too,
    also_at_a_socket_bound_to_an_interface,
    who_listens_goes_on_listening,
    connections_through_this_host,
    connections_opened_from_here_stay,
    datagrams_and_pings_are_tracked_too,
    what_is_older_than_the_evidence_stays,
    what_one_rule_leaves_another_may_cut,
    nothing_tracked_is_done,
    a_dry_run_counts,
);

fn a_live_connection_dies_and_a_bystander_s_lives() -> Result<(), Failed> {
    for family in Family::BOTH {
        let firewall = Firewall::new()?;
        let attacker = firewall.stranger(family, 66)?;
        let mut attack = firewall.connection(attacker)?;
        let mut second = firewall.connection(attacker)?;
        let mut visit = firewall.connection(firewall.stranger(family, 67)?)?;
        assert_eq!(firewall.tracked(attacker)?, 2);

        // The ban by itself lets them go on: they are established.
        firewall.scan(&[attacker], "").done(0).says("[ACTION]");
        attack.assert_alive()?;

        // A scan that finds the ban there cuts them, too.
        firewall
            .scan(&[attacker], "--cut-connections")
            .done(0)
            .says("kept: ")
            .says(&format!("  [ACTION] {attacker}: 2 connections cut\n"));
        assert_eq!(firewall.tracked(attacker)?, 0);
        visit.assert_alive()?;
        attack.assert_dead()?;
        second.assert_dead()?;
        assert!(attack.speak().is_err());

        let ran = firewall.scan(&[attacker], "--cut-connections --json");
        let report: serde_json::Value = serde_json::from_str(&ran.done(0).stdout)?;
        assert_eq!(violations(&report)[0]["connections_cut"], 0);
        assert_eq!(violations(&report)[0]["error"], serde_json::Value::Null);
    }
    Ok(())
}

fn by_network_and_by_rule() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    for family in Family::BOTH {
        let [first, second, excepted, exempt] = [
            firewall.stranger(family, 70)?,
            firewall.stranger(family, 71)?,
            firewall.stranger(family, 72)?,
            firewall.stranger(family, 73)?,
        ];
        let outsider = firewall.world.attacker.address(family);
        let mut lives = Vec::new();
        for source in [first, second, excepted, exempt, outsider] {
            lives.push(firewall.connection(source)?);
        }
        let set = family.pick("blacklist", "blacklist_v6");
        let exception = format!("add {set} {excepted} timeout 0 nomatch");
        let ipset = Tool::require("ipset")?;
        firewall
            .gateway()
            .run(|| ipset.run(&exception.split(' ').collect::<Vec<_>>()))?;
        // Only the second rule cuts.
        let rule = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nwithin = \"10s\"\nipset = \"blacklist\"\n\
                    removeafter = \"1h\"\n";
        let rules = format!(
            "{rule}howmany = 2\n{rule}howmany = 5\ncut-connections = true\naggregate-v4 = 24\naggregate-v6 = 64\nexempt = [\"{exempt}\"]\n"
        );
        let log = blocked(&[&outsider.to_string()], 0..2) + &log_of(&[first]);
        let scanner = |more: &str| {
            Scanner::new(&log)
                .write("rules.toml", &rules)
                .with("--rules rules.toml --log fw.log --protect none")
                .with(more)
                .at(60)
        };
        let network = family.pick("198.51.100.0/24", "2001:db8:66::/64");
        let ran = firewall.gateway().run(|| scanner("--dryrun").run());
        ran.done(0)
            .says(&format!("[DRYRUN] {network}: 2 connections would be cut\n"));
        let ran = firewall.gateway().run(|| scanner("").run());
        ran.done(0)
            .says(&format!("[ACTION] {outsider}: added to {set}"))
            .says(&format!("[ACTION] {network}: 2 connections cut\n"));
        assert_eq!(ran.stdout.matches(" cut\n").count(), 1, "{}", ran.stdout);
        // Who is exempt may open another, his neighbour may not.
        firewall.connection(exempt)?.assert_alive()?;
        assert!(firewall.is_shut_to(first)?);
        let [first, second, excepted, exempt, outsider] = lives.as_mut_slice() else {
            return Err("five connections".into());
        };
        first.assert_dead()?;
        second.assert_dead()?;
        excepted.assert_alive()?;
        exempt.assert_alive()?;
        outsider.assert_alive()?;
    }
    Ok(())
}

/// Whoever is banned may still be asked: the answers belong to what was opened from here.
fn connections_opened_from_here_stay() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let attacker = firewall.world.attacker.address(Family::V4);
    let listener = firewall
        .world
        .attacker
        .run(|| TcpListener::bind((attacker, 80)))?;
    let gateway = firewall.gateway().address(Family::V4);
    let client = firewall.gateway().run(|| {
        let source = SocketAddr::new(gateway, 0);
        connect(source, SocketAddr::new(attacker, 80), PATIENCE)
    })?;
    let server = accept(&listener, PATIENCE)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let mut live = Live { client, server };
    let ran = firewall.scan(&[attacker], "--cut-connections --ban-connected");
    ran.done(0).says("[ACTION]");
    assert!(!ran.stdout.contains(" cut\n"), "{}", ran.stdout);
    assert_eq!(firewall.tracked(gateway)?, 1);
    live.assert_alive()
        .map_err(|error| format!("it was cut: {error}").into())
}

/// Connection tracking alone would take up again what this side goes on sending.
fn what_goes_on_sending_dies_too() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let attacker = firewall.stranger(Family::V4, 66)?;
    let mut attack = firewall.connection(attacker)?;
    let mut visit = firewall.connection(firewall.stranger(Family::V4, 67)?)?;
    // More than the client takes: the rest is still to be sent when the connection is cut.
    attack.server.set_nonblocking(true)?;
    let block = vec![0; 1 << 20];
    let full = (0..64).find_map(|_| attack.server.write(&block).err());
    assert_eq!(
        full.map(|error| error.kind()),
        Some(io::ErrorKind::WouldBlock)
    );
    attack.server.set_nonblocking(false)?;
    firewall
        .scan(&[attacker], "--cut-connections")
        .done(0)
        .says("1 connection cut\n");
    visit.assert_alive()?;
    attack.assert_ended_here();
    let gateway = firewall.gateway().address(Family::V4);
    assert_eq!(firewall.tracked(gateway)?, 0, "nothing was taken up again");
    Ok(())
}

/// As sshd in a VRF is, or a listener of systemd with `BindToDevice`.
fn also_at_a_socket_bound_to_an_interface() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    for listener in &firewall.listeners {
        setsockopt(listener, BindToDevice, &"eth0".into())?;
    }
    for family in Family::BOTH {
        let [attacker, visitor] = [66, 67].map(|n| firewall.stranger(family, n));
        let attacker = attacker?;
        let mut attack = firewall.connection(attacker)?;
        let mut visit = firewall.connection(visitor?)?;
        firewall
            .scan(&[attacker], "--cut-connections")
            .done(0)
            .says("1 connection cut\n");
        visit.assert_alive()?;
        attack.assert_ended_here();
        assert_eq!(firewall.tracked(attacker)?, 0);
    }
    Ok(())
}

/// The kernel's answer about a socket that is gone is the one that listens.
fn who_listens_goes_on_listening() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let attacker = firewall.stranger(Family::V4, 66)?;
    let Live { client, server } = firewall.connection(attacker)?;
    // Reset by this side: tracked for a while, and no socket.
    let tracked = Tool::require("conntrack")?;
    let source = attacker.to_string();
    server.set_nonblocking(true)?;
    let ss = Tool::require("ss")?;
    firewall.gateway().run(|| {
        ss.run(&["--kill", "--tcp", "state", "established", "dst", &source])
            .map(drop)
    })?;
    drop((client, server));
    firewall.gateway().run(|| {
        let listed = tracked.run(&["-L", "--orig-src", &source])?;
        assert!(listed.contains("tcp"), "{listed}");
        Ok::<_, Failed>(())
    })?;
    firewall.scan(&[attacker], "--cut-connections").done(0);
    assert_eq!(firewall.tracked(attacker)?, 0);
    let visitor = firewall.stranger(Family::V4, 67)?;
    firewall.connection(visitor)?.assert_alive()?;
    Ok(())
}

/// What the readme says of `nf_conntrack_tcp_loose`.
fn connections_through_this_host() -> Result<(), Failed> {
    for loose in ["1", "0"] {
        let firewall = Firewall::new()?;
        let name = "net.netfilter.nf_conntrack_tcp_loose";
        firewall.gateway().set_sysctl(name, loose)?;
        let [attacker, visitor] = [66, 67].map(|n| firewall.stranger(Family::V4, n));
        let attacker = attacker?;
        let mut attack = firewall.connection_to(&firewall.behind, attacker)?;
        let mut visit = firewall.connection_to(&firewall.behind, visitor?)?;
        firewall
            .scan(&[attacker], "--cut-connections")
            .done(0)
            .says("1 connection cut\n");
        attack.speak()?;
        visit.assert_alive()?;
        attack.assert_unheard()?;
        attack.server.set_nonblocking(false)?;
        attack.server.write_all(b".")?;
        attack.speak()?;
        visit.assert_alive()?;
        if loose == "0" {
            attack.assert_unheard()?;
        } else {
            attack.server.read_exact(&mut [0])?;
            // A later scan cannot tell it from one that was wanted inside.
            assert_eq!(firewall.tracked(attacker)?, 0);
        }
    }
    Ok(())
}

fn datagrams_and_pings_are_tracked_too() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let mut expected = 0;
    let attacker = firewall.stranger(Family::V4, 66)?;
    let gateway = firewall.gateway().address(Family::V4);
    let listener = firewall
        .gateway()
        .run(|| UdpSocket::bind((gateway, 5353)))?;
    listener.set_read_timeout(Some(PATIENCE))?;
    let attacker_host = &firewall.world.attacker;
    let socket = attacker_host.run(|| UdpSocket::bind((attacker, 0)))?;
    socket.send_to(b"?", (gateway, 5353))?;
    let (_, from) = listener.recv_from(&mut [0; 8])?;
    listener.send_to(b"!", from)?;
    expected += 1;
    let ping = Tool::find("ping");
    if let Some(ping) = ping {
        let (from, to) = (attacker.to_string(), gateway.to_string());
        attacker_host.run(|| ping.run(&["-c", "1", "-W", "10", "-I", &from, &to]))?;
        expected += 1;
    }
    assert_eq!(firewall.tracked(attacker)?, expected);
    let plural = if expected == 1 { "" } else { "s" };
    firewall
        .scan(&[attacker], "--cut-connections")
        .done(0)
        .says(&format!("{expected} connection{plural} cut\n"));
    assert_eq!(firewall.tracked(attacker)?, 0);
    Ok(())
}

/// Whoever forges an address cannot end the connections that its owner has.
fn what_is_older_than_the_evidence_stays() -> Result<(), Failed> {
    let unknown = "[WARNING] connections are cut however old they are, because the kernel does not keep when they began";
    for family in Family::BOTH {
        let firewall = Firewall::new()?;
        let name = "net.netfilter.nf_conntrack_timestamp";
        firewall.gateway().set_sysctl(name, "1")?;
        let victim = firewall.stranger(family, 66)?;
        let mut session = firewall.connection(victim)?;
        std::thread::sleep(Duration::from_millis(1100));
        let now = jiff::Timestamp::now().as_second();
        let scan = |source: IpAddr, at: i64, more: &str| {
            let log = blocked(&[&source.to_string()], (0..5).map(|_| at - START));
            let scanner = Scanner::new(log).with(RULE).with(more);
            firewall.gateway().run(|| scanner.run())
        };
        let left = format!(
            "  left: 1 connection of {victim} older than its first line in the log (--cut-older)\n"
        );
        let ran = scan(victim, now, "--cut-connections");
        ran.done(0).says(&left).says("[ACTION]");
        assert!(
            !ran.stdout.contains(" cut\n") && !ran.stdout.contains(unknown),
            "{}",
            ran.stdout
        );
        session.assert_alive()?;
        let ran = scan(victim, now, "--cut-connections --json");
        let report: serde_json::Value = serde_json::from_str(&ran.done(0).stdout)?;
        assert_eq!(violations(&report)[0]["connections_left"], 1);
        assert_eq!(violations(&report)[0]["connections_cut"], 0);
        scan(victim, now, "--cut-connections --cut-older")
            .done(0)
            .says("1 connection cut\n");
        session.assert_dead()?;
        // One that is younger than the evidence.
        let other = firewall.stranger(family, 67)?;
        let mut attack = firewall.connection(other)?;
        let ran = scan(other, now - 100, "--cut-connections");
        ran.done(0).says("1 connection cut\n");
        assert!(!ran.stdout.contains(unknown), "{}", ran.stdout);
        attack.assert_dead()?;
        // Where it is not known how old.
        firewall.gateway().set_sysctl(name, "0")?;
        let third = firewall.stranger(family, 68)?;
        let mut attack = firewall.connection(third)?;
        firewall
            .scan(&[third], "--cut-connections")
            .done(0)
            .says(unknown)
            .says("1 connection cut\n");
        attack.assert_dead()?;
    }
    Ok(())
}

/// A connection that one rule finds older than its evidence is not left if another ends it.
fn what_one_rule_leaves_another_may_cut() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let name = "net.netfilter.nf_conntrack_timestamp";
    firewall.gateway().set_sysctl(name, "1")?;
    let source = firewall.stranger(Family::V4, 66)?;
    let mut session = firewall.connection(source)?;
    std::thread::sleep(Duration::from_millis(1100));
    let now = jiff::Timestamp::now().as_second();
    let log = blocked(&[&source.to_string()], (0..5).map(|_| now - START));
    let rule = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nhowmany = 5\nwithin = \"10s\"\nipset = \"blacklist\"\n\
                removeafter = \"1h\"\ncut-connections = true\n";
    let scan = |rules: String| -> Result<_, Failed> {
        let scanner = Scanner::new(&log)
            .write("rules.toml", rules)
            .with("--rules rules.toml --log fw.log --json");
        let ran = firewall.gateway().run(|| scanner.run());
        let report: serde_json::Value = serde_json::from_str(&ran.done(0).stdout)?;
        let of_rule = |rule: usize| {
            let violation = &report["rules"][rule]["violations"][0];
            let left = violation.get("connections_left").cloned();
            (
                violation["connections_cut"].as_u64(),
                left.map_or(0, |left| left.as_u64().unwrap_or(0)),
            )
        };
        Ok([of_rule(0), of_rule(1)])
    };
    assert_eq!(scan(format!("{rule}{rule}"))?, [(Some(0), 1), (Some(0), 1)]);
    session.assert_alive()?;
    let told = scan(format!("{rule}{rule}cut-older = true\n"))?;
    assert_eq!(told, [(Some(0), 0), (Some(1), 0)]);
    session.assert_dead()?;
    Ok(())
}

/// Also where the namespace tracks nothing at all.
fn nothing_tracked_is_done() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let scanner = Scanner::new(blocked(&[V4], 0..5)).rule().at(60);
    let ran = scanner.with("--cut-connections").run();
    ran.done(0).says("[ACTION] 203.0.113.7: added to blacklist");
    assert!(!ran.stdout.contains(" cut"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    assert_eq!(sets.names("blacklist")?, [V4]);
    Ok(())
}

fn a_dry_run_counts() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let attacker = firewall.stranger(Family::V4, 66)?;
    let mut attack = firewall.connection(attacker)?;
    firewall
        .scan(&[attacker], "--cut-connections --dryrun")
        .done(0)
        .says(&format!("[DRYRUN] {attacker}: would be added"))
        .says(&format!("[DRYRUN] {attacker}: 1 connection would be cut\n"));
    assert_eq!(firewall.tracked(attacker)?, 1);
    attack.assert_alive()?;

    // Without privilege it cannot be told.
    let unshare = Tool::require("unshare")?;
    let program = [
        unshare.path().to_str().ok_or("not UTF-8")?,
        "--user",
        crate::support::PROGRAM,
    ];
    let scanner = Scanner::new(blocked(&[V4], 0..5))
        .rule()
        .with("--cut-connections --dryrun")
        .at(60);
    let output = firewall
        .gateway()
        .run(|| scanner.command_of(&program).output())?;
    Ran::new(&output)
        .done(0)
        .says("[WARNING] cannot tell which connections would be cut: CAP_NET_ADMIN is missing\n");
    Ok(())
}
