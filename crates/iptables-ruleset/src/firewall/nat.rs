//! `FIREWALL_PREROUTING` and `FIREWALL_POSTROUTING` of the table `nat`: connections that go to
//! another address, or come from another.

use super::address::{Kind, kinds};
use crate::config::PortForward;
use crate::match_::{AddrType, AddrTypes, OutInterface};
use crate::target::Dnat;
use crate::{BuildError, ChainName, Config, Family, Hook, LeftOut, Rule, Ruleset, Table, Target};

/// The rules of the table; `None` where there are none.
pub(super) fn ruleset(config: &Config, family: Family) -> Result<Option<Ruleset>, BuildError> {
    let mut ruleset = Ruleset::of(Table::Nat, family);
    let mut some = false;
    for (hook, name) in chains()? {
        let rules = match hook {
            Hook::Prerouting => prerouting(config, family)?,
            _ => postrouting(config, family),
        };
        if rules.is_empty() {
            ruleset.leave_out(LeftOut::new(name));
            continue;
        }
        some = true;
        ruleset.jump(hook, name.clone());
        let chain = ruleset.chain(name);
        for rule in rules {
            chain.append(rule);
        }
    }
    Ok(some.then_some(ruleset))
}

/// The chains that some configuration has there.
pub(super) fn every_chain(family: Family) -> Result<Ruleset, BuildError> {
    let mut ruleset = Ruleset::of(Table::Nat, family);
    for (hook, name) in chains()? {
        ruleset.jump(hook, name.clone());
        ruleset.chain(name);
    }
    Ok(ruleset)
}

fn chains() -> Result<[(Hook, ChainName); 2], BuildError> {
    Ok([
        (Hook::Prerouting, "FIREWALL_PREROUTING".parse()?),
        (Hook::Postrouting, "FIREWALL_POSTROUTING".parse()?),
    ])
}

/// What is sent to this host and goes to another.
fn prerouting(config: &Config, family: Family) -> Result<Vec<Rule>, BuildError> {
    let mut rules = Vec::new();
    let forwards = config.forward.ports.iter();
    for forward in forwards.filter(|forward| Family::of(forward.to) == family) {
        let asked = forward.asked();
        for like in kinds(&Kind::of(&asked), family)? {
            let rule = like
                .into_iter()
                .fold(Rule::new(to(forward)), Rule::matching);
            // The same port of a host that is routed to is its own.
            rules.push(rule.matching(AddrType::destination(AddrTypes::LOCAL)));
        }
    }
    Ok(rules)
}

fn to(forward: &PortForward) -> Dnat {
    let to = Dnat::new(forward.to);
    match forward.to_port {
        Some(port) => to.port(port),
        None => to,
    }
}

/// What leaves under the address of this host. IPv6 has addresses for everybody.
fn postrouting(config: &Config, family: Family) -> Vec<Rule> {
    let interfaces = config.forward.masquerade.iter();
    let interfaces = interfaces.filter(|_| family == Family::Ipv4).cloned();
    interfaces
        .map(|name| Rule::new(Target::Masquerade).matching(OutInterface::new(name)))
        .collect()
}
