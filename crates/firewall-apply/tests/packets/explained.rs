//! What `explain` says of a packet is what becomes of it.

use std::net::{IpAddr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

use netns_testbed::{Failed, Packet, Tool, World};
use serde_json::Value;

use crate::cases::Sets;
use crate::config::{Config, Service};
use crate::fate::{Fate, Log, Verdict};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("explained_as_it_happens", explained_as_it_happens),
    ("explained_by_the_entry", explained_by_the_entry),
    (
        "explained_through_other_tables",
        explained_through_other_tables,
    ),
    ("explained_without_a_port", explained_without_a_port),
    (
        "explained_in_lines_of_a_terminal",
        explained_in_lines_of_a_terminal,
    ),
];

/// Limits of which nothing comes back while a row runs.
const CONFIG: Config = Config {
    services: &[Service::Hourly, Service::Unlimited, Service::Udp],
    throttle: "hard = { tcp = \"5/hour\", icmp = \"5/hour\" }\nsoft = { tcp = \"6/hour\", icmp = \"6/hour\" }",
    log: "",
    policy: "",
    more: "",
};

/// Packets of each round.
const PACKETS: usize = 70;

/// Packets drawn at random meet rules of ours and of others; each is asked about, and then sent.
fn explained_as_it_happens(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, CONFIG)?;
    let address = |n: u8| ground.source(n).to_string();
    for (set, member, options) in [
        ("whitelist", address(1), ""),
        ("whitelist", address(33), "timeout 6000"),
        ("blacklist", address(2), "timeout 6000"),
        ("throttle-soft", address(3), ""),
    ] {
        ground.add(set, member, options)?;
    }
    let (network, narrow) = (ground.strangers(32, 28), ground.strangers(48, 29));
    let (but, narrow_but) = ([ground.source(35)], [ground.source(49)]);
    ground.add_network("blacklist", network, &but, "timeout 6000")?;
    ground.add_network("throttle-hard", narrow, &narrow_but, "timeout 6000")?;
    ground.add_network("throttle-soft", narrow, &[], "")?;
    let mut draw = Draw(0x5eed + u64::from(case.family.pick(0u8, 1)));
    let mut seen = [0; 5];
    let mut asked_for_time = [0; 2];
    for round in 0..3 {
        furnish(&ground, round)?;
        if round == 1 {
            at_times(&ground, &mut Draw(0x71e5))?;
        }
        for _ in 0..PACKETS {
            let (packet, words) = drawn(&ground, &mut draw);
            let said = explain(&ground, &packet, &words)?;
            let fate = ground.fates(std::slice::from_ref(&packet))?;
            let fate = fate.first().copied().ok_or("no fate")?;
            judge(&ground, &packet, &said, fate);
            for (count, answer) in asked_for_time.iter_mut().zip(["no", "yes"]) {
                *count += times_asked(&said, answer);
            }
            let kind = match fate.log {
                None => 0,
                Some(Log::Allowed) => 1,
                Some(Log::Blocked) => 2,
                Some(Log::Limited) => 3,
                Some(Log::Invalid) => 4,
            };
            if let Some(count) = seen.get_mut(kind) {
                *count += 1;
            }
        }
    }
    // The draws are worth something.
    let [none, allowed, blocked, limited, _] = seen;
    assert!(
        none > 10 && allowed > 10 && blocked > 10 && limited > 3,
        "{seen:?}"
    );
    let [no, yes] = asked_for_time;
    assert!(no > 10 && yes > 5, "{asked_for_time:?}");
    Ok(())
}

/// Rules of others that ask for the time: one that holds now, one that does not, and one that is
/// drawn. None begins or ends within two hours of now, and where a day does they ask for none.
fn at_times(ground: &Ground, draw: &mut Draw) -> Result<(), Failed> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 60 % DAY;
    let clock = |minutes: u64| {
        let minute = (now + minutes) % DAY;
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    let some = |draw: &mut Draw| u64::from(120 + draw.below(580));
    ground.iptables(&["-N", "hours"])?;
    for source in [5, 36, 101] {
        let (before, behind) = (DAY - some(draw), some(draw));
        let (a, b) = (some(draw), DAY - some(draw));
        let (first, last) = match draw.below(3) {
            0 => (a, b),
            1 => (b, a),
            _ => (a, a + 1),
        };
        let mut drawn = format!("--timestart {} --timestop {}", clock(first), clock(last));
        if (120..DAY - 120).contains(&now) {
            let days = match draw.below(4) {
                0 => "Mon,Tue",
                1 => "Wed,Thu,Fri",
                2 => "Sat,Sun,Mon",
                _ => "Tue,Thu,Sat",
            };
            drawn = format!("{drawn} --weekdays {days}");
            // A day that goes on behind midnight.
            if clock(first) > clock(last) && draw.below(2) == 1 {
                drawn += " --contiguous";
            }
        }
        for times in [
            format!("--timestart {} --timestop {}", clock(behind), clock(before)),
            "--datestop 2001-01-01T00:00:00".to_owned(),
            drawn,
            format!("--timestart {} --timestop {}", clock(before), clock(behind)),
        ] {
            let source = ground.source(source);
            let rule = format!("-A hours -s {source} -m time {times} -j DROP");
            ground.iptables(&rule.split(' ').collect::<Vec<_>>())?;
        }
    }
    ground.iptables(&["-I", "INPUT", "-j", "hours"])?;
    Ok(())
}

/// Minutes.
const DAY: u64 = 1440;

/// How many rules that ask for a time were said to match, or not to.
fn times_asked(said: &Value, answer: &str) -> usize {
    let list = |value: &Value, key: &str| -> Vec<Value> {
        let list = value.get(key).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let passages = list(said, "passages").into_iter();
    let steps = passages.flat_map(|passage| list(&passage, "steps"));
    let asked = steps.flat_map(|step| list(&step, "asked"));
    let of_time = asked.filter(|asked| {
        let what = at(asked, "/what").as_str().unwrap_or_default();
        what.starts_with("-m time") && at(asked, "/answer") == answer
    });
    of_time.count()
}

/// Rules of others, more each round.
fn furnish(ground: &Ground, round: u8) -> Result<(), Failed> {
    let of = |v4: &'static str, v6: &'static str| ground.case.family.pick(v4, v6);
    let low = of("198.51.100.0/30", "2001:db8:66::/126");
    let some = of("198.51.100.4/30", "2001:db8:66::4/126");
    match round {
        1 => {
            for rule in [
                format!("-s {low} -p tcp -m multiport --dports 22,9990:9999 -j ACCEPT"),
                format!("! -s {low} -p udp -m udp --dport 5300:5310 -j DROP"),
                "-N theirs".to_owned(),
                format!("-A theirs ! -i eth0 -j ACCEPT -s {some}"),
                format!("-A theirs -s {some} -p tcp --syn --dport 443 -g elsewhere"),
                "-A theirs -p tcp -m tcp ! --dport 1:8442 -j RETURN".to_owned(),
                format!("-A theirs -s {some} -m conntrack ! --ctstate NEW -j DROP"),
                format!("-A theirs -s {some} -p tcp --dport 23 -j DROP"),
                "-A elsewhere -m limit --limit 1/sec -j RETURN".to_owned(),
            ] {
                let mut words: Vec<&str> = rule.split(' ').collect();
                match words.first() {
                    Some(&("-s" | "!")) => {
                        words.splice(0..0, ["-I", "INPUT"]);
                    }
                    Some(&"-N") => ground.iptables(&["-N", "elsewhere"]).map(drop)?,
                    _ => {}
                }
                ground.iptables(&words)?;
            }
            ground.iptables(&[
                "-I",
                "INPUT",
                "-m",
                "comment",
                "--comment",
                "x",
                "-j",
                "theirs",
            ])?;
        }
        2 => {
            ground.iptables(&[
                "-t",
                "raw",
                "-A",
                "PREROUTING",
                "-s",
                low,
                "-p",
                "udp",
                "-j",
                "DROP",
            ])?;
            ground.iptables(&[
                "-t",
                "raw",
                "-A",
                "PREROUTING",
                "-p",
                "tcp",
                "--dport",
                "8443",
                "-j",
                "CT",
                "--notrack",
            ])?;
            ground.iptables(&[
                "-t",
                "raw",
                "-A",
                "OUTPUT",
                "-p",
                "tcp",
                "--sport",
                "8443",
                "-j",
                "CT",
                "--notrack",
            ])?;
            let ip = of("ip", "ip6");
            let rules = format!(
                "table inet other {{\n chain early {{ type filter hook input priority -10; policy accept;\n\
                 iifname \"lo\" accept\n meta nfproto {} tcp dport 9999 {ip} saddr {some} drop\n\
                 ct state invalid drop\n tcp dport {{ 1, 2 }} accept\n udp dport 5500 drop\n }}\n\
                 chain late {{ type filter hook input priority 10; policy accept;\n\
                 {ip} saddr {low} tcp dport 22 jump shut\n }}\n chain shut {{\n drop\n }}\n }}\n",
                of("ipv4", "ipv6"),
            );
            let nft = Tool::require("nft")?.input(rules);
            ground.world.gateway.run(|| nft.run(&["-f", "-"]))?;
        }
        _ => {}
    }
    Ok(())
}

/// A packet, and the options of `explain` for it.
fn drawn(ground: &Ground, draw: &mut Draw) -> (Packet, Vec<String>) {
    let sources = [
        1, 2, 3, 4, 5, 33, 34, 35, 36, 48, 49, 50, 100, 101, 102, 102,
    ];
    let source = ground.source(draw.of(&sources));
    let from = SocketAddr::new(source, 20_000 + draw.below(20_000));
    match draw.below(8) {
        0 => {
            let id = draw.below(u16::MAX);
            let packet = Packet::echo_request(source, ground.gateway(0).ip(), id, 1);
            (packet, vec!["--proto".to_owned(), "icmp".to_owned()])
        }
        1 => {
            let port = draw.of(&[53, 5300, 5350, 5500]);
            let packet = Packet::udp(from, ground.gateway(port), b"x");
            (packet, options("udp", port))
        }
        2 => {
            let packet = Packet::of_protocol(source, ground.gateway(0).ip(), 47, &[0; 8]);
            (packet, vec!["--proto".to_owned(), "gre".to_owned()])
        }
        _ => {
            let port = draw.of(&[22, 22, 22, 8443, 443, 9999, 23]);
            (
                Packet::tcp_syn(from, ground.gateway(port)),
                options("tcp", port),
            )
        }
    }
}

fn options(protocol: &str, port: u16) -> Vec<String> {
    vec![format!("--proto={protocol}"), format!("--port={port}")]
}

/// What `explain` says of a packet that comes in by the wire to the attacker.
fn explain(ground: &Ground, packet: &Packet, words: &[String]) -> Result<Value, Failed> {
    let source = packet.source().ok_or("no source")?.to_string();
    let to = ground.gateway(0).ip().to_string();
    let mut arguments = vec!["explain", "--json", &source, "--in", "eth0", "--to", &to];
    arguments.extend(words.iter().map(String::as_str));
    Ok(serde_json::from_str(&ground.firewall_apply(&arguments)?)?)
}

/// Everything is known of these packets, and it is what happened.
fn judge(ground: &Ground, packet: &Packet, said: &Value, fate: Fate) {
    let prefix = fate.log.map(|log| log.prefix(ground.case.family));
    let log = match at(said, "/log_prefix") {
        Value::String(prefix) => Some(prefix.as_str()),
        _ => None,
    };
    // For others what is dropped here may still be logged before.
    assert_eq!(log, prefix, "{packet}: {said:#}");
    // A host is not obliged to answer datagrams, and does not do so as often as asked.
    if packet.endpoints().is_none() && packet.echo().is_none() || packet.protocol() == Some(17) {
        assert!(!at(said, "/verdict").is_null(), "{packet}: {said:#}");
        return;
    }
    let verdict = match fate.verdict {
        Verdict::Accepted => "accepted",
        Verdict::Dropped => "dropped",
    };
    assert_eq!(at(said, "/verdict"), verdict, "{packet}: {said:#}");
}

/// The entry of the set that decides is named, with its comment and the time it has left.
fn explained_by_the_entry(case: Case) -> Result<(), Failed> {
    let ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let ipset = Tool::require("ipset")?;
    let (set, family) = (ground.set("blacklist"), case.family.pick("inet", "inet6"));
    let kind = match case.sets {
        Sets::Net => "hash:net",
        Sets::Ip => "hash:ip",
    };
    let create = [
        "create", &set, kind, "family", family, "timeout", "0", "comment", "maxelem", "1048576",
    ];
    ground.world.gateway.run(|| ipset.run(&create))?;
    ground.apply()?;
    let network = ground.strangers(32, 28);
    let comment = "timeout 600 comment \"a scan\"";
    ground.add_network("blacklist", ground.strangers(0, 25), &[], "timeout 900")?;
    ground.add_network("blacklist", network, &[], comment)?;
    // A set of single addresses does not know what they came as.
    let network = match case.sets {
        Sets::Net => format!("{}/{}", network.0, network.1),
        Sets::Ip => ground.source(34).to_string(),
    };
    let packet = Packet::tcp_syn(
        SocketAddr::new(ground.source(34), 40000),
        ground.gateway(22),
    );
    let said = explain(&ground, &packet, &options("tcp", 22))?;
    assert_eq!(at(&said, "/verdict"), "dropped", "{said:#}");
    let entry = at(&said, "/entries/0");
    assert_eq!(
        (at(entry, "/entry"), at(entry, "/comment")),
        (&network.as_str().into(), &"a scan".into()),
        "{said:#}"
    );
    let left = at(entry, "/timeout").as_u64().unwrap_or(0);
    assert!((300..=600).contains(&left), "{said:#}");
    let by = at(&said, "/endings/0/by");
    let (chain, to) = if case.early {
        ("FIREWALL_EARLY", "-j FIREWALL_BANNED")
    } else {
        ("FIREWALL_INPUT", "-j LOG_AND_DROP")
    };
    assert_eq!(at(by, "/chain"), chain, "{said:#}");
    let rule = at(by, "/rule").as_str().unwrap_or_default();
    assert!(rule.ends_with(to) && rule.contains(&set), "{said:#}");

    let text =
        ground.firewall_apply(&["explain", &ground.source(34).to_string(), "--port", "22"])?;
    let said = format!("{network} is in it (\"a scan\"), for another ");
    assert!(text.contains(&said), "{text}");
    Ok(())
}

/// Other tables and hooks that drop it before or behind ours, or give it another destination.
fn explained_through_other_tables(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    let source = ground.source(1).to_string();
    let of = |port: &str| -> Result<Value, Failed> {
        let arguments = ["explain", "--json", &source, "--in", "eth0", "--port", port];
        Ok(serde_json::from_str(&ground.firewall_apply(&arguments)?)?)
    };
    let raw = [
        "-t",
        "raw",
        "-A",
        "PREROUTING",
        "-p",
        "tcp",
        "--dport",
        "22",
        "-j",
        "DROP",
    ];
    ground.iptables(&raw)?;
    let said = of("22")?;
    assert_eq!(at(&said, "/verdict"), "dropped", "{said:#}");
    let ending = at(&said, "/endings/0");
    assert!(
        at(ending, "/place")
            .as_str()
            .unwrap_or_default()
            .ends_with(" raw")
            && at(ending, "/logged").as_array().is_some_and(Vec::is_empty),
        "{said:#}"
    );
    let elsewhere = case.family.pick("203.0.113.99:80", "[2001:db8:99::9]:80");
    let nat = [
        "-t",
        "nat",
        "-A",
        "PREROUTING",
        "-p",
        "tcp",
        "--dport",
        "443",
        "-j",
        "DNAT",
        "--to-destination",
        elsewhere,
    ];
    ground.iptables(&nat)?;
    let said = of("443")?;
    assert_eq!(
        at(&said, "/verdict"),
        "passed on to another destination",
        "{said:#}"
    );

    // To another host: FORWARD decides.
    let other = case.family.pick("203.0.113.99", "2001:db8:99::9");
    let said =
        ground.firewall_apply(&["explain", "--json", &source, "--to", other, "--port", "23"])?;
    let said: Value = serde_json::from_str(&said)?;
    assert_eq!(
        (at(&said, "/verdict"), at(&said, "/packet/forwarded")),
        (&"dropped".into(), &true.into()),
        "{said:#}"
    );
    Ok(())
}

/// Of a packet of which little is known it is told on what its way depends.
fn explained_without_a_port(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    let source = ground.source(1).to_string();
    let said: Value =
        serde_json::from_str(&ground.firewall_apply(&["explain", "--json", &source])?)?;
    assert!(at(&said, "/verdict").is_null(), "{said:#}");
    let endings = at(&said, "/endings")
        .as_array()
        .cloned()
        .unwrap_or_default();
    let last = endings.last().ok_or("no ending")?;
    assert_eq!(at(last, "/verdict"), "dropped", "{said:#}");
    let ssh = endings.iter().find(|ending| {
        let rule = at(ending, "/by/rule").as_str().unwrap_or_default();
        at(ending, "/verdict") == "accepted"
            && rule.contains("--dport 22 ")
            && rule.contains("--hashlimit-upto")
    });
    let ssh = ssh.ok_or_else(|| format!("no way in by ssh: {said:#}"))?;
    let on = at(ssh, "/if/0/because").as_str().unwrap_or_default();
    assert!(
        on.contains("protocol") && on.contains("destination port"),
        "{ssh:#}"
    );
    // Nobody is let in for where he comes from: that is a whitelist.
    ground.add("whitelist", &source, "")?;
    let said: Value =
        serde_json::from_str(&ground.firewall_apply(&["explain", "--json", &source])?)?;
    assert_eq!(at(&said, "/verdict"), "accepted", "{said:#}");
    Ok(())
}

fn explained_in_lines_of_a_terminal(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    for address in [
        ground.source(1),
        ground.source(250),
        IpAddr::from([127, 0, 0, 1]),
    ] {
        let text = ground.firewall_apply(&["explain", &address.to_string(), "--port", "22"])?;
        // A word that is longer is not broken.
        let long = text
            .lines()
            .find(|line| line.chars().count() > 80 && line.trim_start().contains(' '));
        assert_eq!(long, None, "{text}");
    }
    Ok(())
}

/// What stands there in a document; null where nothing does.
fn at<'v>(said: &'v Value, path: &str) -> &'v Value {
    said.pointer(path).unwrap_or(&Value::Null)
}

/// Numbers that are the same each time (xorshift, George Marsaglia).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u16) -> u16 {
        u16::try_from(self.next() % u64::from(end)).unwrap_or(0)
    }

    fn of<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let at = usize::from(self.below(u16::try_from(all.len()).unwrap_or(1)));
        all.get(at).copied().unwrap_or_default()
    }
}
