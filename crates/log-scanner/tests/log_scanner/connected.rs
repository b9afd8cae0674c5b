//! Whom this host has opened a connection to.

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use netns_testbed::{Failed, Family, Tool, accept, connect};
use serde_json::Value;

use crate::firewall::{Firewall, Live, PATIENCE};
use crate::support::{PROGRAM, Ran, Scanner, V4, blocked, violations};

crate::trials!(
    whom_this_host_has_opened_a_connection_to,
    nobody_gets_it_by_connecting,
    nor_by_being_taken_up_again,
    nor_once_it_is_over,
    in_a_network,
    where_connections_cannot_be_told,
);

/// A connection from the gateway to the attacker's host.
pub(crate) fn opened(firewall: &Firewall, family: Family) -> Result<(Live, IpAddr), Failed> {
    let attacker = firewall.world.attacker.address(family);
    let there = SocketAddr::new(attacker, 80);
    let listener = firewall.world.attacker.run(|| TcpListener::bind(there))?;
    let here = SocketAddr::new(firewall.gateway().address(family), 0);
    let client = firewall.gateway().run(|| connect(here, there, PATIENCE))?;
    let server = accept(&listener, PATIENCE)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let mut live = Live { client, server };
    live.assert_alive()?;
    Ok((live, attacker))
}

fn outcome(ran: &Ran) -> Result<String, Failed> {
    let report: Value = serde_json::from_str(&ran.done(0).stdout)?;
    Ok(violations(&report)[0]["outcome"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

fn whom_this_host_has_opened_a_connection_to() -> Result<(), Failed> {
    for family in Family::BOTH {
        let firewall = Firewall::new()?;
        let (mut live, peer) = opened(&firewall, family)?;
        let bystander = firewall.stranger(family, 67)?;
        let set = family.pick("blacklist", "blacklist_v6");
        let ran = firewall.scan(&[peer, bystander], "--cut-connections");
        ran.done(0)
            .says(&format!(
                "  connected: {peer} is the other end of a connection that this host has opened, and not banned (--ban-connected)\n"
            ))
            .says(&format!("[ACTION] {bystander}: added to {set}"))
            .says("actioned:       1\n");
        live.assert_alive()?;
        assert_eq!(
            outcome(&firewall.scan(&[peer], "--dryrun --json"))?,
            "connected"
        );
        let rules = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nwithin = \"10s\"\nipset = \"blacklist\"\n\
                     removeafter = \"1h\"\nhowmany = 5\nban-connected = true\n";
        let scanner = Scanner::new(blocked(&[&peer.to_string()], 0..5)).write("rules.toml", rules);
        let scanner = scanner
            .with("--rules rules.toml --log fw.log --dryrun --json --protect none")
            .at(60);
        assert_eq!(
            outcome(&firewall.gateway().run(|| scanner.run()))?,
            "would-add"
        );
        assert_eq!(
            outcome(&firewall.scan(&[peer], "--ban-connected --json"))?,
            "added"
        );
        // What is there stays there.
        assert_eq!(outcome(&firewall.scan(&[peer], "--json"))?, "kept");
    }
    Ok(())
}

fn nobody_gets_it_by_connecting() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    for family in Family::BOTH {
        let attacker = firewall.stranger(family, 66)?;
        let mut live = firewall.connection(attacker)?;
        assert_eq!(outcome(&firewall.scan(&[attacker], "--json"))?, "added");
        live.assert_alive()?;
    }
    Ok(())
}

/// Connection tracking that has forgotten a connection takes the next packet out for the first one.
fn nor_by_being_taken_up_again() -> Result<(), Failed> {
    use std::io::{Read as _, Write as _};
    let conntrack = Tool::require("conntrack")?;
    for family in Family::BOTH {
        let firewall = Firewall::new()?;
        let attacker = firewall.stranger(family, 66)?;
        let mut live = firewall.connection(attacker)?;
        firewall.gateway().run(|| conntrack.run(&["-F"]))?;
        let gateway = firewall.gateway().address(family);
        live.client.set_read_timeout(Some(PATIENCE))?;
        for _ in 0..3 {
            live.server.write_all(b"!")?;
            live.client.read_exact(&mut [0])?;
            live.assert_alive()?;
        }
        assert_eq!(firewall.tracked(attacker)?, 0);
        assert_eq!(firewall.tracked(gateway)?, 1, "as opened from here");
        assert_eq!(outcome(&firewall.scan(&[attacker], "--json"))?, "added");
    }
    Ok(())
}

fn nor_once_it_is_over() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let (Live { client, server }, peer) = opened(&firewall, Family::V4)?;
    let gateway = firewall.gateway().address(Family::V4);
    drop::<[TcpStream; 2]>([client, server]);
    let mut still = outcome(&firewall.scan(&[peer], "--dryrun --json"))?;
    // Until both ends have heard of it.
    for _ in 0..50 {
        if still == "would-add" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        still = outcome(&firewall.scan(&[peer], "--dryrun --json"))?;
    }
    assert_eq!(still, "would-add");
    assert_eq!(firewall.tracked(gateway)?, 1, "it is still in the table");
    Ok(())
}

fn in_a_network() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let (mut live, peer) = opened(&firewall, Family::V4)?;
    let IpAddr::V4(address) = peer else {
        return Err("an IPv4 address".into());
    };
    let [a, b, c, d] = address.octets();
    let neighbours: Vec<IpAddr> = (1..=6).map(|n| [a, b, c, d ^ (n * 8)].into()).collect();
    let ran = firewall.scan(&neighbours, "--aggregate-v4 24");
    let network = format!("{a}.{b}.{c}.0/24");
    let excepted = format!(
        "  excepted: {peer} in {network} is the other end of a connection that this host has opened\n"
    );
    ran.done(0)
        .says(&format!("[ACTION] {network}: added"))
        .says(&excepted);
    live.assert_alive()?;
    let ipset = Tool::require("ipset")?;
    let test = |address: &str| {
        firewall
            .gateway()
            .run(|| ipset.run(&["test", "blacklist", address]))
    };
    assert!(test(&peer.to_string()).is_err());
    test(&neighbours[0].to_string())?;
    // The exception stays while the connection does.
    firewall.scan_log("", "--aggregate-v4 24").done(0);
    assert!(test(&peer.to_string()).is_err());
    drop(live);
    for _ in 0..50 {
        firewall.scan_log("", "--aggregate-v4 24").done(0);
        if test(&peer.to_string()).is_ok() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Err("the exception stayed".into())
}

fn where_connections_cannot_be_told() -> Result<(), Failed> {
    let unshare = Tool::require("unshare")?;
    let program = [
        unshare.path().to_str().ok_or("not UTF-8")?,
        "--user",
        PROGRAM,
    ];
    let run = |log: &str| -> Result<Ran, Failed> {
        let scanner = Scanner::new(log).rule().with("--dryrun").at(60);
        Ok(Ran::new(&scanner.command_of(&program).output()?))
    };
    let warning = "[WARNING] cannot tell to whom this host has opened connections, so that nobody is let go for one: CAP_NET_ADMIN is missing\n";
    run(&blocked(&[V4], 0..5))?
        .done(0)
        .says(warning)
        .says("[DRYRUN] 203.0.113.7: would be added");
    // It is not asked for nothing.
    let ran = run(&blocked(&[V4], 0..4))?;
    assert!(
        !ran.done(0).stdout.contains("opened connections"),
        "{}",
        ran.stdout
    );
    Ok(())
}
