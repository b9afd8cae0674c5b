//! Connections as they come, and what has become of them, in network namespaces of their own.

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;

use netfilter_host::conntrack::{Connection, Conntrack, Error, Heard, Openings};
use netns_testbed::{Failed, Family, Tool, World, run, trial};

fn main() -> ExitCode {
    run(vec![
        trial("each_is_told_and_found", each_is_told_and_found),
        trial("in_a_zone_and_translated", in_a_zone_and_translated),
        trial("what_was_too_much_is_said", what_was_too_much_is_said),
        trial("a_kernel_that_does_not_tell", a_kernel_that_does_not_tell),
    ])
}

/// Has connections tracked.
fn track() -> Result<(), Failed> {
    for iptables in ["iptables", "ip6tables"] {
        rule(iptables, "-A INPUT -m conntrack --ctstate INVALID -j DROP")?;
    }
    Ok(())
}

fn rule(iptables: &str, rule: &str) -> Result<(), Failed> {
    Tool::require(iptables)?.run(&rule.split(' ').collect::<Vec<_>>())?;
    Ok(())
}

/// A connection of this host to itself.
fn open(listener: &TcpListener, to: SocketAddr) -> Result<(TcpStream, TcpStream), Failed> {
    let client = TcpStream::connect(to)?;
    Ok((client, listener.accept()?.0))
}

fn told(openings: &mut Openings, from: IpAddr) -> Result<Vec<Connection>, Failed> {
    let mut told = Vec::new();
    let heard = openings.read(|source| source == from, |new| told.push(new))?;
    assert_eq!(heard, Heard::All);
    Ok(told)
}

fn each_is_told_and_found() -> Result<(), Failed> {
    let world = World::new()?;
    let conntrack = Tool::require("conntrack")?;
    for family in Family::BOTH {
        let [here, there] = [&world.gateway, &world.server].map(|host| host.address(family));
        let listener = world.server.run(|| TcpListener::bind((there, 80)))?;
        world.gateway.run(|| -> Result<(), Failed> {
            track()?;
            let mut openings = Openings::watch()?;
            assert!(told(&mut openings, here)?.is_empty());
            let client = TcpStream::connect((there, 80))?;
            let source = client.local_addr()?.ip();
            let ends = (client.local_addr()?, client.peer_addr()?);
            let (_server, _) = listener.accept()?;
            assert!(told(&mut openings, there)?.is_empty(), "of others");
            // What was passed over has been heard.
            assert!(told(&mut openings, source)?.is_empty());
            let second = TcpStream::connect((there, 80))?;
            let [new] = &told(&mut openings, source)?[..] else {
                return Err("one connection".into());
            };
            let own = |address| address == source;
            let opened = (second.local_addr()?, second.peer_addr()?);
            assert_eq!(new.begun_from(own), Some(opened));
            assert_eq!(new.opened_from(own), None, "it had only begun");
            assert_eq!(new.begun_from(|_| false), None);

            let mut asked = Conntrack::open()?;
            let now = asked.find(new)?.ok_or("it is tracked")?;
            assert_eq!(now.opened_from(own), Some(opened));
            assert!(now.is_same(new));
            let all = asked.connections(|one| one.begun_from(own).is_some())?;
            assert_eq!(all.len(), 2);
            let first = all.iter().find(|one| !one.is_same(new)).ok_or("another")?;
            assert_eq!(first.opened_from(own), Some(ends));
            conntrack.run(&["-D", "-f", family.pick("ipv4", "ipv6")])?;
            assert_eq!(asked.find(new)?, None);
            Ok(())
        })?;
    }
    Ok(())
}

fn in_a_zone_and_translated() -> Result<(), Failed> {
    track()?;
    rule(
        "iptables",
        "-t nat -A OUTPUT -p tcp --dport 81 -j DNAT --to-destination 127.0.0.1:80",
    )?;
    rule(
        "iptables",
        "-t raw -A OUTPUT -p tcp --dport 82 -j CT --zone 7",
    )?;
    rule(
        "iptables",
        "-t raw -A OUTPUT -p tcp --sport 82 -j CT --zone 7",
    )?;
    let mut openings = Openings::watch()?;
    let mut asked = Conntrack::open()?;
    let own = |address: IpAddr| address == IpAddr::from([127, 0, 0, 1]);
    for (listened, asked_for) in [(80, 81), (82, 82)] {
        let listener = TcpListener::bind(("127.0.0.1", listened))?;
        let (client, _server) = open(&listener, SocketAddr::from(([127, 0, 0, 1], asked_for)))?;
        let [new] = &told(&mut openings, [127, 0, 0, 1].into())?[..] else {
            return Err(format!("one connection to {asked_for}").into());
        };
        let found = asked.find(new)?.ok_or("it is tracked")?;
        let remote = SocketAddr::from(([127, 0, 0, 1], listened));
        assert_eq!(found.begun_from(own), Some((client.local_addr()?, remote)));
    }
    Ok(())
}

fn what_was_too_much_is_said() -> Result<(), Failed> {
    track()?;
    let mut openings = Openings::watch_with(4096)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    let mut kept = Vec::new();
    for _ in 0..50 {
        kept.push(open(&listener, to)?);
    }
    let mut number = 0;
    assert_eq!(openings.read(|_| true, |_| number += 1)?, Heard::Part);
    assert!(number < 50, "{number}");
    kept.push(open(&listener, to)?);
    assert_eq!(told(&mut openings, to.ip())?.len(), 1);
    Ok(())
}

fn a_kernel_that_does_not_tell() -> Result<(), Failed> {
    track()?;
    let switch = "/proc/sys/net/netfilter/nf_conntrack_events";
    let before = std::fs::read_to_string(switch)?;
    let mut openings = Openings::watch()?;
    std::fs::write(switch, "0")?;
    let silent = openings.read(|_| true, |_| ());
    assert!(matches!(silent, Err(Error::Silent)), "{silent:?}");
    let silent = Openings::watch();
    assert!(matches!(silent, Err(Error::Silent)), "{silent:?}");
    std::fs::write(switch, before.trim())?;
    assert_eq!(openings.read(|_| true, |_| ())?, Heard::All);
    Ok(())
}
