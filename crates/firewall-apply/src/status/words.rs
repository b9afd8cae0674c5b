//! What the packets of a rule are, in words; from the model of the rule and what it is there for.

use iptables_ruleset::match_::{Conntrack, CtState, Protocol};
use iptables_ruleset::{Match, Purpose, Rule, Target};

/// A purpose as JSON has it, and of which service or set it is.
pub(super) fn purpose(purpose: &Purpose) -> (&'static str, Option<String>) {
    match purpose {
        Purpose::Loopback => ("loopback", None),
        Purpose::KnownConnections => ("known-connections", None),
        Purpose::Trusted(name) => ("trusted", Some(name.to_string())),
        Purpose::Quiet(kind) => ("quiet", Some((*kind).to_owned())),
        Purpose::Link => ("link", None),
        Purpose::Local => ("local", None),
        Purpose::Listed(list) => ("listed", Some((*list).to_owned())),
        Purpose::Blocklist(name) => ("listed", Some(name.to_string())),
        Purpose::Invalid => ("invalid", None),
        Purpose::Service(name) => ("service", Some(name.to_string())),
        Purpose::Output(name) => ("output", Some(name.to_string())),
        Purpose::Forward(name) => ("forward", Some(name.to_string())),
        Purpose::Instant(name) => ("instant", name.as_ref().map(ToString::to_string)),
        Purpose::Masquerade => ("masquerade", None),
        Purpose::Log => ("log", None),
        Purpose::Rest => ("rest", None),
        _ => ("other", None),
    }
}

/// What the packets are that a rule counts.
pub(super) fn counted(purpose: &Purpose, rule: &Rule) -> &'static str {
    let limited = is_limited(rule);
    match (purpose, rule.target()) {
        (_, Target::Log(_) | Target::Nflog(_)) => "logged",
        (Purpose::Instant(_), Target::Set(_)) => "put into the set",
        (Purpose::Instant(_), Target::Return) => "never counted",
        (Purpose::Instant(_), _) => "looked at",
        (Purpose::Loopback | Purpose::KnownConnections | Purpose::Link, _) => "packets",
        (Purpose::Trusted(_), _) => "let in unlogged",
        (Purpose::Quiet(_), _) => "dropped unlogged",
        (Purpose::Service(_), Target::Accept) if is_untracked(rule) => "later packets, untracked",
        (Purpose::Service(_), Target::Jump(to)) if to.as_str() == CROWDED => "while it was crowded",
        (Purpose::Service(_), Target::Jump(to)) if to.as_str() == LIMITED => "over the limit",
        (Purpose::Service(_), target) if lets_in(target) => requests(rule),
        (Purpose::Listed(_), Target::Jump(_)) if limited && is_message(rule) => {
            "messages over the limit"
        }
        (Purpose::Listed(_), Target::Jump(_)) if limited => "new connections over the limit",
        (Purpose::Masquerade, _) | (Purpose::Forward(_), Target::Dnat(_)) => "new connections",
        (Purpose::Output(_) | Purpose::Forward(_), target) if lets_in(target) => requests(rule),
        (_, Target::Jump(to)) if to.as_str() == LIMITED => "over the limit",
        (_, Target::Reject(_)) => "rejected",
        (_, Target::Return) => "left to INPUT",
        (_, Target::Jump(to)) if [BANNED, BANNED_ICMP].contains(&to.as_str()) => "looked at",
        (_, target) if lets_in(target) => "let in",
        (_, target) if drops(target) => "dropped",
        _ => "packets",
    }
}

/// What a rule decides about its packets; `none` where it sends them on, or where another rule has
/// decided before, so that the packets of all decisions together are those that were decided about.
pub(super) fn decision(chain: &str, purpose: &Purpose, rule: &Rule) -> &'static str {
    let target = rule.target();
    let of_banned = [BANNED, BANNED_ICMP].contains(&chain);
    match (purpose, target) {
        (_, Target::Log(_) | Target::Nflog(_)) => "logged",
        _ if chain.starts_with("LOG_AND_") => "none",
        (Purpose::Instant(_), Target::Set(_)) => "banned",
        (Purpose::Instant(_) | Purpose::Masquerade, _) | (_, Target::Dnat(_)) => "none",
        (_, Target::Jump(to)) if to.as_str() == LIMITED => "limited",
        (Purpose::Listed(_) | Purpose::Blocklist(_), target) if lets_in(target) => "whitelisted",
        (Purpose::Listed(_), Target::Jump(_)) if is_limited(rule) => "throttled",
        (Purpose::Listed(_) | Purpose::Blocklist(_), target) if drops(target) => "blacklisted",
        (_, target) if drops(target) && of_banned => "blacklisted",
        (_, target) if drops(target) && chain == CROWDED => "limited",
        (_, Target::Reject(_)) => "blocked",
        (_, target) if lets_in(target) => "allowed",
        (_, target) if drops(target) => "blocked",
        _ => "none",
    }
}

fn is_limited(rule: &Rule) -> bool {
    let mut matches = rule.matches().iter();
    matches.any(|one| matches!(one, Match::HashLimit(_)))
}

/// What someone sends who wants something of a service: one of [`REQUESTS`].
fn requests(rule: &Rule) -> &'static str {
    if is_message(rule) {
        return "messages";
    }
    let has_connections = rule.matches().iter().any(|one| {
        matches!(one, Match::Protocol(protocol) if [Protocol::TCP, Protocol::UDP].contains(protocol))
    });
    if has_connections {
        "new connections"
    } else {
        "new"
    }
}

fn is_message(rule: &Rule) -> bool {
    rule.matches().iter().any(|one| {
        matches!(one, Match::Protocol(protocol) if [Protocol::ICMP, Protocol::ICMPV6].contains(protocol))
    })
}

fn is_untracked(rule: &Rule) -> bool {
    let untracked = Match::from(Conntrack::state(CtState::UNTRACKED));
    rule.matches().contains(&untracked)
}

fn lets_in(target: &Target) -> bool {
    match target {
        Target::Accept => true,
        Target::Jump(to) => to.as_str().starts_with("LOG_AND_ACCEPT"),
        _ => false,
    }
}

fn drops(target: &Target) -> bool {
    match target {
        Target::Drop => true,
        Target::Jump(to) => to.as_str().starts_with("LOG_AND_DROP"),
        _ => false,
    }
}

/// What is said of what is let in.
pub(super) const REQUESTS: [&str; 3] = ["messages", "new connections", "new"];
/// Chains of ours.
pub(super) const CROWDED: &str = "FIREWALL_CROWDED";
pub(super) const BANNED: &str = "FIREWALL_BANNED";
pub(super) const BANNED_ICMP: &str = "FIREWALL_BANNED_ICMP";
const LIMITED: &str = "LOG_AND_DROP_LIMITED";

#[cfg(test)]
mod tests {
    use iptables_ruleset::{Config, Family};

    use super::*;

    #[test]
    fn what_is_counted_is_told_by_purpose_and_target() {
        let config = Config::parse(
            "[[service]]\nname = \"ssh\"\nprotocol = \"tcp\"\nports = [22]\nrate = \"10/minute\"\n\
             [[service]]\nname = \"ping\"\nprotocol = \"icmp\"\nrate = \"10/minute\"\n",
        )
        .unwrap();
        for family in Family::BOTH {
            let purposes = config.purposes(family).unwrap();
            let ruleset = config.ruleset(family).unwrap();
            let mut said: Vec<String> = Vec::new();
            for chain in ruleset.chains() {
                for rule in chain.rules() {
                    let of = purposes.of(chain.name().as_str(), rule);
                    let (name, of_what) = purpose(&of);
                    let of_what = of_what.unwrap_or_default();
                    said.push(format!("{name} {of_what}: {}", counted(&of, rule)));
                }
            }
            for expected in [
                "loopback : packets",
                "listed whitelist: let in",
                "listed blacklist: dropped",
                "listed throttle-hard: new connections over the limit",
                "listed throttle-soft: messages over the limit",
                "service ssh: new connections",
                "service ssh: over the limit",
                "service ssh: while it was crowded",
                "service ping: messages",
                "service ping: over the limit",
                "invalid : dropped",
                "rest : dropped",
                "log : logged",
            ] {
                assert!(
                    said.iter().any(|said| said == expected),
                    "{expected}: {said:#?}"
                );
            }
        }
    }
}
