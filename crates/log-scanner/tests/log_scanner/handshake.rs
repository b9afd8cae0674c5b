//! Rules that ask for completed TCP handshakes.

use std::net::{IpAddr, SocketAddr};

use netns_testbed::{Failed, Family, Packet};
use serde_json::Value;

use crate::firewall::{Firewall, Live, PORT, log_of};
use crate::following::{Follow, banned, lines};
use crate::support::{Ran, Scanner, Sets, blocked, outcomes};

crate::trials!(
    who_has_completed_handshakes,
    a_forger_completes_none,
    in_a_network_of_his_own,
    only_what_is_in_the_window,
    while_it_follows,
    where_connections_cannot_be_told,
);

/// Number and window of the rule that most trials use are those of the others.
const HANDSHAKE: &str = "--handshake";

fn outcome_of(ran: &Ran, source: IpAddr) -> Result<String, Failed> {
    let report: Value = serde_json::from_str(&ran.done(0).stdout)?;
    let mut all = outcomes(&report).into_iter();
    let of = all.find(|(of, _)| *of == source.to_string());
    Ok(of.ok_or("no violator")?.1)
}

fn connections(firewall: &Firewall, source: IpAddr, number: usize) -> Result<Vec<Live>, Failed> {
    (0..number).map(|_| firewall.connection(source)).collect()
}

fn who_has_completed_handshakes() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    for family in Family::BOTH {
        let [true_one, forged, few] = [
            firewall.stranger(family, 20)?,
            firewall.stranger(family, 21)?,
            firewall.stranger(family, 22)?,
        ];
        let lives = connections(&firewall, true_one, 5)?;
        let few_lives = connections(&firewall, few, 4)?;
        let sources = [true_one, forged, few];
        let ran = firewall.scan(&sources, &format!("{HANDSHAKE} --dryrun"));
        ran.done(0)
            .says(", by TCP handshakes: into blacklist")
            .says("  not banned: 2 sources that completed too few TCP handshakes for rules with handshake\n");
        let ran = firewall.scan(&sources, &format!("{HANDSHAKE} --dryrun --json"));
        assert_eq!(outcome_of(&ran, true_one)?, "would-add");
        assert_eq!(outcome_of(&ran, forged)?, "no-handshake");
        assert_eq!(outcome_of(&ran, few)?, "no-handshake");
        // They are known for a while once they are over.
        drop((lives, few_lives));
        let ran = firewall.scan(&sources, &format!("{HANDSHAKE} --json"));
        assert_eq!(outcome_of(&ran, true_one)?, "added");
        assert_eq!(outcome_of(&ran, forged)?, "no-handshake");
        // A rule without it asks for nothing.
        assert_eq!(
            outcome_of(&firewall.scan(&sources, "--json"), forged)?,
            "added"
        );
    }
    Ok(())
}

/// What a forger can send: the first packet of a handshake, and the last with a number of which he
/// can only guess.
fn a_forger_completes_none() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let mut wire = firewall.world.attacker.tap("eth0")?;
    for family in Family::BOTH {
        // No host has the address, so nobody refuses the answers.
        let source = family.stranger(30);
        let there = SocketAddr::new(firewall.gateway().address(family), PORT);
        for port in 40_000..40_008 {
            let here = SocketAddr::new(source, port);
            wire.send(&Packet::tcp_syn(here, there))?;
            wire.send(&Packet::tcp(
                here,
                there,
                |tcp| {
                    tcp.sequence_number = 1001;
                    tcp.ack = true;
                    tcp.acknowledgment_number = 0x1234_5678;
                },
                &[],
            ))?;
        }
        let honest = firewall.stranger(family, 31)?;
        let _lives = connections(&firewall, honest, 5)?;
        assert!(firewall.tracked(source)? > 0, "nothing came");
        let ran = firewall.scan(&[source, honest], &format!("{HANDSHAKE} --json"));
        assert_eq!(outcome_of(&ran, source)?, "no-handshake");
        assert_eq!(outcome_of(&ran, honest)?, "added");
    }
    Ok(())
}

fn in_a_network_of_his_own() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    for family in Family::BOTH {
        let both = [
            firewall.stranger(family, 40)?,
            firewall.stranger(family, 41)?,
        ];
        let more = format!("{HANDSHAKE} --aggregate-v4 24 --aggregate-v6 64 --dryrun");
        let _first = connections(&firewall, both[0], 3)?;
        firewall
            .scan(&both, &more)
            .done(0)
            .says("not banned: 1 source that");
        let _second = connections(&firewall, both[1], 2)?;
        firewall.scan(&both, &more).done(0).says("would be added");
    }
    Ok(())
}

/// Connections that began before the packets that are counted prove nothing of these.
fn only_what_is_in_the_window() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let name = "net.netfilter.nf_conntrack_timestamp";
    firewall.gateway().set_sysctl(name, "1")?;
    let source = firewall.stranger(Family::V4, 50)?;
    let _lives = connections(&firewall, source, 5)?;
    let now = jiff::Timestamp::now().as_second() - crate::support::START;
    let scan = |second: i64| {
        let log = blocked(&[&source.to_string()], (0..5).map(|n| second + n));
        let scanner = Scanner::new(log)
            .with(crate::firewall::RULE)
            .at(second + 60);
        let scanner = scanner.with("--dryrun --json").with(HANDSHAKE);
        firewall.gateway().run(|| scanner.run())
    };
    assert_eq!(outcome_of(&scan(now - 2), source)?, "would-add");
    assert_eq!(outcome_of(&scan(now + 3600), source)?, "no-handshake");
    Ok(())
}

/// The line of the last connection is there before its handshake is over.
fn while_it_follows() -> Result<(), Failed> {
    let firewall = Firewall::new()?;
    let source = firewall.stranger(Family::V4, 60)?;
    let forged = family_stranger(61);
    let rule = crate::firewall::RULE;
    let scanner = Scanner::new("").with("follow").with(rule).with(HANDSHAKE);
    let mut follow = firewall.gateway().run(|| Follow::with(scanner))?;
    follow.next("start");
    let _lives = connections(&firewall, source, 4)?;
    follow.write(&lines(&forged.to_string(), 5))?;
    follow.write(&lines(&source.to_string(), 5))?;
    let _last = firewall.connection(source)?;
    assert_eq!(follow.ban(), banned(&source.to_string(), "added"));
    let last = follow.end(0)?;
    assert!(last["no_handshake"].as_u64() > Some(0), "{last}");
    assert_eq!(last["added"], 1);
    Ok(())
}

fn family_stranger(number: u8) -> IpAddr {
    Family::V4.stranger(number)
}

fn where_connections_cannot_be_told() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let unshare = netns_testbed::Tool::require("unshare")?;
    let program = [
        unshare.path().to_str().ok_or("not UTF-8")?,
        "--user",
        crate::support::PROGRAM,
    ];
    let scanner = Scanner::new(log_of(&[family_stranger(1)]))
        .rule()
        .with("--dryrun");
    let ran = Ran::new(
        &scanner
            .with(HANDSHAKE)
            .at(60)
            .command_of(&program)
            .output()?,
    );
    ran.done(0).says("[WARNING] cannot tell who has completed a handshake, so that rules with handshake ban nobody: CAP_NET_ADMIN is missing\n");
    Ok(())
}
