//! Where a packet's way ends: logged and accepted, logged and dropped.

use super::Chains;
use crate::config::LogTarget;
use crate::match_::{Conntrack, CtState, Limit, Match, Protocol, Tcp};
use crate::target::{Log, Nflog};
use crate::{BuildError, Config, Family, Rule, Ruleset, Target};

/// What a line says of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Allowed,
    Blocked,
    Limited,
    Invalid,
    OutAllowed,
    OutBlocked,
    ForwardAllowed,
    ForwardBlocked,
}

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    let family = ruleset.family();
    ruleset
        .chain(chains.log_and_accept.clone())
        .append(later_and_untracked());
    for (chain, line, target) in [
        (&chains.log_and_accept, Line::Allowed, Target::Accept),
        (&chains.log_and_drop, Line::Blocked, Target::Drop),
        (&chains.log_and_drop_limited, Line::Limited, Target::Drop),
        (&chains.log_and_drop_invalid, Line::Invalid, Target::Drop),
    ] {
        let chain = ruleset.chain(chain.clone());
        if line != Line::Invalid || config.log.invalid {
            chain.append(line.rule(config, family, [])?);
        }
        chain.append(Rule::new(target));
    }
    Ok(())
}

impl Line {
    /// The rule that writes it about packets that are like this.
    pub(super) fn rule(
        self,
        config: &Config,
        family: Family,
        packets: impl IntoIterator<Item = Match>,
    ) -> Result<Rule, BuildError> {
        let log = &config.log;
        let (word, level, rate) = match self {
            Self::Allowed => ("ALLOWED", log.allowed_level, log.allowed_rate),
            Self::Blocked => ("BLOCKED", log.blocked_level, log.blocked_rate),
            Self::Limited => ("LIMITED", log.limited_level, log.limited_rate),
            Self::Invalid => ("INVALID", log.invalid_level, log.invalid_rate),
            // Words of their own: who sends from here or from inside is no attacker.
            Self::OutAllowed => ("OUT-ALLOWED", log.allowed_level, log.allowed_rate),
            Self::OutBlocked => ("OUT-BLOCKED", log.blocked_level, log.blocked_rate),
            Self::ForwardAllowed => ("FORWARD-ALLOWED", log.allowed_level, log.allowed_rate),
            Self::ForwardBlocked => ("FORWARD-BLOCKED", log.blocked_level, log.blocked_rate),
        };
        let prefix = prefix(family, word);
        let target = match log.target {
            LogTarget::Log => Target::from(Log::new(&prefix)?.level(level)),
            LogTarget::Nflog { group } => Target::from(Nflog::new(group).prefix(&prefix)?),
        };
        let rule = packets.into_iter().fold(Rule::new(target), Rule::matching);
        // Behind the others, so that only what the line is about is counted.
        match rate.or(log.rate) {
            Some(rate) => Ok(rule.matching(Limit::new(rate)?)),
            None => Ok(rule),
        }
    }
}

/// What stands before the lines of the log: `IPTABLES-BLOCKED: `.
pub(super) fn prefix(family: Family, word: &str) -> String {
    match family {
        Family::Ipv4 => format!("IPTABLES-{word}: "),
        Family::Ipv6 => format!("IP6TABLES-{word}: "),
    }
}

/// Where nothing is tracked (NOTRACK), the later packets of a connection look like this: only its
/// first is logged.
fn later_and_untracked() -> Rule {
    Rule::new(Target::Accept)
        .matching(Protocol::TCP)
        .matching(Tcp::new().not_opening())
        .matching(Conntrack::state(CtState::UNTRACKED))
}
