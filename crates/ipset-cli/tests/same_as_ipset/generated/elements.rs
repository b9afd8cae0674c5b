//! Elements: from few values, so that commands meet each other's.

use super::random::Random;
use super::set_type::{Part, SetType};

/// What a script is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taste {
    pub(crate) inet6: bool,
    /// In how many of a hundred values something is wrong.
    pub(crate) wrong: u64,
}

/// Refused by every part, or in a place where nobody expects it.
const ODD: &[&str] = &[
    "",
    "x",
    "-",
    "0",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "0.0.0.0",
    "255.255.255.255",
    "::",
    "1::2::3",
    "[10.0.0.1]",
    "10.0.0.1/",
    "/8",
    "10.0.0.1/33",
    "10.0.0.1/-1",
    "10.0.0.1/0",
    "10.0.0.1-",
    "10.0.0.9-10.0.0.3",
    "10.0.0.1/24-10.0.0.9",
    "2001:db8::1/129",
    "2001:db8::1/0",
    "tcp:",
    ":80",
    "tcp:65536",
    "tcp:-1",
    "80-",
    "90-80",
    "icmp:no-such-name",
    "icmp:300/0",
    "nosuchproto:1",
    "1:2:3",
    "00:00:00:00:00:00",
    "zz:00:00:00:00:01",
    "0x",
    "0x1ffffffff",
    "4294967296",
    "an-interface-of-long-name",
    "10.0.0.1/255.255.255.0",
    "::ffff:10.0.0.1",
    "no.such.host.invalid",
    "99999999999999999999",
];

pub(crate) fn element(random: &mut Random, set_type: &SetType, taste: Taste) -> String {
    let mut parts: Vec<String> = set_type
        .parts
        .iter()
        .map(|&kind| part(random, kind, taste))
        .collect();
    if random.percent(taste.wrong / 2) {
        match random.below(4) {
            0 => drop(parts.pop()),
            1 => parts.push((random.pick(ODD)).to_owned()),
            2 => parts.push("10.0.0.1".to_owned()),
            _ => parts.push(String::new()),
        }
    }
    parts.join(",")
}

fn part(random: &mut Random, kind: Part, taste: Taste) -> String {
    if random.percent(taste.wrong) {
        return (random.pick(ODD)).to_owned();
    }
    let other_family = random.percent(taste.wrong / 2);
    let inet6 = taste.inet6 != other_family;
    match kind {
        Part::Ip => ip(random, inet6),
        Part::Net => net(random, inet6),
        Part::Port => port(random, inet6),
        Part::BitmapPort => bitmap_port(random),
        Part::BitmapIp => bitmap_ip(random),
        Part::Mac => mac(random),
        Part::Mark => mark(random),
        Part::Interface => interface(random),
        Part::Set => (random.pick(&["a", "b", "c", "d", "e"])).to_owned(),
    }
}

fn address(random: &mut Random, inet6: bool) -> String {
    match (inet6, random.below(3)) {
        (false, 0) => format!("192.0.2.{}", random.below(4)),
        (false, _) => format!("10.0.0.{}", random.below(12)),
        (true, 0) => format!("2001:DB8:0::{:x}", random.below(4)),
        (true, _) => format!("2001:db8::{:x}", random.below(20)),
    }
}

fn prefix(random: &mut Random, inet6: bool) -> u64 {
    if inet6 {
        random.pick(&[128, 127, 124, 64, 48, 33, 1])
    } else {
        random.pick(&[32, 31, 30, 28, 24, 24, 20])
    }
}

fn ip(random: &mut Random, inet6: bool) -> String {
    let first = address(random, inet6);
    match random.below(10) {
        0 => format!("{first}/{}", if inet6 { 128 } else { 24 + random.below(9) }),
        1 if !inet6 => format!("10.0.0.{}-10.0.0.{}", random.below(4), 3 + random.below(6)),
        2 => format!("[{first}]"),
        _ => first,
    }
}

fn net(random: &mut Random, inet6: bool) -> String {
    let first = address(random, inet6);
    match random.below(10) {
        0..=1 => first,
        2 if !inet6 => format!(
            "10.0.0.{}-10.0.{}.{}",
            random.below(9),
            random.below(3),
            9 + random.below(200)
        ),
        3 if inet6 => format!("{first}-2001:db8::ff"),
        4 => format!("{first}/{}", random.below(if inet6 { 129 } else { 33 })),
        _ => format!("{first}/{}", prefix(random, inet6)),
    }
}

fn port(random: &mut Random, inet6: bool) -> String {
    let low = random.below(12);
    match random.below(14) {
        0..=2 => format!("{}", 80 + low),
        3..=4 => format!("tcp:{}", 80 + low),
        5 => format!("udp:{}", 50 + low),
        6 => format!("tcp:{}-{}", 80 + low, 84 + random.below(9)),
        7 => format!(
            "{}:{low}",
            random.pick(&["sctp", "udplite", "UDP", "17", "6", "132"])
        ),
        8 => (random.pick(&[
            "http",
            "tcp:ssh",
            "udp:domain",
            "ssh-http",
            "tcp:20-ssh",
            "tcp:[http]",
            "tcp:[ftp-data]-[ssh]",
        ]))
        .to_owned(),
        9 if inet6 => (random.pick(&[
            "icmpv6:echo-request",
            "icmpv6:128/0",
            "ipv6-icmp:1/4",
            "icmpv6:neighbour-solicitation",
        ]))
        .to_owned(),
        9 => (random.pick(&[
            "icmp:echo-request",
            "icmp:8/0",
            "icmp:ping",
            "icmp:3/1",
            "icmp:any",
            "1:echo-reply",
        ]))
        .to_owned(),
        10 => (random.pick(&[
            "esp:0", "gre:0", "50:0", "ospf:0", "vrrp:0", "esp:5", "0:0", "255:0", "tcp:0",
        ]))
        .to_owned(),
        _ => format!(
            "{}:{}",
            random.pick(&["tcp", "udp"]),
            random.pick(&[0, 1, 80, 443, 65535])
        ),
    }
}

fn bitmap_port(random: &mut Random) -> String {
    let low = 1000 + random.below(120);
    match random.below(8) {
        0 => format!("{low}-{}", low + random.below(30)),
        1 => (random.pick(&[
            "http",
            "tcp:ssh",
            "udp:1010",
            "0x3f0",
            "65535",
            "0",
            "tcp:1005-1009",
        ]))
        .to_owned(),
        _ => low.to_string(),
    }
}

fn bitmap_ip(random: &mut Random) -> String {
    let first = format!("10.1.{}.{}", random.below(2), random.below(20));
    match random.below(8) {
        0 => format!("{first}/{}", 20 + random.below(13)),
        1 => format!("10.1.0.{}-10.1.0.{}", random.below(9), 5 + random.below(30)),
        2 => format!("10.1.{}.0", random.below(5)),
        _ => first,
    }
}

fn mac(random: &mut Random) -> String {
    match random.below(6) {
        0 => format!("2:0:0:0:0:{:x}", random.below(5)),
        1 => format!("02:AB:cd:00:00:0{:X}", random.below(16)),
        _ => format!("02:00:00:00:00:0{}", random.below(5)),
    }
}

fn mark(random: &mut Random) -> String {
    match random.below(6) {
        0 => format!("{}", random.below(5)),
        1 => "4294967295".to_owned(),
        2 => "010".to_owned(),
        _ => format!("0x{:x}", random.below(5) << random.pick(&[0, 8, 24])),
    }
}

fn interface(random: &mut Random) -> String {
    let name = random.pick(&["eth0", "eth1", "eth", "lo", "wlan0.100", "fifteen-letters"]);
    match random.below(5) {
        0 => format!("physdev:{name}"),
        _ => name.to_owned(),
    }
}
