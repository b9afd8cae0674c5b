//! From a [`Config`] to the rules of one family.

mod address;
mod bans;
mod budget;
pub(crate) mod earlier;
mod early;
mod floor;
mod forward;
mod input;
mod instant;
mod link;
mod logging;
mod nat;
mod output;
mod purpose;
mod services;
mod throttle;

pub use purpose::{Purpose, Purposes};

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::{FloorParts, List, Position, RequiredSet, SetOrigin, SetType};
use crate::{BuildError, ChainName, Config, Family, Hook, Policy, Ruleset};

impl Config {
    /// The sets of both families: whitelist, blacklist, throttle-soft, throttle-hard, those that
    /// packets fill for one of them, the administrator's own, block lists, and those that services
    /// name as their sources, each also with `_v6`.
    ///
    /// # Errors
    /// None for what [`parse`](Self::parse) made.
    pub fn required_sets(&self) -> Result<Vec<RequiredSet>, BuildError> {
        required_sets(self)
    }

    /// The sets that packets fill by another configuration's `[[instant]]` and by none of this one:
    /// nothing of this firewall looks into them. Each is as that configuration would have made it,
    /// but for its `maxelem`.
    ///
    /// ```
    /// use iptables_ruleset::Config;
    ///
    /// let sets = Config::default().unwanted_sets()?;
    /// let names: Vec<_> = sets.iter().map(|set| set.name.as_str()).collect();
    /// assert!(names.contains(&"blacklist-instant") && names.contains(&"blacklist-instant_v6"));
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// None for what [`parse`](Self::parse) made.
    pub fn unwanted_sets(&self) -> Result<Vec<RequiredSet>, BuildError> {
        let wanted = self.required_sets()?;
        let mut sets = Vec::new();
        for family in Family::BOTH {
            for list in List::ALL {
                let set = instant_set(self, list, family, self.sets.maxelem)?;
                if !wanted.iter().any(|wanted| wanted.name == set.name) {
                    sets.push(set);
                }
            }
        }
        Ok(sets)
    }

    /// The rules of the `filter` table for one family.
    ///
    /// # Errors
    /// Never for what [`parse`](Self::parse) made; a configuration changed by hand can ask for too
    /// much, two services of one name for instance.
    pub fn ruleset(&self, family: Family) -> Result<Ruleset, BuildError> {
        ruleset(self, family)
    }

    /// The rules for one family, of each table that the configuration has rules in, in the order in
    /// which `iptables-save` prints them.
    ///
    /// # Errors
    /// Those of [`ruleset`](Self::ruleset).
    pub fn rulesets(&self, family: Family) -> Result<Vec<Ruleset>, BuildError> {
        let mut rulesets = Vec::new();
        if self.policy.early_drop {
            rulesets.push(early::ruleset(self, family)?);
        }
        rulesets.push(self.ruleset(family)?);
        rulesets.extend(nat::ruleset(self, family)?);
        Ok(rulesets)
    }

    /// The rules that another configuration can have in tables where this one has none, and the
    /// [floor](Self::floor_apart) in a chain of its own, for [`Plan::without`](crate::Plan::without).
    ///
    /// # Errors
    /// Those of [`ruleset`](Self::ruleset).
    pub fn unwanted(&self, family: Family) -> Result<Vec<Ruleset>, BuildError> {
        let mut rulesets = vec![self.floor_apart(family, &FloorParts::default())?];
        if !self.policy.early_drop {
            rulesets.push(early::ruleset(self, family)?);
        }
        if nat::ruleset(self, family)?.is_none() {
            rulesets.push(nat::every_chain(family)?);
        }
        Ok(rulesets)
    }

    /// What is to stand where the rules for one family cannot go in, so that a host is not left
    /// open: INPUT drops all but loopback, established connections, what the link needs, members of
    /// the whitelist and ssh. FORWARD has the policy that is configured, OUTPUT is untouched.
    ///
    /// ssh is each TCP service with `ssh` in its name or port 22 among its ports, without its
    /// limit; without such a service it is port 22. Where no set of its sources can be looked into,
    /// and it has no others, it is for everybody.
    ///
    /// # Errors
    /// Those of [`ruleset`](Self::ruleset).
    pub fn floor(&self, family: Family, parts: &FloorParts) -> Result<Ruleset, BuildError> {
        floor::ruleset(self, family, parts)
    }

    /// The [`floor`](Self::floor) in a single chain, `FIREWALL_FLOOR`: for a host on which others
    /// have made chains of the names that the firewall's have. It is one of the rulesets that are
    /// [`unwanted`](Self::unwanted) once the firewall goes in.
    ///
    /// ```
    /// use iptables_ruleset::config::FloorParts;
    /// use iptables_ruleset::{Config, Family};
    ///
    /// let floor = Config::default().floor_apart(Family::Ipv4, &FloorParts::default())?;
    /// let chains: Vec<_> = floor.chains().map(|chain| chain.name().as_str()).collect();
    /// assert_eq!(chains, ["FIREWALL_FLOOR"]);
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`ruleset`](Self::ruleset).
    pub fn floor_apart(&self, family: Family, parts: &FloorParts) -> Result<Ruleset, BuildError> {
        floor::apart(self, family, parts)
    }
}

/// The firewall of `config` for one family: the policies, the jumps, and chains of our own. Those
/// that only some configurations have are left out by the others.
fn ruleset(config: &Config, family: Family) -> Result<Ruleset, BuildError> {
    let chains = Chains::new()?;
    let mut ruleset = entrance(config, family, config.policy.input, &chains.input);
    if let Some(policy) = config.policy.output.policy() {
        ruleset.policy(Hook::Output, policy);
    }
    // Ahead of the lines of the chain that asks it.
    instant::fill(&mut ruleset, config, &chains)?;
    logging::fill(&mut ruleset, config, &chains)?;
    input::fill(&mut ruleset, config, &chains)?;
    forward::fill(&mut ruleset, config, &chains)?;
    output::fill(&mut ruleset, config, &chains)?;
    Ok(ruleset)
}

/// The policies and the jump to the first of our chains.
fn entrance(config: &Config, family: Family, input: Policy, first: &ChainName) -> Ruleset {
    let mut ruleset = Ruleset::new(family);
    ruleset.policy(Hook::Input, input);
    if let Some(policy) = config.policy.forward.policy() {
        ruleset.policy(Hook::Forward, policy);
    }
    ruleset.jump(Hook::Input, first.clone());
    if config.policy.position == Position::First {
        ruleset.jump_first(Hook::Input);
    }
    ruleset
}

/// The set that packets fill for a list.
fn instant_set(
    config: &Config,
    list: List,
    family: Family,
    maxelem: NonZeroU32,
) -> Result<RequiredSet, BuildError> {
    Ok(RequiredSet {
        name: list.instant_set_name(family)?,
        origin: SetOrigin::Instant,
        set_type: SetType::HashIp,
        maxelem,
        comment: false,
        filled_by_packets: true,
        ..list_set(config, family)?
    })
}

/// A set as that of a list is.
fn list_set(config: &Config, family: Family) -> Result<RequiredSet, BuildError> {
    Ok(RequiredSet {
        name: List::Whitelist.set_name(family)?,
        family,
        origin: SetOrigin::List,
        set_type: config.sets.set_type,
        maxelem: config.sets.maxelem,
        timeout: Some(Duration::ZERO),
        comment: config.sets.comments,
        counters: false,
        filled_by_packets: false,
        members: Vec::new(),
    })
}

/// Every set of either family.
fn required_sets(config: &Config) -> Result<Vec<RequiredSet>, BuildError> {
    let mut sets = Vec::new();
    for family in Family::BOTH {
        let like = list_set(config, family)?;
        let base = || like.clone();
        for list in List::ALL {
            sets.push(RequiredSet {
                name: list.set_name(family)?,
                members: config.sets.members.of(list, family),
                ..base()
            });
        }
        for list in List::ALL {
            let instants = config.instants.iter();
            let shares = instants.filter(|one| one.list() == Some(list));
            let share = shares.map(|one| one.at_most).reduce(u32::saturating_add);
            if let Some(maxelem) = share.and_then(NonZeroU32::new) {
                sets.push(instant_set(config, list, family, maxelem)?);
            }
        }
        for own in &config.own_sets {
            let mut instants = config.instants.iter();
            let filled_by_packets = instants.any(|one| one.ipset == own.name);
            let Some(name) = own.set_name(family)? else {
                continue;
            };
            let by_hand = own.files.is_empty();
            sets.push(RequiredSet {
                name,
                origin: if by_hand {
                    SetOrigin::Own
                } else {
                    SetOrigin::File
                },
                set_type: own.set_type,
                maxelem: own.maxelem.unwrap_or(config.sets.maxelem),
                timeout: by_hand.then(|| own.timeout.unwrap_or_default()),
                comment: own.comment,
                filled_by_packets,
                counters: own.counters,
                ..base()
            });
        }
        for list in &config.blocklists {
            sets.push(RequiredSet {
                name: list.set_name(family)?,
                origin: SetOrigin::Blocklist,
                comment: false,
                set_type: SetType::HashNet,
                timeout: None,
                ..base()
            });
        }
        let sources = config.services.iter().flat_map(|service| &service.sources);
        let traffic = config.output.services.iter().chain(&config.forward.allow);
        let ends = traffic.flat_map(|one| one.sources.iter().chain(&one.destinations));
        let of_ports = config.forward.ports.iter();
        let of_ports = of_ports.flat_map(|forward| &forward.sources);
        for source in sources.chain(ends).chain(of_ports) {
            let Some(name) = source.set_name(family)? else {
                continue;
            };
            if !sets.iter().any(|set: &RequiredSet| set.name == name) {
                sets.push(RequiredSet {
                    name,
                    origin: SetOrigin::Service,
                    comment: false,
                    ..base()
                });
            }
        }
    }
    Ok(sets)
}

/// The chain that PREROUTING of `raw` jumps to.
pub(crate) const EARLY: &str = "FIREWALL_EARLY";

/// The chains of our own.
struct Chains {
    input: ChainName,
    /// For the administrator's own rules.
    local: ChainName,
    log_and_accept: ChainName,
    log_and_drop: ChainName,
    /// For what is over a service's limit.
    log_and_drop_limited: ChainName,
    /// For what belongs to no connection and opens none.
    log_and_drop_invalid: ChainName,
    /// For what is blocked: who is put into a set by it.
    instant: ChainName,
    /// For new connections to a service to which more come than each source's could be counted.
    crowded: ChainName,
    /// For packets that are passed on, ahead of others' rules.
    forward_bans: ChainName,
    /// For new connections that are passed on.
    forward: ChainName,
    log_and_accept_forward: ChainName,
    log_and_drop_forward: ChainName,
    /// For what this host sends.
    output: ChainName,
    log_and_accept_out: ChainName,
    log_and_drop_out: ChainName,
    /// The chain in which container engines let others decide first.
    docker_user: ChainName,
    /// For a floor where the other names are taken.
    floor: ChainName,
    /// In `raw`: before connection tracking.
    early: ChainName,
    /// In `raw`: for what who is banned sends.
    banned: ChainName,
    /// In `raw`: for what who is banned sends over ICMPv6.
    banned_icmp: ChainName,
}

impl Chains {
    fn new() -> Result<Self, BuildError> {
        Ok(Self {
            input: "FIREWALL_INPUT".parse()?,
            local: "FIREWALL_LOCAL".parse()?,
            log_and_accept: "LOG_AND_ACCEPT".parse()?,
            log_and_drop: "LOG_AND_DROP".parse()?,
            log_and_drop_limited: "LOG_AND_DROP_LIMITED".parse()?,
            log_and_drop_invalid: "LOG_AND_DROP_INVALID".parse()?,
            instant: "FIREWALL_INSTANT".parse()?,
            crowded: "FIREWALL_CROWDED".parse()?,
            forward_bans: "FIREWALL_FORWARD_BANS".parse()?,
            forward: "FIREWALL_FORWARD".parse()?,
            log_and_accept_forward: "LOG_AND_ACCEPT_FORWARD".parse()?,
            log_and_drop_forward: "LOG_AND_DROP_FORWARD".parse()?,
            output: "FIREWALL_OUTPUT".parse()?,
            log_and_accept_out: "LOG_AND_ACCEPT_OUT".parse()?,
            log_and_drop_out: "LOG_AND_DROP_OUT".parse()?,
            docker_user: "DOCKER-USER".parse()?,
            floor: "FIREWALL_FLOOR".parse()?,
            early: EARLY.parse()?,
            banned: "FIREWALL_BANNED".parse()?,
            banned_icmp: "FIREWALL_BANNED_ICMP".parse()?,
        })
    }
}
