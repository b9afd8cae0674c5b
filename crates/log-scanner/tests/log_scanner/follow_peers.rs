//! `follow`, and whom this host opens connections to meanwhile.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Family, Tool, accept, connect};

use crate::connected::opened;
use crate::firewall::{Firewall, PATIENCE};
use crate::following::{Follow, LONG, banned, lines};
use crate::support::Scanner;

crate::trials!(
    whom_a_connection_was_opened_to_meanwhile,
    nobody_gets_it_by_connecting_meanwhile,
    from_an_address_that_came_meanwhile,
    where_the_kernel_tells_of_nothing,
    whom_the_kernel_did_not_tell_of,
);

/// What a source does next has its turn after a quarter of the ban, at most five seconds.
const RULE: &str = "--rule blocked --type tcp --howmany 5 --within 1m --ipset blacklist --protect none --removeafter";

fn follow(firewall: &Firewall, ban: &str) -> Result<Follow, Failed> {
    let scanner = Scanner::new("").with("follow --log fw.log").with(RULE);
    let scanner = scanner.with(ban);
    let follow = firewall.gateway().run(|| Follow::with(scanner))?;
    follow.next("start");
    Ok(follow)
}

/// Writes what a source has done, or somebody in its name, until something new comes of it.
fn provoke(follow: &mut Follow, source: IpAddr) -> Result<(String, String), Failed> {
    let end = Instant::now() + LONG;
    while Instant::now() < end {
        follow.write(&lines(&source.to_string(), 5))?;
        if let Some(ban) = follow.ban_within(Duration::from_millis(100)) {
            return Ok(ban);
        }
    }
    Err(format!("nothing came of {source}").into())
}

fn of(source: IpAddr, outcome: &str) -> (String, String) {
    banned(&source.to_string(), outcome)
}

fn whom_a_connection_was_opened_to_meanwhile() -> Result<(), Failed> {
    for family in Family::BOTH {
        let firewall = Firewall::new()?;
        let early = {
            let address = firewall.stranger(family, 67)?;
            let there = SocketAddr::new(address, 81);
            let listener = firewall.world.attacker.run(|| TcpListener::bind(there))?;
            let client = firewall.gateway().run(|| TcpStream::connect(there))?;
            (client, listener.accept()?, address)
        };
        let mut follow = follow(&firewall, "2s")?;
        assert_eq!(provoke(&mut follow, early.2)?, of(early.2, "connected"));
        let (mut live, peer) = opened(&firewall, family)?;
        assert_eq!(provoke(&mut follow, peer)?, of(peer, "connected"));
        let bystander = firewall.stranger(family, 66)?;
        assert_eq!(provoke(&mut follow, bystander)?, of(bystander, "added"));
        live.assert_alive()?;
        drop(live);
        // Until both ends have heard of it.
        assert_eq!(provoke(&mut follow, peer)?, of(peer, "added"));
        let end = follow.end(0)?;
        assert_eq!(end["refused"], 0, "{end}");
    }
    Ok(())
}

fn nobody_gets_it_by_connecting_meanwhile() -> Result<(), Failed> {
    let conntrack = Tool::require("conntrack")?;
    for family in Family::BOTH {
        let firewall = Firewall::new()?;
        let mut follow = follow(&firewall, "2s")?;
        let client = firewall.stranger(family, 66)?;
        let _live = firewall.connection(client)?;
        assert_eq!(provoke(&mut follow, client)?, of(client, "added"));
        // One that connection tracking has forgotten, and takes for one that was opened from here.
        let other = firewall.stranger(family, 67)?;
        let mut live = firewall.connection(other)?;
        firewall.gateway().run(|| conntrack.run(&["-F"]))?;
        live.client.set_read_timeout(Some(PATIENCE))?;
        for _ in 0..3 {
            live.server.write_all(b"!")?;
            live.client.read_exact(&mut [0])?;
            live.assert_alive()?;
        }
        assert_eq!(firewall.tracked(other)?, 0);
        assert_eq!(provoke(&mut follow, other)?, of(other, "added"));
        follow.end(0)?;
    }
    Ok(())
}

fn from_an_address_that_came_meanwhile() -> Result<(), Failed> {
    for family in Family::BOTH {
        let firewall = Firewall::new()?;
        let mut follow = follow(&firewall, "2s")?;
        let new = family.pick(
            IpAddr::from([198, 51, 100, 9]),
            IpAddr::from([0x2001, 0xdb8, 9, 0, 0, 0, 0, 9]),
        );
        firewall.gateway().add_address(new)?;
        firewall.world.attacker.add_address(family.stranger(68))?;
        let peer = family.stranger(68);
        let there = SocketAddr::new(peer, 81);
        let listener = firewall.world.attacker.run(|| TcpListener::bind(there))?;
        let here = SocketAddr::new(new, 0);
        let _client = firewall.gateway().run(|| connect(here, there, PATIENCE))?;
        let _server = accept(&listener, PATIENCE)?;
        assert_eq!(provoke(&mut follow, peer)?, of(peer, "connected"));
        follow.end(0)?;
    }
    Ok(())
}

fn where_the_kernel_tells_of_nothing() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    firewall
        .gateway()
        .run(|| std::fs::write("/proc/sys/net/netfilter/nf_conntrack_events", "0"))?;
    let mut follow = follow(&firewall, "2s")?;
    let (_live, peer) = opened(&firewall, Family::V4)?;
    assert_eq!(provoke(&mut follow, peer)?, of(peer, "connected"));
    let warning = follow.next("warning");
    let text = warning["text"].as_str().unwrap_or_default();
    assert!(text.contains("nf_conntrack_events is 0"), "{warning}");
    follow.end(0)?;
    Ok(())
}

/// A rule can have the kernel keep a connection to itself.
fn whom_the_kernel_did_not_tell_of() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let mut follow = follow(&firewall, "1h")?;
    let iptables = Tool::require("iptables")?;
    let silent = "-t raw -A OUTPUT -p tcp --dport 80 -j CT --ctevents destroy";
    firewall
        .gateway()
        .run(|| iptables.run(&silent.split(' ').collect::<Vec<_>>()))?;
    let (mut live, peer) = opened(&firewall, Family::V4)?;
    assert_eq!(provoke(&mut follow, peer)?, of(peer, "added"));
    let taken = follow.next("taken-back");
    assert_eq!(
        (&taken["source"], &taken["set"]),
        (&peer.to_string().into(), &"blacklist".into())
    );
    assert!(
        taken["error"].is_null() && taken["time"].is_string(),
        "{taken}"
    );
    let said = [follow.next("warning"), follow.next("warning")];
    let said = said.map(|warning| warning["text"].as_str().unwrap_or_default().to_owned());
    assert!(
        said[0].contains(&format!("{peer} is taken out of blacklist again")),
        "{said:?}"
    );
    assert!(said[1].contains("--ctevents"), "{said:?}");
    let ipset = Tool::require("ipset")?;
    let there = firewall
        .gateway()
        .run(|| ipset.run(&["test", "blacklist", &peer.to_string()]));
    assert!(there.is_err());
    live.assert_alive()?;
    assert_eq!(provoke(&mut follow, peer)?, of(peer, "connected"));
    follow.end(0)?;
    // What was not looked at again yet is looked at when it ends.
    let mut follow = self::follow(&firewall, "1h")?;
    live.assert_alive()?;
    assert_eq!(
        provoke(&mut follow, peer)?,
        of(peer, "connected"),
        "it was there"
    );
    follow.end(0)?;
    Ok(())
}
