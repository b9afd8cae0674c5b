//! Where a packet's way ends: logged and accepted, logged and dropped.

use super::Chains;
use crate::config::LogTarget;
use crate::match_::{Conntrack, CtState, Limit, Protocol, Tcp};
use crate::target::{Log, LogLevel, Nflog};
use crate::{BuildError, Config, Family, Rule, Ruleset, Target};

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    let log = &config.log;
    let family = ruleset.family();
    let line = |word: &str, level| log_rule(config, &prefix(family, word), level);
    ruleset
        .chain(chains.log_and_accept.clone())
        .append(later_and_untracked())
        .append(line("ALLOWED", log.allowed_level)?)
        .append(Rule::new(Target::Accept));
    ruleset
        .chain(chains.log_and_drop.clone())
        .append(line("BLOCKED", log.blocked_level)?)
        .append(Rule::new(Target::Drop));
    ruleset
        .chain(chains.log_and_drop_limited.clone())
        .append(line("LIMITED", log.limited_level)?)
        .append(Rule::new(Target::Drop));
    let invalid = ruleset.chain(chains.log_and_drop_invalid.clone());
    if log.invalid {
        invalid.append(line("INVALID", log.invalid_level)?);
    }
    invalid.append(Rule::new(Target::Drop));
    Ok(())
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

fn log_rule(config: &Config, prefix: &str, level: LogLevel) -> Result<Rule, BuildError> {
    let target = match config.log.target {
        LogTarget::Log => Target::from(Log::new(prefix)?.level(level)),
        LogTarget::Nflog { group } => Target::from(Nflog::new(group).prefix(prefix)?),
    };
    let rule = Rule::new(target);
    match config.log.rate {
        Some(rate) => Ok(rule.matching(Limit::new(rate)?)),
        None => Ok(rule),
    }
}
