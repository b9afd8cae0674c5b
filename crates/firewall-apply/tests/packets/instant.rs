//! Bans by the kernel itself, at the packet that is one too many.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use netns_testbed::{Failed, Packet, Tool};

use crate::config::{Config, Service};
use crate::fate::{ALLOWED, BLOCKED, INVALID};
use crate::flood::{decided, flood, gets_in};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    (
        "blacklisted_by_the_packet_that_is_one_too_many",
        one_too_many,
    ),
    ("instant_for_one_packet_to_a_port", one_packet),
    ("instant_throttles", throttles),
    ("instant_into_a_set_of_ones_own", own_set),
    ("instant_counts_only_what_is_meant", only_what_is_meant),
    ("instant_never_for_what_is_led_there", led_there),
    ("instant_keeps_the_end_of_an_entry", keeps_the_end),
];

/// Rows that take long, and need no line of a log.
pub(crate) const FLOODS: &[Row] = &[("instant_flood_of_forged_sources", forged)];

/// Four an hour: nothing comes back while a row runs.
const SCAN: &str = "[[instant]]\nname = \"scan\"\ntype = \"tcp\"\nhowmany = 4\nwithin = \"1h\"\nremoveafter = \"1h\"\n";

fn ground(case: Case, more: &'static str) -> Result<Ground, Failed> {
    Ground::with(
        case,
        Config {
            more,
            ..Config::default()
        },
    )
}

/// The members of a set of the row's family, as `ipset` lists them.
fn members(ground: &Ground, set: &str) -> Result<Vec<String>, Failed> {
    let ipset = Tool::require("ipset")?;
    let name = ground.set(set);
    let listing = ground.world.gateway.run(|| ipset.run(&["list", &name]))?;
    let lines = listing.lines().skip_while(|line| *line != "Members:");
    Ok(lines.skip(1).map(str::to_owned).collect())
}

fn holds(ground: &Ground, set: &str, source: IpAddr) -> Result<bool, Failed> {
    let source = source.to_string();
    let members = members(ground, set)?;
    let of_it = |member: &&String| member.split(' ').next() == Some(source.as_str());
    let found = members.iter().find(of_it);
    if let Some(member) = found {
        assert!(member.contains(" timeout "), "{member}");
    }
    Ok(found.is_some())
}

fn one_too_many(case: Case) -> Result<(), Failed> {
    let mut ground = ground(case, SCAN)?;
    // What would be banned with it, were the set one of networks.
    ground.add_network("blacklist", ground.strangers(64, 28), &[], "timeout 600")?;
    let others = members(&ground, "blacklist")?.len();
    let source = ground.source(1);
    ground.expect(&ground.connections(source, 23, 3), BLOCKED)?;
    assert_eq!(members(&ground, "blacklist-instant")?, [""; 0]);
    ground.expect(&ground.connections(source, 22, 1), ALLOWED)?;

    let about = |ground: &Ground, port: &str| -> Result<String, Failed> {
        let source = source.to_string();
        let said = ground.firewall_apply(&["explain", &source, "--port", port, "--in", "eth0"])?;
        Ok(said.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let set = ground.set("blacklist-instant");
    let said = about(&ground, "23")?;
    let told = format!("perhaps put into {set}");
    assert!(said.contains(&told), "{said}");

    ground.expect(&ground.connections(source, 24, 1), BLOCKED)?;
    assert!(holds(&ground, "blacklist-instant", source)?);
    ground.expect(&ground.connections(source, 443, 1), BLOCKED)?;
    ground.expect(&ground.echo_requests(source, 1), BLOCKED)?;
    let said = about(&ground, "443")?;
    assert!(said.contains("dropped"), "{said}");
    assert!(said.contains(&format!("--match-set {set} src")), "{said}");

    // Nobody else is, and nothing else is in any set.
    ground.expect(&ground.connections(ground.source(2), 443, 1), ALLOWED)?;
    assert_eq!(members(&ground, "blacklist-instant")?.len(), 1);
    assert_eq!(members(&ground, "blacklist")?.len(), others);

    // It is what is wanted, and stays so.
    let applied = ground.firewall_apply(&["apply", "--saved", "/nonexistent/sets.save"])?;
    assert!(applied.contains("unchanged"), "{applied}");
    assert_eq!(ground.firewall_apply(&["diff"])?, "");
    let status = ground.firewall_apply(&["status"])?;
    assert!(status.contains("instant scan"), "{status}");
    assert!(status.contains("1 put into the set"), "{status}");
    assert!(status.contains(&set), "{status}");
    ground.expect(&ground.connections(source, 443, 1), BLOCKED)?;
    ground.firewall_apply(&["reset"])?;
    let saved = ground.saved()?;
    assert!(!saved.contains("INSTANT"), "{saved}");
    Ok(())
}

fn one_packet(case: Case) -> Result<(), Failed> {
    let mut ground = ground(
        case,
        "[[instant]]\nname = \"telnet\"\ntype = \"tcp\"\nports = [23, \"2000:2100\"]\nhowmany = 1\nremoveafter = \"1h\"\n",
    )?;
    let source = ground.source(1);
    ground.expect(&ground.connections(source, 24, 5), BLOCKED)?;
    ground.expect(&ground.connections(source, 22, 1), ALLOWED)?;
    ground.expect(&ground.connections(source, 2050, 1), BLOCKED)?;
    ground.expect(&ground.connections(source, 443, 1), BLOCKED)?;
    assert!(holds(&ground, "blacklist-instant", source)?);
    Ok(())
}

/// Over the limit of a throttle set one is blocked, which counts: so that one rule can lead to
/// another.
fn throttles(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(
        case,
        Config {
            more: "[[instant]]\nname = \"slow\"\ntype = \"tcp\"\nhowmany = 3\nwithin = \"1h\"\nipset = \"throttle-hard\"\n\
                   removeafter = \"1h\"\n",
            services: &[Service::Unlimited],
            ..Config::default()
        },
    )?;
    let source = ground.source(1);
    ground.expect(&ground.connections(source, 8443, 9), ALLOWED)?;
    ground.expect(&ground.connections(source, 23, 3), BLOCKED)?;
    assert!(holds(&ground, "throttle-hard-instant", source)?);
    let every = Duration::from_secs(36);
    // Who is in the list's own set as well has no less.
    ground.add("throttle-hard", source, "timeout 600")?;
    let more = ground.connections(source, 8443, 20).split_off(9);
    ground.expect_limit(&more, every, ALLOWED, BLOCKED)
}

fn own_set(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(
        case,
        Config {
            more: "[[set]]\nname = \"knocked\"\ntype = \"hash:ip\"\ncomment = true\n\
                   [[instant]]\nname = \"ping\"\ntype = \"icmp\"\nhowmany = 2\nwithin = \"1h\"\nipset = \"knocked\"\nremoveafter = \"1h\"\n",
            services: &[Service::Written(
                "name = \"some\"\nprotocol = \"tcp\"\nports = [8443]\nsources = [\"!set:knocked\"]",
            )],
            ..Config::default()
        },
    )?;
    let source = ground.source(1);
    ground.expect(&ground.echo_requests(source, 1), BLOCKED)?;
    ground.expect(&ground.connections(source, 8443, 1), ALLOWED)?;
    // What does not ask is no ping.
    let reply = ground.case.family.pick((3, 3), (1, 4));
    let error = Packet::icmp_of_type(source, ground.gateway(0).ip(), reply, [0; 4], &[0; 40]);
    ground.expect(&[error], INVALID)?;
    assert!(!holds(&ground, "knocked", source)?);
    ground.expect(&ground.echo_requests(source, 2), BLOCKED)?;
    assert!(holds(&ground, "knocked", source)?);
    let again = ground.connections(source, 8443, 2).split_off(1);
    ground.expect(&again, BLOCKED)
}

/// One packet of each kind that says nothing of its sender, or is of somebody who is not to be
/// banned, and then one that counts.
fn only_what_is_meant(case: Case) -> Result<(), Failed> {
    let mut ground = ground(
        case,
        "[[instant]]\nname = \"tcp\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\n\
         [[instant]]\nname = \"udp\"\ntype = \"udp\"\nhowmany = 1\nremoveafter = \"1h\"\n\
         [[instant]]\nname = \"ping\"\ntype = \"icmp\"\nhowmany = 1\nremoveafter = \"1h\"\n",
    )?;
    let (stranger, friend) = (ground.source(1), ground.source(9));
    ground.add("whitelist", friend, "")?;
    let from = |source: IpAddr, port: u16| SocketAddr::new(source, port);
    let to = |ground: &Ground, port: u16| ground.gateway(port);
    let many: IpAddr = case.family.pick(
        Ipv4Addr::BROADCAST.into(),
        Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1).into(),
    );
    let neighbour: IpAddr = case.family.pick(
        Ipv4Addr::new(198, 51, 100, 9).into(),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x99).into(),
    );
    let own = ground.gateway(0).ip();
    let packets = [
        // Of a server, too late.
        Packet::udp(from(stranger, 53), to(&ground, 5000), b"x"),
        Packet::udp(from(stranger, 443), to(&ground, 5000), b"x"),
        // Of no connection, or of a whole handshake's end.
        Packet::tcp(
            from(stranger, 4000),
            to(&ground, 23),
            |tcp| tcp.ack = true,
            b"",
        ),
        Packet::tcp(
            from(stranger, 4001),
            to(&ground, 23),
            |tcp| (tcp.syn, tcp.ack) = (true, true),
            b"",
        ),
        Packet::tcp(
            from(stranger, 4002),
            to(&ground, 23),
            |tcp| tcp.rst = true,
            b"",
        ),
        Packet::tcp(
            from(stranger, 4003),
            to(&ground, 23),
            |tcp| (tcp.fin, tcp.urg, tcp.psh) = (true, true, true),
            b"",
        ),
        // For all.
        Packet::udp(from(stranger, 4000), SocketAddr::new(many, 5000), b"x"),
        // Of a neighbour, of a friend, of this host.
        Packet::udp(from(neighbour, 4000), to(&ground, 5000), b"x"),
        Packet::udp(from(friend, 4000), to(&ground, 5000), b"x"),
        Packet::tcp_syn(from(friend, 4000), to(&ground, 23)),
        Packet::tcp_syn(from(own, 4000), to(&ground, 23)),
    ];
    for packet in &packets {
        ground.cast(packet)?;
    }
    ground.settle()?;
    assert_eq!(members(&ground, "blacklist-instant")?, [""; 0]);
    // Each of them counts where it is what it seems.
    for (n, packet) in (2..).zip([
        Packet::udp(from(ground.source(2), 4000), to(&ground, 5000), b"x"),
        Packet::tcp_syn(from(ground.source(3), 4000), to(&ground, 23)),
        Packet::echo_request(ground.source(4), own, 1, 1),
    ]) {
        ground.cast(&packet)?;
        ground.settle()?;
        assert!(
            holds(&ground, "blacklist-instant", ground.source(n))?,
            "{packet:?}"
        );
    }
    Ok(())
}

/// Whatever rule of others leads to `LOG_AND_DROP`: a packet of a connection bans nobody.
fn led_there(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(
        case,
        Config {
            more: "[[instant]]\nname = \"ping\"\ntype = \"icmp\"\nhowmany = 1\nremoveafter = \"1h\"\n",
            services: &[Service::Icmp],
            ..Config::default()
        },
    )?;
    let source = ground.source(1);
    ground.expect(&ground.echo_requests(source, 1), ALLOWED)?;
    let protocol = case.family.pick("icmp", "icmpv6");
    let (address, other) = (source.to_string(), ground.source(2).to_string());
    for from in [&address, &other] {
        ground.iptables(&[
            "-I",
            "INPUT",
            "-p",
            protocol,
            "-s",
            from,
            "-j",
            "LOG_AND_DROP",
        ])?;
    }
    // The first was answered, so this one belongs to it.
    ground.expect(&ground.echo_requests(source, 1), BLOCKED)?;
    assert!(!holds(&ground, "blacklist-instant", source)?);
    ground.expect(&ground.echo_requests(ground.source(2), 1), BLOCKED)?;
    assert!(holds(&ground, "blacklist-instant", ground.source(2))?);
    Ok(())
}

/// A packet neither prolongs nor shortens what is there, nor takes its comment.
fn keeps_the_end(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(
        case,
        Config {
            more: "[[set]]\nname = \"knocked\"\ntype = \"hash:ip\"\ncomment = true\n\
                   [[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nipset = \"knocked\"\nremoveafter = \"1h\"\n",
            ..Config::default()
        },
    )?;
    let source = ground.source(1);
    ground.add("knocked", source, "timeout 864000 comment \"by hand\"")?;
    ground.expect(&ground.connections(source, 23, 3), BLOCKED)?;
    let member = members(&ground, "knocked")?.concat();
    assert!(member.ends_with(" comment \"by hand\""), "{member}");
    let left = member.split(' ').nth(2).and_then(|left| left.parse().ok());
    assert!(left.is_some_and(|left: u32| left > 800_000), "{member}");
    Ok(())
}

/// More sources than the kernel's tables take, each forged.
fn forged(case: Case) -> Result<(), Failed> {
    let config = Config {
        more: "[[instant]]\nname = \"one\"\ntype = \"tcp\"\nports = [24]\nhowmany = 1\nremoveafter = \"1h\"\nat-most = 1000\n\
               [[instant]]\nname = \"two\"\ntype = \"tcp\"\nhowmany = 2\nwithin = \"1h\"\nipset = \"throttle-soft\"\nremoveafter = \"1h\"\n",
        log: "rate = \"1/minute\"",
        ..Config::default()
    };
    // The table of connections is not what is tried here, and not every machine has room in it.
    let mut ground = Ground::untracked(case, config)?;
    let sources = (0..SOURCES).map(|n| {
        case.family.pick(
            Ipv4Addr::from_bits(0x1400_0000 + n.wrapping_mul(60_013) % 0x6000_0000).into(),
            other(n),
        )
    });
    let sent = flood(&mut ground, sources, 24)?;
    assert_eq!(
        decided(&ground, 24)?,
        sent,
        "some were dropped without a word"
    );
    let banned = members(&ground, "blacklist-instant")?.len();
    assert!((400..=1000).contains(&banned), "{banned} of at most 1000");
    // Nobody came twice.
    assert_eq!(members(&ground, "throttle-soft-instant")?, [""; 0]);
    let stranger = case.family.pick(
        Ipv4Addr::new(198, 51, 100, 1).into(),
        Ipv6Addr::new(0x2a02, 1, 2, 3, 0, 0, 0, 4).into(),
    );
    assert!(
        gets_in(&mut ground, stranger, 443)?,
        "a stranger is shut out"
    );
    Ok(())
}

/// Another address for each number.
fn other(n: u32) -> IpAddr {
    Ipv6Addr::from_bits(0x2001_0db9_0077 << 80 | u128::from(n) << 16 | 1).into()
}

/// More than a table of the kernel takes.
const SOURCES: u32 = 70_000;
