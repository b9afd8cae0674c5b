//! csf.redirect: `ADDRESS|PORT|ADDRESS|PORT|PROTOCOL`.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use iptables_ruleset::InterfaceName;
use iptables_ruleset::config::ServiceProtocol;

use super::super::source::Source;
use super::super::translation::{Direction, PortForward, Translation};
use super::conf::Conf;
use crate::findings::Problem;

/// The ports that go to another host.
pub(super) fn read(directory: &Path, conf: &Conf, made: &mut Translation) -> Result<(), Problem> {
    let Some(source) = Source::read_if_there(&directory.join("csf.redirect"))? else {
        return Ok(());
    };
    made.read.push(source.path().to_owned());
    let on: Option<InterfaceName> = conf.value("ETH_DEVICE").parse().ok();
    for (place, text) in source.lines() {
        let entry = text.split_whitespace().next().unwrap_or_default();
        if entry.is_empty() || entry.starts_with('#') {
            continue;
        }
        let (redirect, own) = match parse(entry) {
            Ok(redirect) => redirect,
            Err(why) => {
                made.left(&place, entry, why);
                continue;
            }
        };
        let Some(on) = on.clone() else {
            let why = format!(
                "a [[forward.port]] is of an interface, and ETH_DEVICE names none; write one: on = \"eth0\", protocol = \"{}\", port = {}, to = \"{}\"",
                redirect.protocol, redirect.port, redirect.to
            );
            made.left(&place, entry, &why);
            continue;
        };
        let name = made.name(Direction::Through, &format!("port-{}", redirect.port))?;
        made.firewall.port_forwards.push(PortForward {
            name,
            remarks: vec![super::from(&place, entry)],
            on,
            protocol: redirect.protocol,
            port: redirect.port.into(),
            to: redirect.to.to_string(),
        });
        let why = format!(
            "it holds for every address of this host, not for {own} alone, and the host behind sees who connects: its answers have to come back through this one"
        );
        made.note(&place, entry, &why);
    }
    Ok(())
}

struct Redirect {
    protocol: ServiceProtocol,
    port: u16,
    to: SocketAddr,
}

/// The redirection, and the address of this host that it is for.
fn parse(entry: &str) -> Result<(Redirect, &str), &'static str> {
    let parts: Vec<&str> = entry.split('|').collect();
    let [own, port, to, to_port, protocol] = parts.as_slice() else {
        return Err(EXPECTED);
    };
    let protocol = match *protocol {
        "tcp" => ServiceProtocol::TCP,
        "udp" => ServiceProtocol::UDP,
        _ => return Err(EXPECTED),
    };
    if *to == "*" {
        return Err(
            "a port of this host that is another port of this host has no counterpart: let the service listen there, too",
        );
    }
    if *port == "*" || *to_port == "*" {
        return Err("a [[forward.port]] is of one port or a range of them, not of a whole address");
    }
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let address = to.parse::<IpAddr>().map_err(|_| EXPECTED)?;
    let port = number(port).ok_or(EXPECTED)?;
    let to = SocketAddr::new(address, number(to_port).ok_or(EXPECTED)?);
    Ok((Redirect { protocol, port, to }, own))
}

const EXPECTED: &str = "expected ADDRESS|PORT|ADDRESS|PORT|tcp or udp";
