//! `import ufw`: the directory of ufw, and `default/ufw` beside it.

mod framework;
mod profiles;
mod rules;
mod settings;
mod tuple;

use std::path::Path;

use iptables_ruleset::config::{Action, ServiceProtocol, ServiceSource};
use iptables_ruleset::{BuildError, PortRange};

use self::settings::Settings;
use super::source::Source;
use super::translation::{Direction, Service, Translation};
use crate::findings::Problem;

/// Reads a directory such as /etc/ufw.
pub(super) fn read(directory: &Path) -> Result<Translation, Problem> {
    let mut made = Translation::default();
    let v4 = Source::read(&directory.join("user.rules"))?;
    let v6 = Source::read_if_there(&directory.join("user6.rules"))?;
    let defaults = match directory.file_name() {
        Some(_) => directory.with_file_name("default").join("ufw"),
        None => directory.join("../default/ufw"),
    };
    let defaults = Settings::read(&defaults, &mut made)?;
    let own = Settings::read(&directory.join("ufw.conf"), &mut made)?;
    if defaults.is_missing() {
        made.note(
            &defaults.place("DEFAULT_INPUT_POLICY"),
            "default/ufw",
            "there is none, so that the policies are those that ufw comes with: incoming and passed on is dropped, outgoing accepted",
        );
    }
    if own.value("ENABLED").eq_ignore_ascii_case("no") {
        made.note(
            &own.place("ENABLED"),
            "ENABLED = no",
            "this firewall was not up",
        );
    }
    let both = !defaults.value("IPV6").eq_ignore_ascii_case("no");
    if !both {
        made.left(
            &defaults.place("IPV6"),
            "IPV6 = no",
            "ufw drops all of IPv6, also what goes out; here what comes in is dropped",
        );
    }
    let framework = framework::read(directory, both, &mut made)?;
    made.read.push(v4.path().to_owned());
    let v4 = tuple::all(&v4, &mut made);
    let v6 = match v6.filter(|_| both) {
        Some(source) => {
            made.read.push(source.path().to_owned());
            tuple::all(&source, &mut made)
        }
        None => Vec::new(),
    };
    profiles::compare(directory, v4.iter().chain(&v6), &mut made)?;
    rules::services(v4, v6, &mut made)?;
    made.firewall.services.extend(framework.behind);
    policies(&defaults, &mut made)?;
    others(&defaults, &mut made);
    Ok(made)
}

fn policies(defaults: &Settings, made: &mut Translation) -> Result<(), Problem> {
    let policy = |key: &str, otherwise: &str| match defaults.value(key) {
        "" => otherwise.to_owned(),
        value => value.to_ascii_uppercase(),
    };
    let place = |key: &str| defaults.place(key);
    let input = policy("DEFAULT_INPUT_POLICY", "DROP");
    let output = policy("DEFAULT_OUTPUT_POLICY", "ACCEPT");
    let forward = policy("DEFAULT_FORWARD_POLICY", "DROP");
    let said = |key: &str| place(key).to_string();
    let policies = &mut made.firewall.policies;
    policies.push(("input", "drop", said("DEFAULT_INPUT_POLICY")));
    let going_out = if output == "ACCEPT" { "accept" } else { "drop" };
    policies.push(("output", going_out, said("DEFAULT_OUTPUT_POLICY")));
    let passed_on = if forward == "ACCEPT" {
        "accept"
    } else {
        "drop"
    };
    policies.push(("forward", passed_on, said("DEFAULT_FORWARD_POLICY")));
    for (key, value, direction) in [
        ("DEFAULT_INPUT_POLICY", &input, Direction::In),
        ("DEFAULT_OUTPUT_POLICY", &output, Direction::Out),
    ] {
        let action = match (value.as_str(), direction) {
            ("ACCEPT", Direction::In) => Action::Accept,
            ("REJECT", _) => Action::Reject,
            _ => continue,
        };
        let mut rest = anything(made, direction, "rest")?;
        rest.action = action;
        rest.remarks
            .push(format!("{}: {key} = {value}", place(key)));
        match direction {
            Direction::Out => made.firewall.output.push(rest),
            _ => made.firewall.services.push(rest),
        }
    }
    if input == "ACCEPT" {
        made.note(
            &place("DEFAULT_INPUT_POLICY"),
            "DEFAULT_INPUT_POLICY = ACCEPT",
            "everything is let in by the service \"rest\"; name what is to be open instead, and take it out",
        );
    }
    if forward == "REJECT" {
        let why = "what is not passed on is dropped";
        made.note(
            &place("DEFAULT_FORWARD_POLICY"),
            "DEFAULT_FORWARD_POLICY = REJECT",
            why,
        );
    }
    if made
        .firewall
        .output
        .iter()
        .all(|one| one.action != Action::Accept)
        && going_out == "drop"
    {
        made.left(
            &place("DEFAULT_OUTPUT_POLICY"),
            "DEFAULT_OUTPUT_POLICY",
            "no rule lets anything out, not even the question for a name: name what may with [[output.service]]",
        );
        // Such a file is refused; the services that were meant have to be added.
        if let Some(policy) = made.firewall.policies.get_mut(1) {
            policy.1 = "accept";
        }
    }
    Ok(())
}

/// What is said of other things than packets.
fn others(defaults: &Settings, made: &mut Translation) {
    for (key, off, why) in [
        (
            "MANAGE_BUILTINS",
            "no",
            "rules of others in INPUT are left alone: put `position = \"first\"` under [policy] to go before them",
        ),
        (
            "IPT_MODULES",
            "",
            "helpers of connection tracking are not set: open the ports that the service uses",
        ),
    ] {
        let value = defaults.value(key);
        if !value.is_empty() && !value.eq_ignore_ascii_case(off) {
            made.left(&defaults.place(key), &format!("{key} = {value}"), why);
        }
    }
    let sysctl = defaults.value("IPT_SYSCTL").to_owned();
    if !sysctl.is_empty() {
        let why =
            "settings of the kernel are not the firewall's here: move them into /etc/sysctl.d";
        made.note(
            &defaults.place("IPT_SYSCTL"),
            &format!("IPT_SYSCTL = {sysctl}"),
            why,
        );
    }
}

/// A service for whatever protocol.
fn anything(made: &mut Translation, direction: Direction, name: &str) -> Result<Service, Problem> {
    let mut service = Service::new(made.name(direction, name)?, every_protocol()?);
    service.ports = vec![every_port()?];
    Ok(service)
}

/// Those that a rule without a protocol is for: a service names its protocols.
fn every_protocol() -> Result<Vec<ServiceProtocol>, Problem> {
    let named = ["esp", "ah", "gre", "sctp"].into_iter().map(str::parse);
    let mut all = vec![
        ServiceProtocol::TCP,
        ServiceProtocol::UDP,
        ServiceProtocol::ICMP,
    ];
    for protocol in named {
        all.push(protocol.map_err(|error: BuildError| error.to_string())?);
    }
    Ok(all)
}

fn every_port() -> Result<PortRange, Problem> {
    PortRange::new(1, u16::MAX).map_err(|error| error.to_string().into())
}

/// An address or network as a service has it; none for everybody.
fn host(text: &str) -> Result<Option<ServiceSource>, String> {
    let source: ServiceSource = text
        .parse()
        .map_err(|error: BuildError| error.to_string())?;
    Ok((!matches!(text, "0.0.0.0/0" | "::/0")).then_some(source))
}
