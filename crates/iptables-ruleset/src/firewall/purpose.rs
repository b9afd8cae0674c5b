//! What each rule of the firewall is there for.

use std::collections::BTreeMap;
use std::iter;

use super::input::{invalid, opening, opens_nothing, quiet};
use super::{Chains, early, forward, instant, link, output};
use crate::config::{List, ServiceName};
use crate::match_::{Direction, Match, Set, Socket};
use crate::{BuildError, Config, Family, InterfaceName, Rule, Ruleset, SetName, Target};

/// What a rule of the firewall is there for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Packets of the host to itself.
    Loopback,
    /// Packets of connections that are known.
    KnownConnections,
    /// Whatever comes in by an interface that the configuration trusts.
    Trusted(InterfaceName),
    /// Noise that is dropped without a line: `broadcast`.
    Quiet(&'static str),
    /// What the link needs: neighbour discovery, IGMP and the like.
    Link,
    /// Members of the set of this name, for IPv6 without `_v6`: `blacklist`.
    Listed(&'static str),
    /// Members of a block list of the configuration, by the name of its set for IPv4.
    Blocklist(SetName),
    /// The administrator's own rules, in a chain that is theirs.
    Local,
    /// What belongs to no connection and opens none.
    Invalid,
    /// A service of the configuration.
    Service(ServiceName),
    /// What goes out by an `[[output.service]]` of this name.
    Output(ServiceName),
    /// What is passed on by a `[[forward.allow]]` of this name.
    Forward(ServiceName),
    /// An `[[instant]]` of this name; `None` for what all of them share: what never counts.
    Instant(Option<ServiceName>),
    /// What leaves under the address of this host.
    Masquerade,
    /// A line of the log.
    Log,
    /// What no other rule of the chain has decided about.
    Rest,
    /// Something else, or a rule that is not of this configuration.
    Other,
}

/// What the rules of a configuration are there for, in one family.
///
/// ```
/// use iptables_ruleset::{Config, Family, Purpose};
///
/// let config = Config::default();
/// let purposes = config.purposes(Family::Ipv4)?;
/// let ruleset = config.ruleset(Family::Ipv4)?;
/// let input = ruleset.chains().find(|chain| chain.name().as_str() == "FIREWALL_INPUT");
/// let of_ssh = input.iter().flat_map(|chain| chain.rules()).filter(|rule| {
///     let purpose = purposes.of("FIREWALL_INPUT", rule);
///     matches!(purpose, Purpose::Service(name) if name.as_str() == "ssh")
/// });
/// assert!(of_ssh.count() > 1);
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Purposes {
    family: Family,
    /// By chain and text.
    rules: BTreeMap<(String, String), Purpose>,
}

impl Config {
    /// What the rules of [`rulesets`](Self::rulesets) are there for.
    ///
    /// # Errors
    /// Those of [`ruleset`](Self::ruleset).
    pub fn purposes(&self, family: Family) -> Result<Purposes, BuildError> {
        let mut bare = self.clone();
        bare.services.clear();
        bare.output.services.clear();
        bare.forward.allow.clear();
        bare.forward.ports.clear();
        let common = Common::new(self, family)?;
        let mut purposes = Purposes {
            family,
            rules: BTreeMap::new(),
        };
        let mut without = bare.rulesets(family)?;
        without.push(early::ruleset(self, family)?);
        for (chain, text, rule, is_last) in without.iter().flat_map(rules) {
            let purpose = common.purpose(rule, is_last);
            purposes.rules.insert((chain, text), purpose);
        }
        let chain = Chains::new()?.instant.to_string();
        let mut of_instant = |rule: &Rule, purpose: Purpose| {
            let text = rule.to_iptables_save(family).to_string();
            purposes.rules.insert((chain.clone(), text), purpose);
        };
        for rule in instant::exceptions(self, family)? {
            of_instant(&rule, Purpose::Instant(None));
        }
        for one in &self.instants {
            for rule in instant::of_one(one, self, family)? {
                of_instant(&rule, Purpose::Instant(Some(one.name.clone())));
            }
        }
        // What a service adds is the service's.
        let mut all: Vec<(Self, Purpose)> = Vec::new();
        for service in &self.services {
            let mut one = bare.clone();
            one.services.push(service.clone());
            all.push((one, Purpose::Service(service.name.clone())));
        }
        for service in &self.output.services {
            let mut one = bare.clone();
            one.output.services.push(service.clone());
            all.push((one, Purpose::Output(service.name.clone())));
        }
        for allowed in &self.forward.allow {
            let mut one = bare.clone();
            one.forward.allow.push(allowed.clone());
            all.push((one, Purpose::Forward(allowed.name.clone())));
        }
        for forward in &self.forward.ports {
            let mut one = bare.clone();
            one.forward.ports.push(forward.clone());
            all.push((one, Purpose::Forward(forward.name.clone())));
        }
        let is_there = |chain: &str| without.iter().any(|ruleset| ruleset.has_chain(chain));
        for (config, of_it) in all {
            let with = config.rulesets(family)?;
            for (chain, text, rule, is_last) in with.iter().flat_map(rules) {
                // A chain that is only there with such a service has rules of its own.
                let shared = Some(common.purpose(rule, is_last))
                    .filter(|_| !is_there(&chain))
                    .filter(|purpose| *purpose != Purpose::Other && !is_line_of_one(rule));
                let purpose = shared.unwrap_or_else(|| of_it.clone());
                purposes.rules.entry((chain, text)).or_insert(purpose);
            }
        }
        Ok(purposes)
    }
}

/// Whether it is the line of some packets and not of all that come to a chain.
fn is_line_of_one(rule: &Rule) -> bool {
    let logs = matches!(rule.target(), Target::Log(_) | Target::Nflog(_));
    let mut matches = rule.matches().iter();
    logs && matches.any(|one| !matches!(one, Match::Limit(_)))
}

impl Purposes {
    /// What this rule of this chain is there for.
    pub fn of(&self, chain: &str, rule: &Rule) -> Purpose {
        let text = rule.to_iptables_save(self.family).to_string();
        let known = self.rules.get(&(chain.to_owned(), text));
        known.cloned().unwrap_or(Purpose::Other)
    }
}

/// Chain, text, and whether it is the last of its chain, of each rule.
fn rules(ruleset: &Ruleset) -> impl Iterator<Item = (String, String, &Rule, bool)> {
    ruleset.chains().flat_map(move |chain| {
        let name = chain.name().to_string();
        let count = chain.rules().len();
        (1..).zip(chain.rules()).map(move |(number, rule)| {
            let text = rule.to_iptables_save(ruleset.family()).to_string();
            (name.clone(), text, rule, number == count)
        })
    })
}

/// The rules that a firewall has whatever its services.
struct Common {
    known: Vec<(Rule, Purpose)>,
    lists: Vec<(Match, Purpose)>,
}

impl Common {
    fn new(config: &Config, family: Family) -> Result<Self, BuildError> {
        let chains = Chains::new()?;
        let mut known: Vec<(Rule, Purpose)> = link::rules(family)?
            .into_iter()
            .map(|rule| (rule, Purpose::Link))
            .collect();
        let trusted = &config.policy.trusted_interfaces;
        let trusted = trusted.iter().cloned().map(Purpose::Trusted);
        let first = iter::once(Purpose::Loopback).chain(trusted);
        let first = first.chain([Purpose::KnownConnections]);
        known.extend(opening(config, family)?.into_iter().zip(first));
        // What raw leaves to INPUT is what INPUT lets in.
        let left = |(rule, purpose): &(Rule, Purpose)| {
            let matches = rule.matches().iter().cloned();
            let left = matches.fold(Rule::new(Target::Return), Rule::matching);
            (left, purpose.clone())
        };
        let left: Vec<_> = known.iter().map(left).collect();
        known.extend(left);
        let socket = Rule::new(Target::Return).matching(Socket::bound());
        known.push((socket, Purpose::KnownConnections));
        known.extend(early::over_icmp(&chains).map(|rule| (rule, Purpose::Rest)));
        known.extend(quiet(config, family).map(|(kind, rule)| (rule, Purpose::Quiet(kind.name()))));
        known.push((forward::known(), Purpose::KnownConnections));
        known.push((output::loopback()?, Purpose::Loopback));
        known.push((output::lease(family)?, Purpose::Link));
        known.push((output::opens_nothing(), Purpose::KnownConnections));
        let listed = Purpose::Listed(List::Whitelist.name());
        known.push((output::listed(family)?, listed));
        known.push((Rule::new(chains.local.clone()), Purpose::Local));
        let asks = Rule::new(chains.instant.clone());
        known.push((asks, Purpose::Instant(None)));
        known.push((invalid(&chains), Purpose::Invalid));
        known.push((opens_nothing(&chains), Purpose::Invalid));
        let mut lists = Vec::new();
        for list in List::ALL {
            lists.push((list.member(family)?.into(), Purpose::Listed(list.name())));
            let beside = Set::new(list.instant_set_name(family)?, Direction::Source);
            lists.push((beside.into(), Purpose::Listed(list.instant_name())));
        }
        for list in &config.blocklists {
            let purpose = Purpose::Blocklist(list.name.clone());
            lists.push((list.member(family)?.into(), purpose));
        }
        Ok(Self { known, lists })
    }

    fn purpose(&self, rule: &Rule, is_last: bool) -> Purpose {
        match rule.target() {
            Target::Log(_) | Target::Nflog(_) => return Purpose::Log,
            Target::Masquerade => return Purpose::Masquerade,
            _ => {}
        }
        if let Some((_, purpose)) = self.known.iter().find(|(known, _)| known == rule) {
            return purpose.clone();
        }
        let mut lists = self.lists.iter();
        if let Some((_, purpose)) = lists.find(|(member, _)| rule.matches().contains(member)) {
            return purpose.clone();
        }
        if is_last && rule.matches().is_empty() {
            return Purpose::Rest;
        }
        Purpose::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_trusted_and_what_is_quiet_are_told() {
        let config = Config::parse(
            "[policy]\ntrusted-interfaces = [\"wg0\", \"tun+\"]\n[log]\nquiet = [\"broadcast\", \"multicast\"]\n",
        )
        .unwrap();
        for (family, quiet) in [
            (Family::Ipv4, &["broadcast", "multicast"][..]),
            (Family::Ipv6, &["multicast"]),
        ] {
            let purposes = config.purposes(family).unwrap();
            let ruleset = config.ruleset(family).unwrap();
            let (mut trusts, mut drops) = (Vec::new(), Vec::new());
            for (chain, text, rule, _) in rules(&ruleset) {
                match purposes.of(&chain, rule) {
                    Purpose::Trusted(name) => {
                        assert!(text.contains(&format!("-i {name} -j ACCEPT")), "{text}");
                        trusts.push(name.to_string());
                    }
                    Purpose::Quiet(kind) => drops.push(kind),
                    Purpose::KnownConnections => assert!(text.contains("ESTABLISHED"), "{text}"),
                    Purpose::Loopback => assert!(text.contains("-i lo "), "{text}"),
                    _ => {}
                }
            }
            assert_eq!(trusts, ["wg0", "tun+"]);
            assert_eq!(drops, quiet);
        }
    }

    #[test]
    fn a_block_list_is_told_from_the_others() {
        let text = "[[blocklist]]\nname = \"a\"\nfile = \"x\"\n[[blocklist]]\nname = \"b\"\nfile = \"x\"\n";
        let config = Config::parse(text).unwrap();
        for family in Family::BOTH {
            let purposes = config.purposes(family).unwrap();
            let ruleset = config.ruleset(family).unwrap();
            let of_lists: Vec<String> = rules(&ruleset)
                .filter_map(|(chain, _, rule, _)| match purposes.of(&chain, rule) {
                    Purpose::Listed(list) if list.ends_with("list") => Some(list.to_owned()),
                    Purpose::Blocklist(name) => Some(name.to_string()),
                    _ => None,
                })
                .collect();
            assert_eq!(of_lists, ["whitelist", "blacklist", "a", "b"]);
        }
    }

    #[test]
    fn every_rule_of_the_default_firewall_is_there_for_something() {
        let config = Config::default();
        for family in Family::BOTH {
            let purposes = config.purposes(family).unwrap();
            let ruleset = config.ruleset(family).unwrap();
            let of: Vec<(String, String, Purpose)> = rules(&ruleset)
                .map(|(chain, text, rule, _)| {
                    let purpose = purposes.of(&chain, rule);
                    (chain, text, purpose)
                })
                .collect();
            let other: Vec<_> = of
                .iter()
                .filter(|(_, text, purpose)| {
                    *purpose == Purpose::Other && !text.contains("UNTRACKED")
                })
                .collect();
            assert!(other.is_empty(), "{other:#?}");
            let services = of.iter().filter(|(_, text, purpose)| match purpose {
                Purpose::Service(name) => {
                    let port = if name.as_str() == "ssh" {
                        " 22 "
                    } else {
                        " 443 "
                    };
                    assert!(text.contains(port), "{name}: {text}");
                    true
                }
                _ => false,
            });
            assert!(services.count() >= 6);
            let rest = of
                .iter()
                .filter(|(_, _, purpose)| *purpose == Purpose::Rest);
            assert!(rest.count() >= 4);
        }
    }
}
