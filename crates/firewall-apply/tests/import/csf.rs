//! csf: the rules are those that `csf.pl` of csf 15 writes for these files, by hand: csf is not to
//! be had as a package, and changes the host that it is installed on.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Family, Packet, Trial, trial};

use crate::door::{Door, Ports, packets, same};
use crate::imported::Imported;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("csf::v4::packets_have_the_same_verdicts", || {
            verdicts(Family::V4)
        }),
        trial("csf::v6::packets_have_the_same_verdicts", || {
            verdicts(Family::V6)
        }),
        trial("csf::what_is_left_is_named", what_is_left_is_named),
        trial("csf::bans_become_a_rule", bans_become_a_rule),
        trial("csf::lists_become_lists", lists_become_lists),
        trial("csf::limits_become_limits", limits_become_limits),
        trial("csf::nothing_is_overwritten", nothing_is_overwritten),
        trial(
            "csf::two_hundred_thousand_lines_take_seconds",
            two_hundred_thousand_lines_take_seconds,
        ),
        trial("csf::no_file_is_too_odd", no_file_is_too_odd),
    ]
}

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/csf_files");

const PORTS: Ports = Ports {
    tcp: &[
        22, 23, 25, 80, 136, 443, 3306, 5432, 8005, 8011, 8443, 9998, 9999,
    ],
    udp: &[53, 123, 137, 5299, 5305, 5310, 6005, 7000],
};

/// What csf.pl makes of the files in one family.
#[expect(clippy::too_many_lines, reason = "it is a list of rules")]
fn rules(family: Family) -> String {
    let host = |n: &str, v6: &str| family.pick(n.to_owned(), v6.to_owned());
    let icmp = family.pick("icmp", "ipv6-icmp");
    let mut text = String::from("*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT DROP\n");
    for chain in [
        "LOCALINPUT",
        "LOCALOUTPUT",
        "ALLOWIN",
        "ALLOWOUT",
        "DENYIN",
        "DENYOUT",
        "LOGDROPIN",
        "LOGDROPOUT",
        "CONNLIMIT",
    ] {
        let _ = writeln!(text, ":{chain} -");
    }
    let mut add = |rule: &str| {
        let _ = writeln!(text, "-A {rule}");
    };
    add("INPUT -i eth1 -j ACCEPT");
    add("OUTPUT -o eth1 -j ACCEPT");
    for protocol in ["udp", "tcp"] {
        for end in ["--sport", "--dport"] {
            add(&format!("OUTPUT -o eth0 -p {protocol} {end} 53 -j ACCEPT"));
        }
    }
    add("INPUT -i eth0 -j LOCALINPUT");
    add("OUTPUT -o eth0 -j LOCALOUTPUT");
    for (local, first, second) in [
        ("LOCALINPUT", "ALLOWIN", "DENYIN"),
        ("LOCALOUTPUT", "ALLOWOUT", "DENYOUT"),
    ] {
        add(&format!("{local} -j {first}"));
        add(&format!("{local} -j {second}"));
    }
    let allowed = family.pick(
        &["198.51.100.10", "198.51.100.16/29"][..],
        &["2001:db8:66::10"],
    );
    let denied = family.pick(
        &[
            "198.51.100.50",
            "198.51.100.128/26",
            "10.0.0.7",
            "198.51.100.10",
        ][..],
        &["2001:db8:66::50"],
    );
    for address in allowed {
        add(&format!("ALLOWIN -i eth0 -s {address} -j ACCEPT"));
        add(&format!("ALLOWOUT -o eth0 -d {address} -j ACCEPT"));
    }
    let database = host("198.51.100.30", "2001:db8:66::30");
    add(&format!(
        "ALLOWIN -i eth0 -p tcp -s {database} --dport 3306 -j ACCEPT"
    ));
    if family == Family::V4 {
        add("ALLOWIN -i eth0 -p tcp -s 198.51.100.31 --dport 8443 -j ACCEPT");
        add(
            "ALLOWIN -i eth0 -p udp -s 198.51.100.32 -m multiport --dports 6000:6010,7000 -j ACCEPT",
        );
        add("ALLOWIN -i eth0 -p icmp -s 198.51.100.33 --icmp-type ping -j ACCEPT");
        add("ALLOWIN -i eth0 -p tcp -s 198.51.100.60 --dport 5432 -j ACCEPT");
        add("ALLOWOUT -o eth0 -p tcp -d 198.51.100.40 --dport 25 -j ACCEPT");
        add("DENYIN -i eth0 -p tcp -s 198.51.100.70 --dport 80 -j DROP");
    }
    for address in denied {
        add(&format!("DENYIN -i eth0 -s {address} -j DROP"));
        add(&format!("DENYOUT -o eth0 -d {address} -j REJECT"));
    }
    add("INPUT -i lo -j ACCEPT");
    add("OUTPUT -o lo -j ACCEPT");
    add("INPUT -i eth0 -p tcp --syn --dport 80 -m connlimit --connlimit-above 20 -j CONNLIMIT");
    add("CONNLIMIT -p tcp -j REJECT --reject-with tcp-reset");
    if family == Family::V4 {
        add("INPUT -i eth0 -p icmp --icmp-type timestamp-request -j LOGDROPIN");
    }
    for (chain, way) in [("INPUT", "-i"), ("OUTPUT", "-o")] {
        add(&format!("{chain} {way} eth0 -p {icmp} -j ACCEPT"));
        add(&format!(
            "{chain} {way} eth0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
        ));
    }
    let ports = family.pick(
        [
            ("INPUT -i", "tcp", "22,80,443,8000:8010,9999"),
            ("INPUT -i", "udp", "53,5300:5309"),
            ("OUTPUT -o", "tcp", "80,443"),
            ("OUTPUT -o", "udp", "123"),
        ],
        [
            ("INPUT -i", "tcp", "22,80,443,9998"),
            ("INPUT -i", "udp", "53,5300:5309"),
            ("OUTPUT -o", "tcp", "80,443,8080"),
            ("OUTPUT -o", "udp", "123"),
        ],
    );
    for (way, protocol, ports) in ports {
        for port in ports.split(',') {
            add(&format!(
                "{way} eth0 -p {protocol} -m conntrack --ctstate NEW --dport {port} -j ACCEPT"
            ));
        }
    }
    add("INPUT -i eth0 -j LOGDROPIN");
    add("OUTPUT -o eth0 -j LOGDROPOUT");
    for protocol in ["tcp", "udp"] {
        for port in ["23", "135:139"] {
            add(&format!("LOGDROPIN -p {protocol} --dport {port} -j DROP"));
        }
    }
    add("LOGDROPIN -j DROP");
    add("LOGDROPOUT -j REJECT");
    text + "COMMIT\n"
}

fn verdicts(family: Family) -> Result<(), Failed> {
    let imported = Imported::from(&["csf", FILES])?;
    let friend: IpAddr = family.stranger(family.pick(10, 0x10));
    let mut theirs = Door::new(family, PORTS, friend)?;
    theirs.restore(&rules(family))?;
    let mut ours = Door::new(family, PORTS, friend)?;
    ours.apply(&imported)?;

    let numbers = [
        1, 10, 0x10, 17, 24, 30, 31, 32, 33, 0x30, 50, 0x50, 60, 70, 130, 200,
    ];
    let sources: Vec<IpAddr> = numbers.map(|number| family.stranger(number)).to_vec();
    let mut table = packets(&theirs, PORTS, &sources);
    if family == Family::V4 {
        table.push(timestamp_request(
            family.stranger(1),
            theirs.gateway(0).ip(),
        ));
        table.push(timestamp_request(friend, theirs.gateway(0).ip()));
    }
    let accepted = same([&mut theirs, &mut ours], &table)?;
    assert!(
        accepted > 50 && accepted < table.len() - 50,
        "{accepted} of {}",
        table.len()
    );

    let neighbour = theirs.world.attacker.address(family);
    for (host, port) in [
        (neighbour, 53),
        (neighbour, 123),
        (neighbour, 9),
        (family.stranger(50), 123),
        (family.stranger(0x50), 123),
        (friend, 9),
    ] {
        let to = SocketAddr::new(host, port);
        let out = [theirs.datagram_goes_out(to)?, ours.datagram_goes_out(to)?];
        assert_eq!(out[0], out[1], "udp {to}");
    }
    for (host, port) in [
        (neighbour, 80),
        (neighbour, 8080),
        (neighbour, 25),
        (family.stranger(40), 25),
        (family.stranger(50), 80),
        (friend, 25),
    ] {
        let to = SocketAddr::new(host, port);
        let out = [
            theirs.connection_goes_out(to)?,
            ours.connection_goes_out(to)?,
        ];
        assert_eq!(out[0], out[1], "tcp {to}");
    }
    Ok(())
}

/// RFC 792.
fn timestamp_request(source: IpAddr, destination: IpAddr) -> Packet {
    Packet::icmp_of_type(source, destination, (13, 0), [0; 4], &[0; 12])
}

fn what_is_left_is_named() -> Result<(), Failed> {
    let imported = Imported::from(&["csf", FILES])?;
    assert_eq!(imported.status, Some(1), "{:#}", imported.report);
    let left = imported.said("errors");
    for (begin, why) in [
        ("csf.allow:11: tcp|out|d=587||u=105: ", "user or group"),
        (
            "csf.allow:12: tcp|in|d=22|s=host.example: ",
            "names are not looked up",
        ),
        ("csf.deny:6: not-an-address: ", "no address"),
        ("csf.deny:7: 0.0.0.0/0: ", "every address"),
        ("csf.redirect:2: *|667|*|25|tcp: ", "no counterpart"),
        ("csf.conf:41: SMTP_BLOCK = 1: ", "users"),
        ("csf.conf:42: CC_DENY = XX: ", "countries"),
        ("csf.conf:44: NO_SUCH_KEY = 1: ", "no setting that is known"),
    ] {
        let named = left
            .iter()
            .any(|said| said.starts_with(begin) && said.contains(why));
        assert!(named, "{begin}{why}: {left:#?}");
    }
    assert_eq!(left.len(), 8, "{left:#?}");
    let differ = imported.said("warnings");
    for begin in [
        "csf.conf:2: TESTING: ",
        "csf.conf:25: PORTFLOOD: 443;tcp;15;60: ",
        "csf.conf:30: LF_SSHD: ",
        "csf.conf:32: LF_PERMBLOCK: ",
        "csf.pignore:1: exe:/usr/sbin/nginx and a line more: ",
        "csf.blocklists:2: EXAMPLE: ",
        "csf.redirect:1: 203.0.113.1|666|192.0.2.2|25|tcp: ",
    ] {
        assert!(
            differ.iter().any(|said| said.starts_with(begin)),
            "{begin}: {differ:#?}"
        );
    }
    Ok(())
}

fn bans_become_a_rule() -> Result<(), Failed> {
    let imported = Imported::from(&["csf", FILES])?;
    let scan = imported.text("scan.toml")?;
    // More than PS_LIMIT; who is banned five times is banned for as long as can be.
    for line in [
        "rule = \"blocked\"",
        "type = \"all\"",
        "howmany = 11",
        "within = \"5m\"",
        "distinct-ports = 3",
        "ipset = \"blacklist\"",
        "removeafter = \"1h\"",
        "repeat = { within = \"30d\", factor = 5, at-most = \"24d\" }",
        "aggregate-auto = true",
        "aggregate-at = 5",
        "exempt = [\"198.51.100.80\", \"2001:db8:66::80\"]",
    ] {
        assert!(scan.lines().any(|one| one == line), "{line}:\n{scan}");
    }
    Ok(())
}

fn lists_become_lists() -> Result<(), Failed> {
    let imported = Imported::from(&["csf", FILES])?;
    let denied = imported.text("csf-deny.txt")?;
    assert!(
        denied.contains("198.51.100.50 # csf.deny:1 lfd: (sshd)"),
        "{denied}"
    );
    let toml = imported.text("firewall.toml")?;
    for part in [
        // No block list takes a private address.
        "csf.deny:4: inside",
        "csf.allow:2: an office",
        "[[blocklist]]\nname = \"csf-deny\"\nfile = \"csf-deny.txt\"",
        "[[blocklist]]\nname = \"example\"\nfile = \"example.txt\"",
        "# 17 4 * * * root curl -fsS -o /etc/rampart/example.new 'https://lists.example/drop.txt' && mv",
        "[[forward.port]]\nname = \"port-666\"\non = \"eth0\"\nprotocol = \"tcp\"\nport = 666\nto = \"192.0.2.2:25\"",
        "csf.conf:4: TCP_IN",
    ] {
        assert!(toml.contains(part), "{part}:\n{toml}");
    }
    Ok(())
}

fn limits_become_limits() -> Result<(), Failed> {
    let imported = Imported::from(&["csf", FILES])?;
    let toml = imported.text("firewall.toml")?;
    let service = |name: &str| {
        let begin = toml.find(&format!("name = \"{name}\""));
        let rest = begin
            .and_then(|begin| toml.get(begin..))
            .unwrap_or_default();
        rest.split("\n\n").next().unwrap_or_default().to_owned()
    };
    assert!(service("tcp-80").contains("connections = 20"), "{toml}");
    let flood = service("tcp-443");
    assert!(flood.contains("rate = \"15/minute\"\nburst = 15"), "{toml}");
    Ok(())
}

fn nothing_is_overwritten() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join("mine"), "")?;
    let to = directory.path().display().to_string();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_firewall-apply"))
        .args(["import", "csf", FILES, "--to", &to])
        .output()?;
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(2), "{said}");
    assert!(
        said.contains("is not empty, and nothing is overwritten"),
        "{said}"
    );
    assert_eq!(fs::read_dir(directory.path())?.count(), 1);
    let missing = Imported::from(&["csf", &to])?;
    assert_eq!(missing.status, Some(2), "{:#}", missing.report);
    assert!(!missing.path("firewall.toml").exists());
    Ok(())
}

fn two_hundred_thousand_lines_take_seconds() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join("csf.conf"), "TCP_IN = \"22\"\n")?;
    let mut denied = String::new();
    for number in 0..200_000_u32 {
        let address = std::net::Ipv4Addr::from(0x2000_0000 + number * 3);
        let _ = writeln!(denied, "{address} # lfd: (sshd) {number}");
        if number % 10 == 0 {
            let _ = writeln!(denied, "no address {number}");
        }
    }
    fs::write(directory.path().join("csf.deny"), denied)?;
    let begin = Instant::now();
    let imported = Imported::from(&["csf", &directory.path().display().to_string()])?;
    // Many minutes where it is the square of the lines.
    assert!(
        begin.elapsed() < Duration::from_secs(120),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(imported.text("csf-deny.txt")?.lines().count(), 200_000);
    let left = imported.said("errors");
    assert_eq!(
        left.last().map(String::as_str),
        Some("csf.deny:0: 19800 more lines like these")
    );
    Ok(())
}

/// Words that stand anywhere, in each of the files.
fn no_file_is_too_odd() -> Result<(), Failed> {
    let odd = [
        "=\"",
        "TCP_IN = \"99999,:,::,1:2:3,-1\"",
        "CONNLIMIT = \"a;b,;,22;0,22;99999999999\"",
        "PORTFLOOD = \"22;tcp,;;;,22;tcp;0;0,22;icmp;5;5,22;tcp;4294967295;1\"",
        "SYNFLOOD = \"1\"\nSYNFLOOD_RATE = \"x/y\"",
        "PS_INTERVAL = \"99999999999999999999\"",
        "PS_INTERVAL = \"1\"\nPS_LIMIT = \"18446744073709551615\"\nPS_BLOCK_TIME = \"0\"",
        "ETH_DEVICE_SKIP = \"a/b,,eth0 eth1,a_very_long_name_of_an_interface\"",
        "ICMP_IN = \"1\"\nICMP_IN_RATE = \"99999999/s\"",
        "DROP_NOLOG = \"0\"",
        "DROP = \"\u{1b}[2J\"",
        "A = \"\u{0}\"",
        "||||",
        "tcp|in|d=,|s=1.2.3.4",
        "tcp|in|d=1_|s=::/129",
        "Include",
        "Include /etc/csf/csf.allow",
        "Include /dev/zero",
        "x|y|z|'; rm -rf /",
        "|||",
        "NAME|x|y|http://a'b",
        "\u{85}|1|2|http://x",
        "::ffff:1.2.3.4",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "fe80::1%eth0",
        "1.2.3.4/33",
        "*|*|*|*|tcp",
        "1.1.1.1|99999|2.2.2.2|1|tcp",
        "2.2.2.2|1|::1|1|udp",
    ]
    .join("\n");
    let directory = tempfile::tempdir()?;
    for name in [
        "csf.conf",
        "csf.allow",
        "csf.deny",
        "csf.ignore",
        "csf.blocklists",
        "csf.redirect",
        "csf.pignore",
    ] {
        let mut bytes = odd.clone().into_bytes();
        bytes.extend(b"\n\xff\xfe\r\nETH_DEVICE = \"eth0\"\n");
        fs::write(directory.path().join(name), bytes)?;
    }
    let imported = Imported::from(&["csf", &directory.path().display().to_string()])?;
    assert_eq!(imported.status, Some(1), "{:#}", imported.report);
    Ok(())
}
