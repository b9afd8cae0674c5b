//! LOG_AND_ACCEPT and LOG_AND_DROP.

use super::Chains;
use crate::config::LogTarget;
use crate::match_::Limit;
use crate::target::{Log, LogLevel, Nflog};
use crate::{BuildError, Config, Family, Rule, Ruleset, Target};

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    let tag = match ruleset.family() {
        Family::Ipv4 => "IPTABLES",
        Family::Ipv6 => "IP6TABLES",
    };
    let allowed = log_rule(
        config,
        &format!("{tag}-ALLOWED: "),
        config.log.allowed_level,
    )?;
    let blocked = log_rule(
        config,
        &format!("{tag}-BLOCKED: "),
        config.log.blocked_level,
    )?;
    ruleset
        .chain(chains.log_and_accept.clone())
        .append(allowed)
        .append(Rule::new(Target::Accept));
    ruleset
        .chain(chains.log_and_drop.clone())
        .append(blocked)
        .append(Rule::new(Target::Drop));
    Ok(())
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
