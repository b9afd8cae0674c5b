//! What the lines say.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use firewall_log::{Clock, Event, Protocol};
use netns_testbed::{Failed, Family, KernelLog, Packet, Tool, Trial, World, trial};

use crate::bytes::{Between, far, fragment_headers, ipv4, ipv6, packets, udp};
use crate::{Collector, DROPPED, PREFIX, kernel_part, rules, send_datagrams, wait_for};

/// Where a batch of packets ends: the port of a datagram that none of them has.
const LAST: u16 = 4242;
/// Packets sent before the kernel's log is read: it holds some hundred lines.
const BATCH: usize = 24;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("lines::are_what_the_kernel_logs::v4", || {
            same_as_kernel(Family::V4)
        }),
        trial("lines::are_what_the_kernel_logs::v6", || {
            same_as_kernel(Family::V6)
        }),
        trial("lines::of_random_bytes_too::v4", || {
            same_of_random_bytes(Family::V4)
        }),
        trial("lines::of_random_bytes_too::v6", || {
            same_of_random_bytes(Family::V6)
        }),
        trial("lines::show_a_transport_that_is_far_away::v4", || {
            same_far(Family::V4)
        }),
        trial("lines::show_a_transport_that_is_far_away::v6", || {
            same_far(Family::V6)
        }),
        trial(
            "lines::show_a_transport_behind_many_fragment_headers",
            many_fragment_headers,
        ),
        trial("lines::of_forwarded_packets_too", same_forwarded),
        trial("lines::are_read_back", are_read_back),
        trial("lines::of_own_packets_have_no_mac", own_packets),
    ]
}

fn between(world: &World, family: Family) -> Result<Between, Failed> {
    match (
        world.attacker.address(family),
        world.gateway.address(family),
    ) {
        (IpAddr::V4(from), IpAddr::V4(to)) => Ok(Between::V4(from, to)),
        (IpAddr::V6(from), IpAddr::V6(to)) => Ok(Between::V6(from, to)),
        _ => Err("addresses of two families".into()),
    }
}

/// The same rule, once with each target; some packets have a mark.
const BOTH: &str = "-t mangle -A PREROUTING -i eth0 -m length --length 0:90 -j MARK --set-mark 0x2a
-t mangle -A PREROUTING -i eth0 -j LOG --log-prefix IPTABLES-BLOCKED:
-t mangle -A PREROUTING -i eth0 -j NFLOG --nflog-group 5
-t mangle -A PREROUTING -i eth0 -j DROP";

/// Sends `packets` and compares what both targets made of them; gives the lines.
fn compare(world: &World, family: Family, packets: &[Vec<u8>]) -> Result<Vec<String>, Failed> {
    let mut kernel = KernelLog::open(world)?;
    let collector = Collector::start(world, &[])?;
    let mut tap = world.attacker.tap("eth0")?;
    let last = match between(world, family)? {
        Between::V4(from, to) => ipv4(from, to, 17, 0, &udp(1, LAST)),
        Between::V6(from, to) => ipv6(from, to, 17, &udp(1, LAST)),
    };
    let mut expected = Vec::new();
    for batch in packets.chunks(BATCH) {
        for packet in batch {
            tap.send(&Packet::new(packet.as_slice()))?;
        }
        tap.send(&Packet::new(last.as_slice()))?;
        loop {
            let logged = kernel
                .next(crate::PATIENCE)?
                .ok_or("the kernel logs nothing")?;
            if logged.text.contains(&format!(" DPT={LAST} ")) {
                break;
            }
            expected.push(logged.text);
        }
    }
    let ended = collector.end()?;
    // Hosts report their multicast groups when they feel like it.
    let to_gateway = format!(" MAC={}:", mac(world.gateway.eth0().mac));
    let lines: Vec<String> = ended
        .lines
        .iter()
        .filter(|line| line.contains(&to_gateway))
        .map(|line| kernel_part(line).replacen(PREFIX, "IPTABLES-BLOCKED:", 1))
        .filter(|line| !line.contains(&format!(" DPT={LAST} ")))
        .collect();
    for (number, (ours, theirs)) in lines.iter().zip(&expected).enumerate() {
        assert_eq!(ours, theirs, "line {number} of {}", expected.len());
    }
    assert_eq!(lines.len(), expected.len());
    // Whatever a packet holds, its line is one that log-scanner understands.
    for line in &ended.lines {
        let event = Event::parse(line.as_bytes()).map_err(|error| format!("{line}: {error}"))?;
        let mut again = Vec::new();
        event.render(&mut again);
        assert_eq!(String::from_utf8(again)?, *line);
    }
    Ok(lines)
}

fn mac(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

fn same_as_kernel(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, BOTH)?;
    let packets = packets(between(&world, family)?);
    let lines = compare(&world, family, &packets)?;
    assert!(
        lines.len() > packets.len() * 9 / 10,
        "only {} of {} packets got to the rules",
        lines.len(),
        packets.len()
    );
    let of_family = family.pick("TYPE=3 CODE=3 INCOMPLETE [", "TRUNCATED");
    for seen in [
        of_family,
        " INCOMPLETE [",
        " SYN ",
        "[SRC=",
        " MARK=0x2a ",
        "PROTO=255 ",
    ] {
        assert!(lines.iter().any(|line| line.contains(seen)), "no {seen}");
    }
    Ok(())
}

/// Bytes that no one has thought of, the same in every run.
fn same_of_random_bytes(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, BOTH)?;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    // xorshift64
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut small = move |below: u64| random() % below;
    let base = packets(between(&world, family)?);
    let header = family.pick(20, 40);
    let mut packets = Vec::new();
    for _ in 0..400 {
        let chosen = usize::try_from(small(u64::try_from(base.len())?))?;
        let mut payload = base[chosen][header..].to_vec();
        // Two of a word a packet, mostly at its beginning, and a new end.
        for _ in 0..2 {
            let at = usize::try_from(small(48))?;
            let byte = u8::try_from(small(256))?;
            if let Some(place) = payload.get_mut(at) {
                *place = byte;
            }
        }
        payload.truncate(usize::try_from(small(90))?);
        let protocol = match small(3) {
            0 => u8::try_from(small(256))?,
            _ => base[chosen][family.pick(9, 6)],
        };
        packets.push(match between(&world, family)? {
            Between::V4(from, to) => {
                let fragment = if small(4) == 0 {
                    u16::try_from(small(0x1_0000))?
                } else {
                    0
                };
                ipv4(from, to, protocol, fragment, &payload)
            }
            Between::V6(from, to) => ipv6(from, to, protocol, &payload),
        });
    }
    let lines = compare(&world, family, &packets)?;
    assert!(
        lines.len() > 200,
        "only {} packets got to the rules",
        lines.len()
    );
    Ok(())
}

/// A link on which a packet can be as long as the protocol allows.
fn with_long_frames(world: &World) -> Result<(), Failed> {
    let ip = Tool::require("ip")?;
    for host in [&world.attacker, &world.gateway] {
        host.run(|| ip.run(&["link", "set", "eth0", "mtu", "65535"]))?;
    }
    Ok(())
}

fn same_far(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    with_long_frames(&world)?;
    rules(&world, BOTH)?;
    let packets = far(between(&world, family)?);
    let lines = compare(&world, family, &packets)?;
    assert_eq!(lines.len(), packets.len());
    assert!(!lines.iter().any(|line| line.contains("TRUNCATED")));
    let shown = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(
        shown(" DPT=22 WINDOW=64240 RES=0x00 SYN URGP=7 "),
        family.pick(2, 3)
    );
    Ok(())
}

/// The kernel's line ends in the middle of them, and a scan could not tell what the packet was.
fn many_fragment_headers() -> Result<(), Failed> {
    let world = World::new()?;
    with_long_frames(&world)?;
    rules(&world, BOTH)?;
    let between = between(&world, Family::V6)?;
    compare(&world, Family::V6, &[fragment_headers(between, 35)])?;

    let collector = Collector::start(&world, &[])?;
    let mut tap = world.attacker.tap("eth0")?;
    for count in [41, 64, 65, 180, 8000] {
        tap.send(&Packet::new(fragment_headers(between, count)))?;
    }
    let chains = || {
        let mut lines = collector.lines();
        // Hosts report their multicast groups when they feel like it.
        lines.retain(|line| line.contains(" FRAG:"));
        lines
    };
    wait_for("five lines", || chains().len() == 5)?;
    for line in &chains() {
        let event = Event::parse(line.as_bytes()).map_err(|error| format!("{line}: {error}"))?;
        assert!(line.contains(" PROTO=TCP SPT=40000 DPT=22 "), "{line}");
        assert_eq!(event.packet.protocol(), Some(Protocol::Tcp));
        assert!(line.len() < 4096, "{} bytes", line.len());
    }
    collector.end()?;
    Ok(())
}

fn same_forwarded() -> Result<(), Failed> {
    let world = World::new()?;
    rules(
        &world,
        "-t mangle -A FORWARD -i eth0 -j LOG --log-prefix IPTABLES-BLOCKED:
-t mangle -A FORWARD -i eth0 -j NFLOG --nflog-group 5
-t mangle -A PREROUTING -i eth0 -p udp --dport 4242 -j LOG --log-prefix IPTABLES-BLOCKED:
-t mangle -A PREROUTING -i eth0 -p udp --dport 4242 -j NFLOG --nflog-group 5",
    )?;
    for family in Family::BOTH {
        let from = SocketAddr::new(world.attacker.address(family), 40000);
        let to = SocketAddr::new(world.server.address(family), 22);
        let packets = [Packet::tcp_syn(from, to), Packet::udp(from, to, b"x")];
        let packets: Vec<_> = packets
            .iter()
            .map(|packet| packet.bytes().to_vec())
            .collect();
        let lines = compare(&world, family, &packets)?;
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(line.contains("IN=eth0 OUT=eth1 MAC="), "{line}");
        }
    }
    Ok(())
}

/// By the library that log-scanner reads them with.
fn are_read_back() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let collector = Collector::start(&world, &[])?;
    let before = SystemTime::now() - Duration::from_secs(1);
    for family in Family::BOTH {
        send_datagrams(&world, family, 10, 1)?;
    }
    let lines = collector.wait_for_lines(20)?;
    let after = SystemTime::now() + Duration::from_secs(1);
    let clock = Clock::new(SystemTime::now(), jiff::tz::TimeZone::UTC);
    let mut sources = BTreeMap::new();
    for line in &lines {
        let event = Event::parse(line.as_bytes())?;
        assert_eq!(event.prefix, PREFIX.as_bytes());
        assert_eq!(event.packet.in_interface, b"eth0");
        let at = event.time.resolve(&clock)?;
        assert!(before < at && at < after, "{line}: not now");
        *sources.entry(event.source()).or_insert(0) += 1;
        let mut again = Vec::new();
        event.render(&mut again);
        assert_eq!(String::from_utf8(again)?, *line);
    }
    let expected = Family::BOTH.map(|family| (Some(world.attacker.address(family)), 10));
    assert_eq!(sources, BTreeMap::from(expected));
    // 2026-11-22T09:25:54.194069+00:00 host kernel: IPTABLES-BLOCKED: IN=eth0 OUT= MAC=…
    let first = lines.first().ok_or("no line")?;
    let words: Vec<&str> = first.split(' ').collect();
    assert_eq!(words.first().map(|stamp| stamp.len()), Some(32), "{first}");
    assert!(
        words.first().is_some_and(|stamp| stamp.ends_with("+00:00")),
        "{first}"
    );
    let name = nix::unistd::gethostname()?;
    let short = name.to_string_lossy().split('.').next().map(str::to_owned);
    assert_eq!(words.get(1).map(ToString::to_string), short);
    assert_eq!(words.get(2), Some(&"kernel:"));
    collector.end()?;
    Ok(())
}

/// Packets of this host have no time of arrival, no input interface and so no `MAC=`.
fn own_packets() -> Result<(), Failed> {
    let world = World::new()?;
    rules(
        &world,
        "-A OUTPUT -p udp --dport 9 -j NFLOG --nflog-group 5",
    )?;
    let collector = Collector::start(&world, &[])?;
    for family in Family::BOTH {
        let to = SocketAddr::new(world.attacker.address(family), 9);
        let any: IpAddr = family.pick("0.0.0.0".parse()?, "::".parse()?);
        world.gateway.run(|| {
            let socket = std::net::UdpSocket::bind(SocketAddr::new(any, 0))?;
            socket.send_to(b"x", to)
        })?;
    }
    let lines = collector.end()?.lines;
    let [v4, v6] = &lines[..] else {
        return Err(format!("not two lines: {lines:#?}").into());
    };
    for line in [v4, v6] {
        let part = kernel_part(line);
        assert!(
            part.starts_with("IPTABLES-BLOCKED: IN= OUT=eth0 SRC="),
            "{line}"
        );
        assert!(part.ends_with(" DPT=9 LEN=9 "), "{line}");
        Event::parse(line.as_bytes())?;
    }
    Ok(())
}
