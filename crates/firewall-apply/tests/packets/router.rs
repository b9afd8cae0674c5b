//! A small router: what leaves under its address, and ports of it that are another's.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use netns_testbed::{Failed, Packet};
use serde_json::Value;

use crate::config::Config;
use crate::fate::answers;
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("masqueraded_over_ipv4", masqueraded_over_ipv4),
    ("a_port_is_another_hosts", a_port_is_another_hosts),
    (
        "a_router_is_told_rule_by_rule",
        a_router_is_told_rule_by_rule,
    ),
];

const ROUTER: Config = Config {
    more: "[forward]\nmasquerade = [\"eth0\"]\n\
        [[forward.allow]]\nname = \"inside\"\nfrom = \"eth1\"\nto = \"eth0\"\n\
        [[forward.port]]\non = \"eth0\"\nprotocol = \"tcp\"\nport = 8444\nto = \"192.0.2.2:80\"\n\
        [[forward.port]]\nname = \"v6\"\non = \"eth0\"\nprotocol = [\"tcp\", \"udp\"]\nport = 8444\nto = \"[2001:db8:2::2]:80\"\nlog = false\n",
    services: &[],
    throttle: "",
    log: "",
    policy: "",
};

fn masqueraded_over_ipv4(case: Case) -> Result<(), Failed> {
    let ground = Ground::with(case, ROUTER)?;
    let to = SocketAddr::new(ground.source(2), 12345);
    let mut attacker = ground.world.attacker.tap("eth0")?;
    let server = ground.world.server.address(case.family);
    ground.world.server.run(|| -> Result<(), Failed> {
        UdpSocket::bind((server, 0))?.send_to(b"x", to)?;
        Ok(())
    })?;
    let mut ground = ground;
    ground.settle()?;
    let received = attacker.drain()?;
    let mut ends = received.iter().filter_map(Packet::endpoints);
    let (from, _) = ends
        .find(|(_, destination)| *destination == to)
        .ok_or("not there")?;
    // IPv6 has addresses for everybody.
    let expected = case.family.pick(ground.gateway(0).ip(), server);
    assert_eq!(from.ip(), expected);
    Ok(())
}

fn a_port_is_another_hosts(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, ROUTER)?;
    ground.add("blacklist", ground.source(1), "")?;
    for (stranger, port, arrives) in [(2, 8444, true), (1, 8444, false), (2, 8445, false)] {
        let mut server = ground.world.server.tap("eth0")?;
        let packet = Packet::tcp_syn(
            SocketAddr::new(ground.source(stranger), 40000),
            ground.gateway(port),
        );
        let seen = ground.send(std::slice::from_ref(&packet))?;
        let received = server.drain()?;
        let inside = SocketAddr::new(ground.world.server.address(case.family), 80);
        let mut ends = received.iter().filter_map(Packet::endpoints);
        let is_there = ends.any(|(_, destination)| destination == inside);
        assert_eq!(is_there, arrives, "{stranger} {port}");
        // The answer comes from where it was asked.
        let answered = seen.answers.iter().any(|answer| answers(answer, &packet));
        assert_eq!(answered, arrives, "{stranger} {port}");
        assert_eq!(seen.logged.is_empty(), arrives, "{:?}", seen.logged);
    }
    // The same port of a host that is routed to is its own.
    let server: IpAddr = ground.world.server.address(case.family);
    let own = SocketAddr::new(server, 8444);
    let mut server = ground.world.server.tap("eth0")?;
    let packet = Packet::tcp_syn(SocketAddr::new(ground.source(2), 40001), own);
    ground.send(&[packet])?;
    assert!(server.drain()?.is_empty(), "it is passed on to nobody");
    Ok(())
}

fn a_router_is_told_rule_by_rule(case: Case) -> Result<(), Failed> {
    let ground = Ground::with(case, ROUTER)?;
    assert_eq!(ground.firewall_apply(&["diff"])?, "");
    let again = ground.firewall_apply(&["apply", "--saved", "/nonexistent/sets.save"])?;
    assert!(again.contains("rules             unchanged\n"), "{again}");
    let said = ground.firewall_apply(&["--json", "status", "--last", "/dev/null"])?;
    let said: Value = serde_json::from_str(&said)?;
    let list = |value: &Value, key: &str| -> Vec<Value> {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let word = |value: &Value, key: &str| {
        let word = value.get(key).and_then(Value::as_str);
        word.unwrap_or_default().to_owned()
    };
    let mut purposes: Vec<String> = Vec::new();
    for chain in list(&said, "families")
        .iter()
        .flat_map(|one| list(one, "chains"))
    {
        for rule in list(&chain, "rules") {
            let [name, purpose, of] = [
                word(&chain, "name"),
                word(&rule, "purpose"),
                word(&rule, "of"),
            ];
            purposes.push(format!("{name} {purpose} {of}"));
        }
    }
    for expected in [
        "FIREWALL_PREROUTING forward port-8444",
        "FIREWALL_PREROUTING forward v6",
        "FIREWALL_POSTROUTING masquerade ",
        "FIREWALL_FORWARD forward inside",
        "FIREWALL_FORWARD forward port-8444",
        "FIREWALL_FORWARD forward v6",
        "FIREWALL_FORWARD listed blacklist",
        "FIREWALL_FORWARD known-connections ",
        "FIREWALL_FORWARD rest ",
    ] {
        assert!(
            purposes.iter().any(|one| one == expected),
            "{expected}: {purposes:#?}"
        );
    }
    let of_others = |nat: &str| nat.lines().any(|line| line.contains("FIREWALL_"));
    assert!(of_others(&ground.iptables(&["-t", "nat", "-S"])?) || case.family.pick(false, true));
    ground.firewall_apply(&["reset"])?;
    assert!(!of_others(&ground.iptables(&["-t", "nat", "-S"])?));
    assert!(!of_others(&ground.iptables(&["-S"])?));
    Ok(())
}
