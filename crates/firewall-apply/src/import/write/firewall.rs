//! firewall.toml.

use std::fmt::Write as _;

use iptables_ruleset::PortRange;
use iptables_ruleset::config::{Action, ServiceProtocol, ServiceSource, Who};

use super::super::translation::{
    Direction, FilledSet, Member, PortForward, Service, Translation, short, shortened,
};
use super::toml::{Table, comment, quoted};

/// The configuration.
pub(super) fn text(head: &str, made: &Translation) -> String {
    let firewall = &made.firewall;
    let mut out = String::new();
    comment(&mut out, head);
    comment(
        &mut out,
        "See what it is: firewall-apply --config FILE check, then print. From far away: apply --confirm-within 60s.",
    );
    if made.is_a_part {
        let hint = "It is a part: put it into /etc/rampart/firewall.d, beside what says which ports are open.";
        comment(&mut out, hint);
    } else if firewall.services.is_empty() {
        out.push_str("\n# Nothing is open.\nservice = []\n");
    }
    policy(&mut out, made);
    let masquerade: Vec<String> = firewall
        .masquerade
        .iter()
        .map(|(name, _)| quoted(name))
        .collect();
    if firewall.protect.is_some() || !masquerade.is_empty() {
        let masquerade_said = firewall.masquerade.iter().map(|(_, place)| place);
        let said = firewall.protect.iter().chain(masquerade_said);
        let mut table = Table::new(&mut out, "[forward]", said);
        if firewall.protect.is_some() {
            table.value("protect", true);
        }
        table.list("masquerade", &masquerade);
    }
    if let Some((what, place)) = &firewall.quiet {
        Table::new(&mut out, "[log]", [place]).list("quiet", &[quoted(what)]);
    }
    if !firewall.whitelist.is_empty() || !firewall.blacklist.is_empty() {
        Table::new(&mut out, "[sets.members]", &[]);
        members(&mut out, "whitelist", &firewall.whitelist);
        members(&mut out, "blacklist", &firewall.blacklist);
    }
    for set in &firewall.sets {
        filled(&mut out, "[[set]]", set);
    }
    for list in &firewall.blocklists {
        filled(&mut out, "[[blocklist]]", list);
    }
    for one in &firewall.services {
        service(&mut out, Direction::In, one);
    }
    for one in &firewall.output {
        service(&mut out, Direction::Out, one);
    }
    for one in &firewall.forward {
        service(&mut out, Direction::Through, one);
    }
    for one in &firewall.port_forwards {
        port_forward(&mut out, one);
    }
    out
}

/// Whether anything is to be written.
pub(super) fn says_something(made: &Translation) -> bool {
    let firewall = &made.firewall;
    !firewall.sets.is_empty()
        || !firewall.blocklists.is_empty()
        || !firewall.whitelist.is_empty()
        || !firewall.blacklist.is_empty()
}

fn policy(out: &mut String, made: &Translation) {
    let firewall = &made.firewall;
    if firewall.policies.is_empty() && firewall.trusted.is_empty() {
        return;
    }
    let mut table = Table::new(out, "[policy]", &[]);
    for (key, value, place) in &firewall.policies {
        table.value(key, format_args!("{}  # {place}", quoted(value)));
    }
    let trusted: Vec<String> = firewall
        .trusted
        .iter()
        .map(|(name, _)| quoted(name))
        .collect();
    table.list("trusted-interfaces", &trusted);
    for (name, place) in &firewall.trusted {
        comment(out, &format!("{name}: {place}"));
    }
}

fn members(out: &mut String, list: &str, members: &[Member]) {
    if members.is_empty() {
        return;
    }
    let _ = writeln!(out, "{list} = [");
    for member in members {
        let _ = write!(out, "    {},  ", quoted(short(&member.network)));
        let said = match member.comment.as_str() {
            "" => member.place.to_string(),
            comment => format!("{}: {}", member.place, shortened(comment)),
        };
        comment(out, &said);
    }
    out.push_str("]\n");
}

fn filled(out: &mut String, head: &str, set: &FilledSet) {
    let mut table = Table::new(out, head, &set.remarks);
    table.text("name", &set.name);
    if let Some(file) = &set.file {
        table.text("file", file);
    }
    for (key, value) in &set.more {
        table.value(key, value);
    }
}

fn service(out: &mut String, direction: Direction, service: &Service) {
    let head = match direction {
        Direction::In => "[[service]]",
        Direction::Out => "[[output.service]]",
        Direction::Through => "[[forward.allow]]",
    };
    let mut table = Table::new(out, head, &service.remarks);
    table.text("name", &service.name);
    let protocols: Vec<String> = service.protocols.iter().copied().map(protocol).collect();
    table.one_or_several("protocol", &protocols);
    if service.protocols.iter().any(|one| one.has_ports()) {
        let ports: Vec<String> = service.ports.iter().copied().map(port).collect();
        table.list("ports", &ports);
    }
    let types: Vec<String> = service.types.iter().map(quoted).collect();
    table.list("types", &types);
    match service.action {
        Action::Accept => {}
        Action::Drop => table.text("action", "drop"),
        Action::Reject => table.text("action", "reject"),
    }
    if let Some(log) = service.log {
        table.value("log", log);
    }
    if let Some((rate, burst)) = service.rate {
        table.text("rate", rate);
        table.value("burst", burst);
    }
    if let Some(connections) = service.connections {
        table.value("connections", connections);
    }
    let sources: Vec<String> = service.sources.iter().map(host).collect();
    table.list("sources", &sources);
    let destinations: Vec<String> = service.destinations.iter().map(host).collect();
    table.list("destinations", &destinations);
    let (comes_in_by, leaves_by) = match direction {
        Direction::In | Direction::Out => ("interfaces", "interfaces"),
        Direction::Through => ("from", "to"),
    };
    let names: Vec<String> = service.comes_in_by.iter().map(quoted).collect();
    table.list(comes_in_by, &names);
    let names: Vec<String> = service.leaves_by.iter().map(quoted).collect();
    table.list(leaves_by, &names);
}

fn port_forward(out: &mut String, forward: &PortForward) {
    let mut table = Table::new(out, "[[forward.port]]", &forward.remarks);
    table.text("name", &forward.name);
    table.text("on", &forward.on);
    table.value("protocol", protocol(forward.protocol));
    table.value("port", port(forward.port));
    table.text("to", &forward.to);
}

/// By its name; one that has none by its number.
fn protocol(protocol: ServiceProtocol) -> String {
    let name = protocol.to_string();
    match name.parse::<u8>() {
        Ok(number) => number.to_string(),
        Err(_) => quoted(name),
    }
}

/// A network of one address is that address.
fn host(source: &ServiceSource) -> String {
    match source.who() {
        Who::Network(network) if !source.is_excluded() => quoted(short(network)),
        _ => quoted(source),
    }
}

fn port(range: PortRange) -> String {
    if range.is_single() {
        range.first().to_string()
    } else {
        quoted(range)
    }
}
