//! ufw: its files and its rules were made by ufw 0.36.2 itself.
//!
//! In a network and mount namespace of its own, with `before.rules` and its kind as they lie here:
//! each line of `ufw_files/commands` behind `ufw`, then `ufw --force enable`, `iptables-save -t
//! filter` and `ip6tables-save -t filter`.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Family, Packet, Trial, trial};

use crate::door::{Door, Ports, Verdict, packets, same};
use crate::imported::Imported;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("ufw::v4::packets_have_the_same_verdicts", || {
            verdicts(Family::V4)
        }),
        trial("ufw::v6::packets_have_the_same_verdicts", || {
            verdicts(Family::V6)
        }),
        trial("ufw::what_is_left_is_named", what_is_left_is_named),
        trial("ufw::the_order_decides", the_order_decides),
        trial("ufw::policies_are_kept", policies_are_kept),
        trial("ufw::no_file_is_too_odd", no_file_is_too_odd),
    ]
}

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/ufw_files");
const UFW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/ufw_files/ufw");

/// `limit 2222/tcp`.
const LIMITED: u16 = 2222;

const PORTS: Ports = Ports {
    tcp: &[
        22, 23, 25, 26, 53, 80, 443, 445, 3306, 5432, 7000, 8005, 8011, 8080, 8081,
    ],
    udp: &[23, 53, 80, 137, 5000, 5001, 7000],
};

fn verdicts(family: Family) -> Result<(), Failed> {
    let imported = Imported::from(&["ufw", UFW])?;
    let friend: IpAddr = family.stranger(family.pick(10, 0x10));
    let listened = Ports {
        tcp: &[
            22, 23, 25, 26, 53, 80, 443, 445, 3306, 5432, 7000, 8005, 8011, 8080, 8081, LIMITED,
        ],
        ..PORTS
    };
    let mut theirs = Door::new(family, listened, friend)?;
    let saved = family.pick("iptables-save", "ip6tables-save");
    theirs.restore(&fs::read_to_string(Path::new(FILES).join(saved))?)?;
    let mut ours = Door::new(family, listened, friend)?;
    ours.apply(&imported)?;

    let numbers = [1, 10, 0x10, 17, 24, 0x30, 50, 0x50, 60, 70, 80, 90];
    let sources: Vec<IpAddr> = numbers.map(|number| family.stranger(number)).to_vec();
    let table = packets(&theirs, PORTS, &sources);
    let accepted = same([&mut theirs, &mut ours], &table)?;
    assert!(
        accepted > 50 && accepted < table.len() - 50,
        "{accepted} of {}",
        table.len()
    );

    // The 6th within 30 seconds is one too many; a bucket has let in one more after 6.
    let begin = Instant::now();
    for port in 1..=7 {
        let from = SocketAddr::new(family.stranger(100), port);
        let packet = Packet::tcp_syn(from, theirs.gateway(LIMITED));
        let verdicts = [theirs.verdict(&packet)?, ours.verdict(&packet)?];
        let expected = match port {
            1..=5 => [Verdict::Accepted; 2],
            _ => [Verdict::Rejected, Verdict::Dropped],
        };
        if begin.elapsed() < Duration::from_secs(6) {
            assert_eq!(verdicts, expected, "connection {port}");
        }
    }

    let neighbour = theirs.world.attacker.address(family);
    for (host, port) in [
        (neighbour, 26),
        (neighbour, 80),
        (family.stranger(40), 80),
        (family.stranger(40), 81),
    ] {
        let to = SocketAddr::new(host, port);
        let out = [
            theirs.connection_goes_out(to)?,
            ours.connection_goes_out(to)?,
        ];
        assert_eq!(out[0], out[1], "tcp {to}");
        let out = [theirs.datagram_goes_out(to)?, ours.datagram_goes_out(to)?];
        assert_eq!(out[0], out[1], "udp {to}");
    }
    Ok(())
}

fn what_is_left_is_named() -> Result<(), Failed> {
    let imported = Imported::from(&["ufw", UFW])?;
    assert_eq!(imported.status, Some(1), "{:#}", imported.report);
    let left = imported.said("errors");
    for (begin, why) in [
        (
            "before.rules:18: -A ufw-before-input -p tcp --dport 9100",
            "a rule of your own",
        ),
        ("user.rules:", "port of the sender"),
        ("user.rules:", "nothing forbids"),
    ] {
        let named = left
            .iter()
            .any(|said| said.starts_with(begin) && said.contains(why));
        assert!(named, "{begin}{why}: {left:#?}");
    }
    assert_eq!(left.len(), 3, "{left:#?}");
    let toml = imported.text("firewall.toml")?;
    assert!(toml.contains("# the way in"), "{toml}");
    assert!(
        toml.contains("[[forward.allow]]\nname = \"all\"\nfrom = [\"eth1\"]\nto = [\"eth0\"]"),
        "{toml}"
    );
    Ok(())
}

/// A directory with rules of a user's, in either family.
fn directory(user: &str, user6: &str, defaults: &str) -> Result<tempfile::TempDir, Failed> {
    let root = tempfile::tempdir()?;
    for name in ["ufw", "default"] {
        fs::create_dir(root.path().join(name))?;
    }
    fs::write(root.path().join("ufw/user.rules"), user)?;
    fs::write(root.path().join("ufw/user6.rules"), user6)?;
    fs::write(root.path().join("default/ufw"), defaults)?;
    Ok(root)
}

fn import(root: &tempfile::TempDir) -> Result<Imported, Failed> {
    Imported::from(&["ufw", &root.path().join("ufw").display().to_string()])
}

/// Rules that are the same in both families become one, but never before another that comes first.
fn the_order_decides() -> Result<(), Failed> {
    let tuple = |text: &str| format!("### tuple ### {text}\n");
    let v4 = [
        "deny tcp 22 0.0.0.0/0 any 192.0.2.1 in",
        "allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in",
        "deny tcp 80 0.0.0.0/0 any 0.0.0.0/0 in",
        "allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in",
    ];
    let v6 = [
        "allow tcp 443 ::/0 any ::/0 in",
        "allow tcp 22 ::/0 any ::/0 in",
        "deny tcp 22 ::/0 any 2001:db8::1 in",
        "deny tcp 80 ::/0 any ::/0 in",
    ];
    let text = |all: [&str; 4]| all.map(tuple).concat();
    let root = directory(&text(v4), &text(v6), "")?;
    let imported = import(&root)?;
    let toml = imported.text("firewall.toml")?;
    let names: Vec<&str> = toml
        .lines()
        .filter_map(|line| line.strip_prefix("name = "))
        .collect();
    assert_eq!(
        names,
        [
            "\"deny-tcp-22\"",
            "\"tcp-443-v6\"",
            "\"tcp-22\"",
            "\"deny-tcp-22-2\"",
            "\"deny-tcp-80\"",
            "\"tcp-443-v4\""
        ]
    );
    assert_eq!(imported.status, Some(0), "{:#}", imported.report);
    Ok(())
}

fn policies_are_kept() -> Result<(), Failed> {
    let rule = "### tuple ### allow udp 53 0.0.0.0/0 any 0.0.0.0/0 out\n";
    let defaults = "IPV6=\"no\"\nDEFAULT_INPUT_POLICY=\"REJECT\"\nDEFAULT_OUTPUT_POLICY=\"DROP\"\nDEFAULT_FORWARD_POLICY=\"ACCEPT\"\n";
    let root = directory(rule, rule, defaults)?;
    let imported = import(&root)?;
    let toml = imported.text("firewall.toml")?;
    for part in [
        "output = \"drop\"",
        "forward = \"accept\"",
        "name = \"rest\"",
        "action = \"reject\"",
        "destinations = [\"0.0.0.0/0\"]",
    ] {
        assert!(toml.contains(part), "{part}:\n{toml}");
    }
    // Nothing goes out at all: said, and not made into a file that is refused.
    let root = directory("", "", "DEFAULT_OUTPUT_POLICY=\"DROP\"\n")?;
    let imported = import(&root)?;
    let left = imported.said("errors");
    assert!(left[0].contains("no rule lets anything out"), "{left:#?}");
    Ok(())
}

fn no_file_is_too_odd() -> Result<(), Failed> {
    let odd = "### RULES ###\n### tuple ###\n### tuple ### a b c d e f g\n### tuple ### allow tcp 99999 0.0.0.0/0 any 0.0.0.0/0 in\n\
        ### tuple ### allow tcp 0 x any y in_\n### tuple ### allow any any ::/0 any 0.0.0.0/0 in_a/b!out_\u{1b}\n\
        ### tuple ### deny ipv6 any 0.0.0.0/0 any 0.0.0.0/0 in comment=\u{85}\n### tuple ### allow igmp any 224.0.0.0/4 any 0.0.0.0/0 in\n\
        -A ufw-user-input -j ACCEPT\n### tuple ### route:allow any any ::/0 any ::/0 in\n### tuple ### limit any any 0.0.0.0/0 any 0.0.0.0/0 out\n";
    let root = directory(
        odd,
        odd,
        "IPV6\n=\n\"\nDEFAULT_INPUT_POLICY='\nIPT_MODULES=\"a b\"\n",
    )?;
    for name in ["before.rules", "before6.rules", "after.rules", "ufw.conf"] {
        let text = format!(
            "*nat\n-A POSTROUTING -o -j MASQUERADE\n-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE\n-j\n-o\n*\n-A\n{odd}"
        );
        fs::write(root.path().join("ufw").join(name), text)?;
    }
    let imported = import(&root)?;
    assert_eq!(imported.status, Some(1), "{:#}", imported.report);
    let toml = imported.text("firewall.toml")?;
    assert!(toml.contains("masquerade = [\"eth0\"]"), "{toml}");
    Ok(())
}
