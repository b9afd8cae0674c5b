//! before.rules and after.rules: what ufw comes with, and what somebody has added.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use iptables_ruleset::BuildError;
use iptables_ruleset::config::{Action, ServiceProtocol};

use super::super::place::Place;
use super::super::source::Source;
use super::super::translation::{Direction, Service, Translation, icmp_types};
use crate::findings::Problem;

/// What comes of them behind the rules that were told to ufw.
pub(super) struct Framework {
    pub(super) behind: Vec<Service>,
}

/// A line that ufw comes with, and what is to be done about it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shipped {
    /// It is so here, too, or about nothing that begins something.
    Nothing,
    Ping,
    Mdns,
    Upnp,
    Dhcp,
    /// A port that is dropped without a line.
    Noise(&'static str, u16),
    Broadcast,
}

/// Reads the files that are there. Services of what is known come before the others, as in ufw.
pub(super) fn read(
    directory: &Path,
    both: bool,
    made: &mut Translation,
) -> Result<Framework, Problem> {
    let mut seen: BTreeSet<(Shipped, bool)> = BTreeSet::new();
    let mut first: Vec<(Shipped, Place)> = Vec::new();
    for (name, v6) in [
        ("before.rules", false),
        ("before6.rules", true),
        ("after.rules", false),
        ("after6.rules", true),
    ] {
        if v6 && !both {
            continue;
        }
        let Some(source) = Source::read_if_there(&directory.join(name))? else {
            continue;
        };
        made.read.push(source.path().to_owned());
        let mut table = "filter".to_owned();
        for (place, text) in source.lines() {
            if let Some(name) = text.strip_prefix('*') {
                name.clone_into(&mut table);
            }
            if !text.starts_with('-') {
                continue;
            }
            match shipped(&table, text) {
                Some(Shipped::Nothing) => {}
                Some(known) => {
                    if seen.insert((known, v6)) && !first.iter().any(|(one, _)| *one == known) {
                        first.push((known, place));
                    }
                }
                None => added(&table, text, &place, made),
            }
        }
    }
    for name in ["before.init", "after.init"] {
        script(&directory.join(name), made);
    }
    let mut behind = Vec::new();
    let mut noise: Vec<(&str, u16)> = Vec::new();
    for (known, place) in &first {
        let of = |v6: bool| seen.contains(&(*known, v6));
        let one_family = match (of(false), of(true)) {
            (true, false) if both => Some("0.0.0.0/0"),
            (false, true) => Some("::/0"),
            _ => None,
        };
        let Some(mut service) = service(*known, made)? else {
            if let Shipped::Noise(protocol, port) = known {
                noise.push((protocol, *port));
            }
            continue;
        };
        if let Some(family) = one_family {
            if service.sources.is_empty() && *known == Shipped::Ping {
                let source = family.parse();
                let source = source.map_err(|error: BuildError| error.to_string())?;
                service.sources = vec![source];
            }
        }
        service
            .remarks
            .push(format!("{place}: as ufw comes with it"));
        made.firewall.services.push(service);
    }
    for protocol in ["udp", "tcp"] {
        let of = noise.iter().filter(|(of, _)| *of == protocol);
        let ports: Vec<_> = of.map(|(_, port)| (*port).into()).collect();
        if ports.is_empty() {
            continue;
        }
        let parsed: ServiceProtocol = protocol
            .parse()
            .map_err(|error: BuildError| error.to_string())?;
        let mut quiet = Service::new(
            made.name(Direction::In, &format!("noise-{protocol}"))?,
            [parsed],
        );
        quiet.ports = ports;
        quiet.action = Action::Drop;
        quiet.log = Some(false);
        quiet
            .remarks
            .push("after.rules: ports that ufw does not log".to_owned());
        behind.push(quiet);
    }
    if let Some((_, place)) = first.iter().find(|(known, _)| *known == Shipped::Broadcast) {
        made.firewall.quiet = Some(("broadcast", place.to_string()));
    }
    Ok(Framework { behind })
}

fn service(known: Shipped, made: &mut Translation) -> Result<Option<Service>, Problem> {
    let (name, protocol, port, to, from): (_, _, _, &[&str], &[&str]) = match known {
        Shipped::Ping => ("ping", ServiceProtocol::ICMP, None, &[], &[]),
        Shipped::Mdns => (
            "mdns",
            ServiceProtocol::UDP,
            Some(5353),
            &["224.0.0.251", "ff02::fb"],
            &[],
        ),
        Shipped::Upnp => (
            "upnp",
            ServiceProtocol::UDP,
            Some(1900),
            &["239.255.255.250", "ff02::f"],
            &[],
        ),
        Shipped::Dhcp => (
            "dhcpv6-client",
            ServiceProtocol::UDP,
            Some(546),
            &[],
            &["fe80::/10"],
        ),
        Shipped::Nothing | Shipped::Noise(..) | Shipped::Broadcast => return Ok(None),
    };
    let mut service = Service::new(made.name(Direction::In, name)?, [protocol]);
    match port {
        Some(port) => {
            service.ports = vec![port.into()];
            // It belongs to no connection, so that each packet would be a line.
            service.log = Some(false);
        }
        None => service.types = icmp_types(&["echo-request"])?,
    }
    let parsed = |all: &[&str]| -> Result<Vec<_>, Problem> {
        let all = all.iter().map(|one| one.parse());
        let all: Result<Vec<_>, BuildError> = all.collect();
        all.map_err(|error| error.to_string().into())
    };
    service.destinations = parsed(to)?;
    service.sources = parsed(from)?;
    Ok(Some(service))
}

/// What ufw 0.36 comes with; `None` for a line of somebody else.
fn shipped(table: &str, text: &str) -> Option<Shipped> {
    if table != "filter" {
        return None;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let ["-A", chain, rest @ ..] = words.as_slice() else {
        return None;
    };
    // The names of IPv6 differ in this.
    let chain = chain.replacen("ufw6-", "ufw-", 1);
    let rest = rest.join(" ").replace("ufw6-", "ufw-");
    let line = format!("{chain} {rest}");
    if chain == "ufw-not-local" || NOTHING.contains(&line.as_str()) {
        return Some(Shipped::Nothing);
    }
    let known = match line.as_str() {
        "ufw-before-input -p icmp --icmp-type echo-request -j ACCEPT"
        | "ufw-before-input -p icmpv6 --icmpv6-type echo-request -j ACCEPT" => Shipped::Ping,
        "ufw-before-input -p udp -d 224.0.0.251 --dport 5353 -j ACCEPT"
        | "ufw-before-input -p udp -d ff02::fb --dport 5353 -j ACCEPT" => Shipped::Mdns,
        "ufw-before-input -p udp -d 239.255.255.250 --dport 1900 -j ACCEPT"
        | "ufw-before-input -p udp -d ff02::f --dport 1900 -j ACCEPT" => Shipped::Upnp,
        "ufw-before-input -p udp -s fe80::/10 --sport 547 -d fe80::/10 --dport 546 -j ACCEPT" => {
            Shipped::Dhcp
        }
        "ufw-after-input -m addrtype --dst-type BROADCAST -j ufw-skip-to-policy-input" => {
            Shipped::Broadcast
        }
        _ => return noise(&line).or_else(|| link(&line)),
    };
    Some(known)
}

fn noise(line: &str) -> Option<Shipped> {
    let rest = line.strip_prefix("ufw-after-input -p ")?;
    let rest = rest.strip_suffix(" -j ufw-skip-to-policy-input")?;
    let (protocol, port) = rest.split_once(" --dport ")?;
    let protocol = ["tcp", "udp"]
        .into_iter()
        .find(|known| *known == protocol)?;
    Some(Shipped::Noise(protocol, port.parse().ok()?))
}

/// Errors of ICMP, and what the link needs: accepted here, too, where it belongs to something.
fn link(line: &str) -> Option<Shipped> {
    let types = [" --icmp-type ", " --icmpv6-type "];
    let kind = types.into_iter().find_map(|key| line.split_once(key))?.1;
    let kind = kind.split(' ').next()?;
    let known = match kind {
        "destination-unreachable"
        | "time-exceeded"
        | "parameter-problem"
        | "packet-too-big"
        | "echo-reply"
        | "router-solicitation"
        | "router-advertisement"
        | "neighbor-solicitation"
        | "neighbor-advertisement" => true,
        // Of what goes out or is passed on; what comes in is a service.
        "echo-request" => !line.starts_with("ufw-before-input "),
        number => matches!(number.parse(), Ok(130..=132_u8 | 141..=149 | 151..=153)),
    };
    (known && line.ends_with("-j ACCEPT")).then_some(Shipped::Nothing)
}

const NOTHING: &[&str] = &[
    "ufw-before-input -i lo -j ACCEPT",
    "ufw-before-output -o lo -j ACCEPT",
    "ufw-before-input -m rt --rt-type 0 -j DROP",
    "ufw-before-forward -m rt --rt-type 0 -j DROP",
    "ufw-before-output -m rt --rt-type 0 -j DROP",
    "ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny",
    "ufw-before-input -m conntrack --ctstate INVALID -j DROP",
    "ufw-before-input -p udp --sport 67 --dport 68 -j ACCEPT",
    "ufw-before-input -j ufw-not-local",
];

/// A line of somebody else.
fn added(table: &str, text: &str, place: &Place, made: &mut Translation) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let option = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    if let ("nat", Some("MASQUERADE"), Some(interface)) = (table, option("-j"), option("-o")) {
        if let Ok(interface) = interface.parse() {
            let why = "what is passed on over IPv4 leaves there under this host's address, whoever sent it; [[forward.allow]] says what is passed on at all";
            made.note(place, text, why);
            let masquerade = &mut made.firewall.masquerade;
            if !masquerade.iter().any(|(known, _)| *known == interface) {
                masquerade.push((interface, place.to_string()));
            }
            return;
        }
    }
    let why = match table {
        "filter" => {
            "a rule of your own: say it as a [[service]], or keep it by iptables -A FIREWALL_LOCAL in a unit that is After=rampart-firewall.service"
        }
        "nat" => {
            "of address translation there is `masquerade` and [[forward.port]]; other rules stay yours"
        }
        _ => "rules of other tables than filter and nat stay yours",
    };
    made.left(place, text, why);
}

/// A script that ufw runs, which does nothing as it comes.
fn script(path: &Path, made: &mut Translation) {
    let Ok(metadata) = path.metadata() else {
        return;
    };
    if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
        let place = Place {
            path: path.into(),
            line: 0,
        };
        let why = "a program that ufw runs; nothing here starts one: a unit that is After=rampart-firewall.service does";
        made.left(&place, "an executable", why);
    }
}
