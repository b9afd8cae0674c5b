//! Which packets count against who sent them: what a forger can have others send here does not.

use netns_testbed::Failed;

use crate::support::{START, Scanner, Sets, V4, V6, line, outcomes, packet, violations};

crate::trials!(
    answers_to_what_somebody_forged,
    the_end_of_an_ordinary_connection,
    stealth_scans_are_found_among_invalid_packets,
    what_neighbours_say_to_all,
    packets_of_this_host,
    whom_everybody_asks,
    a_hidden_transport,
    as_a_file_says_it,
);

/// A SYN packet as [`packet`] has it.
const SYN: &str = "SYN URGP=0 ";

/// Five lines of each packet, as many as the rules here want.
fn log(packets: &[String]) -> String {
    (0..5)
        .flat_map(|second| {
            packets
                .iter()
                .map(move |packet| line(START + second, packet))
        })
        .collect()
}

/// The sources that a rule of five lines finds in a log, each once.
fn found(log: &str, name: &str, protocol: &str, more: &str) -> Vec<String> {
    let rule = format!(
        "--rule {name} --type {protocol} --howmany 5 --within 1m --ipset blacklist --removeafter 1h --dryrun --log fw.log {more}"
    );
    let report = Scanner::new(log).with(&rule).at(60).json(0);
    outcomes(&report)
        .into_iter()
        .map(|(source, _)| source)
        .collect()
}

/// A server that answers SYN packets which somebody sent in our name, and a host that answers
/// pings.
fn answers_to_what_somebody_forged() -> Result<(), Failed> {
    let (syn, syn6) = (packet("BLOCKED", V4, "TCP"), packet("BLOCKED", V6, "TCP"));
    let (ping, ping6) = (
        packet("BLOCKED", V4, "ICMP"),
        packet("BLOCKED", V6, "ICMPv6"),
    );
    let flags = ["ACK SYN", "ACK RST", "RST", "ACK"];
    let backscatter = flags.map(|flags| format!("{flags} URGP=0 "));
    let quote = "TYPE=3 CODE=3 [TRUNCATED] ";
    let mut packets: Vec<_> = backscatter
        .iter()
        .flat_map(|flags| [syn.replace(SYN, flags), syn6.replace(SYN, flags)])
        .collect();
    packets.extend([
        ping.replace("TYPE=8", "TYPE=0"),
        ping6.replace("TYPE=128", "TYPE=129"),
        ping.replace("TYPE=8 CODE=0 ID=1 SEQ=1 ", quote),
        ping6
            .replace("TYPE=128 CODE=0 ID=1 SEQ=1 ", quote)
            .replace("TYPE=3", "TYPE=1"),
    ]);
    let answers = log(&packets);
    for protocol in ["tcp", "icmp", "all"] {
        assert!(
            found(&answers, "blocked", protocol, "").is_empty(),
            "{protocol}"
        );
        let counted = found(&answers, "blocked", protocol, "--count-answers");
        assert_eq!(counted, [V4, V6], "{protocol}");
    }
    // What they answer to.
    assert_eq!(found(&log(&[syn, syn6]), "blocked", "tcp", ""), [V4, V6]);
    assert_eq!(found(&log(&[ping, ping6]), "blocked", "icmp", ""), [V4, V6]);
    Ok(())
}

/// A client that closes what the firewall has forgotten.
fn the_end_of_an_ordinary_connection() -> Result<(), Failed> {
    let close =
        |name: &str, flags: &str| packet(name, V4, "TCP").replace(SYN, &format!("{flags} URGP=0 "));
    for name in ["BLOCKED", "INVALID"] {
        let packets = ["ACK FIN", "ACK PSH FIN", "RST", "ACK"].map(|flags| close(name, flags));
        assert!(found(&log(&packets), name, "tcp", "").is_empty(), "{name}");
    }
    Ok(())
}

fn stealth_scans_are_found_among_invalid_packets() -> Result<(), Failed> {
    let scan = |name: &str| {
        ["", "FIN ", "URG PSH FIN "]
            .map(|flags| packet(name, V4, "TCP").replace(SYN, &format!("{flags}URGP=0 ")))
    };
    assert_eq!(found(&log(&scan("INVALID")), "invalid", "tcp", ""), [V4]);
    assert_eq!(found(&log(&scan("INVALID")), "Invalid:", "all", ""), [V4]);
    assert!(found(&log(&scan("BLOCKED")), "blocked", "tcp", "").is_empty());
    assert_eq!(
        found(&log(&scan("BLOCKED")), "blocked", "tcp", "--count-answers"),
        [V4]
    );
    Ok(())
}

/// A router's queries, a neighbour's announcements, DHCP.
fn what_neighbours_say_to_all() -> Result<(), Failed> {
    let (v4, v6) = (packet("BLOCKED", V4, "UDP"), packet("BLOCKED", V6, "UDP"));
    let to_frame = |packet: &str, mac: &str| packet.replace("MAC=02:00:00:00:00:02", mac);
    let to_v4 = |address: &str| v4.replace("192.0.2.1", address);
    let packets = [
        to_v4("239.255.255.250"),
        to_v4("255.255.255.255"),
        to_v4("224.0.0.1").replace("PROTO=UDP SPT=40000 DPT=53 LEN=8 ", "PROTO=2 "),
        to_frame(&to_v4("192.0.2.255"), "MAC=ff:ff:ff:ff:ff:ff"),
        to_frame(&v6, "MAC=33:33:00:00:00:fb"),
        v6.replace("DST=2001:0db8:0001", "DST=ff02:0000:0000"),
    ];
    for protocol in ["udp", "all"] {
        let log = log(&packets);
        assert!(
            found(&log, "blocked", protocol, "").is_empty(),
            "{protocol}"
        );
        let counted = found(&log, "blocked", protocol, "--count-multicast");
        assert_eq!(counted, [V4, V6], "{protocol}");
    }
    Ok(())
}

/// An address that was this host's yesterday.
fn packets_of_this_host() -> Result<(), Failed> {
    let came_in = packet("BLOCKED", V4, "UDP");
    let (_, rest) = came_in.split_once(":08:00 ").ok_or("no frame")?;
    let own = ["BLOCKED", "OUT-BLOCKED"].map(|word| {
        let line = format!("IPTABLES-{word}: IN= OUT=eth0 {rest}");
        (word, log(&[line]))
    });
    for more in ["", "--count-multicast", "--count-answers"] {
        for (word, log) in &own {
            for rule in ["blocked", word] {
                assert!(found(log, rule, "all", more).is_empty(), "{word}");
            }
        }
    }
    // Who is kept from what is behind this host is another matter than who knocks here.
    let passed_on = log(&[packet("FORWARD-BLOCKED", V4, "UDP")]);
    assert!(found(&passed_on, "blocked", "all", "").is_empty());
    assert_eq!(found(&passed_on, "forward-blocked", "all", ""), [V4]);
    Ok(())
}

/// A name server whose answers come so late that the questions are forgotten, and somebody who
/// scans.
fn whom_everybody_asks() -> Result<(), Failed> {
    let to_port = |source: &str, from: u16, port: i64| {
        let packet = packet("BLOCKED", source, "UDP").replace(
            "SPT=40000 DPT=53",
            &format!("SPT={from} DPT={}", 30_000 + port),
        );
        line(START + port, &packet)
    };
    let log: String = (0..10)
        .flat_map(|port| {
            let servers = [53, 123, 443].map(|from| to_port(V4, from, port));
            servers.into_iter().chain([to_port(V6, 40_000, port)])
        })
        .collect();
    let scan = "--distinct-ports 5";
    assert_eq!(found(&log, "blocked", "udp", scan), [V6]);
    assert_eq!(
        found(&log, "blocked", "udp", &format!("{scan} --count-answers")),
        [V4, V6]
    );
    // A flood from such a port is one all the same.
    assert_eq!(found(&log, "blocked", "udp", ""), [V4, V6]);
    Ok(())
}

fn a_hidden_transport() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let tcp = "PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ";
    let cut = packet("BLOCKED", V6, "TCP").replace(tcp, "TRUNCATED");
    let tiny = packet("BLOCKED", V4, "TCP").replace(tcp, "MF PROTO=TCP INCOMPLETE [8 bytes] ");
    let plain = packet("BLOCKED", "203.0.113.9", "TCP");
    let esp = packet("BLOCKED", "2001:db8:1::9", "TCP").replace(tcp, "");
    let log = log(&[cut, tiny, plain, esp]);
    for (protocol, expected) in [
        ("tcp", &["203.0.113.7", "203.0.113.9", V6][..]),
        ("udp", &[V4, V6]),
        ("icmp", &[V4, V6]),
        ("hidden", &[V4, V6]),
        ("all", &[V4, "203.0.113.9", V6, "2001:db8:1::9"]),
    ] {
        assert_eq!(found(&log, "blocked", protocol, ""), expected, "{protocol}");
        // It has no port and makes no scanner.
        let scan = found(&log, "blocked", protocol, "--distinct-ports 2");
        assert!(scan.is_empty(), "{protocol}: {scan:?}");
    }
    let rule = "--rule blocked --type hidden --howmany 5 --within 1m --ipset blacklist --removeafter 1h --log fw.log";
    Scanner::new(log).with(rule).at(60).run().done(0);
    assert_eq!(sets.names("blacklist_v6")?, [V6]);
    Ok(())
}

/// The keys of a rules file, and what the reports say.
fn as_a_file_says_it() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let answers = log(&[packet("BLOCKED", V4, "TCP").replace(SYN, "ACK RST URGP=0 ")]);
    let rule = "[[rule]]\nrule = \"blocked\"\ntype = \"tcp\"\nhowmany = 5\nwithin = \"1m\"\nipset = \"blacklist\"\n\
                removeafter = \"1h\"\n";
    let rules = format!("{rule}{rule}count-answers = true\ncount-multicast = true\n");
    let scanner = || {
        Scanner::new(&answers)
            .write("rules.toml", &rules)
            .with("--rules rules.toml --log fw.log --dryrun")
            .at(60)
    };
    let report = scanner().json(0);
    let rules = &report["rules"];
    assert_eq!(
        (&rules[0]["matched"], &rules[1]["matched"]),
        (&0.into(), &5.into())
    );
    assert!(rules[0].get("count_answers").is_none() && rules[0].get("count_multicast").is_none());
    assert_eq!(
        (&rules[1]["count_answers"], &rules[1]["count_multicast"]),
        (&true.into(), &true.into())
    );
    assert!(violations(&report).is_empty());
    let ran = scanner().run();
    ran.done(0)
        .says("Rule 1: At least 5 lines of rule blocked, type tcp, within 1m: into ")
        .says("Rule 2: At least 5 lines of rule blocked, type tcp, within 1m, answers counted, multicast counted: into ");
    Ok(())
}
