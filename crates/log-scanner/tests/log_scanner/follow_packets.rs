//! `follow --nflog-group`: packets straight from the kernel, without a log.

use std::net::{SocketAddr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Family, Packet, Tool, World};
use nix::sys::signal::Signal;

use crate::following::{Follow, LONG, banned};
use crate::support::{RULE, Scanner, Sets};

crate::trials!(
    the_next_packet_is_dropped_by_the_set,
    what_was_lost_is_counted,
    a_group_is_read_by_one,
);

const GROUP: &str = "7";

/// A gateway that drops who is in the set, and logs and drops all else that comes over UDP and TCP.
struct Gateway {
    world: World,
    _sets: Sets,
}

impl Gateway {
    fn new() -> Result<Self, Failed> {
        let world = World::new()?;
        let sets = world.gateway.run(|| -> Result<_, Failed> {
            let sets = Sets::of_networks()?;
            for family in [Family::V4, Family::V6] {
                let tool = Tool::require(family.pick("iptables", "ip6tables"))?;
                let set = family.pick("blacklist", "blacklist_v6");
                let prefix = family.pick("IPTABLES-BLOCKED: ", "IP6TABLES-BLOCKED: ");
                tool.run(&[
                    "-A",
                    "INPUT",
                    "-m",
                    "set",
                    "--match-set",
                    set,
                    "src",
                    "-j",
                    "DROP",
                ])?;
                for protocol in ["tcp", "udp"] {
                    let log = ["-A", "INPUT", "-p", protocol, "-j", "NFLOG"];
                    let group = ["--nflog-group", GROUP, "--nflog-prefix", prefix];
                    tool.run(&[&log[..], &group].concat())?;
                    tool.run(&["-A", "INPUT", "-p", protocol, "-j", "DROP"])?;
                }
            }
            Ok(sets)
        })?;
        Ok(Self { world, _sets: sets })
    }

    fn follow(&self) -> Result<Follow, Failed> {
        let scanner = Scanner::new("")
            .with("follow --nflog-group")
            .with(GROUP)
            .with(RULE);
        let follow = self.world.gateway.run(|| Follow::with(scanner))?;
        follow.next("start");
        Ok(follow)
    }

    /// How many packets the rules with a target have counted that hold this text.
    fn counted(&self, family: Family, text: &str) -> Result<u64, Failed> {
        let tool = Tool::require(family.pick("iptables", "ip6tables"))?;
        let rules = self.world.gateway.run(|| tool.run(&["-nvxL", "INPUT"]))?;
        let rules = rules.lines().filter(|line| line.contains(text));
        let packets = rules.filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(packets.sum())
    }

    /// A packet that tries to open a connection, from the stranger of this number.
    fn knock(&self, family: Family, number: u8) -> Packet {
        let source = SocketAddr::new(family.stranger(number), 40_000);
        Packet::tcp_syn(
            source,
            SocketAddr::new(self.world.gateway.address(family), 23),
        )
    }
}

fn wait_until(mut holds: impl FnMut() -> Result<bool, Failed>) -> Result<(), Failed> {
    let end = Instant::now() + LONG;
    while !holds()? {
        if Instant::now() > end {
            return Err("waited in vain".into());
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn the_next_packet_is_dropped_by_the_set() -> Result<(), Failed> {
    let gateway = Gateway::new()?;
    let follow = gateway.follow()?;
    let mut wire = gateway.world.attacker.tap("eth0")?;
    for family in [Family::V4, Family::V6] {
        let source = family.stranger(1).to_string();
        for _ in 0..5 {
            wire.send(&gateway.knock(family, 1))?;
        }
        let ban = follow.next("ban");
        assert_eq!(
            (&ban["source"], &ban["peak_hits"]),
            (&source.as_str().into(), &5.into())
        );
        assert_eq!(ban["outcome"], "added");
        let logged = gateway.counted(family, "NFLOG")?;
        wire.send(&gateway.knock(family, 1))?;
        wait_until(|| Ok(gateway.counted(family, "match-set")? == 1))?;
        assert_eq!(gateway.counted(family, "NFLOG")?, logged);
    }
    let last = follow.end(0)?;
    assert_eq!(
        (&last["events"], &last["lines"], &last["added"]),
        (&10.into(), &0.into(), &2.into())
    );
    assert!(last.get("lost").is_none(), "{last}");
    Ok(())
}

/// Read and lost are together what the rules counted.
fn what_was_lost_is_counted() -> Result<(), Failed> {
    let gateway = Gateway::new()?;
    let follow = gateway.follow()?;
    follow.signal(Signal::SIGSTOP)?;
    let to = gateway.world.gateway.address(Family::V4);
    gateway.world.attacker.run(|| -> Result<(), Failed> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        for number in 0..60_000_u16 {
            let _ = socket.send_to(&[b'x'; 1300], SocketAddr::new(to, 1000 + number % 10_000));
        }
        Ok(())
    })?;
    follow.signal(Signal::SIGCONT)?;
    let mut wire = gateway.world.attacker.tap("eth0")?;
    let stranger = Family::V4.stranger(2).to_string();
    // Until it is read again, more is lost.
    let ban = loop {
        wire.send(&gateway.knock(Family::V4, 2))?;
        if let Some(ban) = follow.ban_within(Duration::from_millis(20)) {
            break ban;
        }
    };
    assert_eq!(ban, banned(&stranger, "added"));
    let ended = follow.end(0)?;
    let (events, lost) = (ended["events"].as_u64(), ended["lost"].as_u64());
    assert!(lost.is_some_and(|lost| lost > 0), "{ended}");
    let counted = gateway.counted(Family::V4, "NFLOG")?;
    assert_eq!(
        events.zip(lost).map(|(events, lost)| events + lost),
        Some(counted),
        "{ended}"
    );
    Ok(())
}

fn a_group_is_read_by_one() -> Result<(), Failed> {
    let gateway = Gateway::new()?;
    let follow = gateway.follow()?;
    let scanner = Scanner::new("")
        .with("follow --nflog-group")
        .with(GROUP)
        .with(RULE);
    let ran = gateway.world.gateway.run(|| scanner.run());
    ran.done(2)
        .complains("another program reads it already")
        .complains("nothing was changed");
    follow.end(0)?;
    let ran = Scanner::new("")
        .with("follow --nflog-group 7 --log fw.log")
        .with(RULE)
        .run();
    ran.done(2).complains("cannot be used with");
    Ok(())
}
