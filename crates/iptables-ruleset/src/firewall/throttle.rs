//! Sources that were caught asking for too much: beyond their limit they are dropped.

use super::input::member;
use super::{Chains, List};
use crate::config::{ThrottleLimits, WithinLimit};
use crate::match_::{Conntrack, CtState, HashLimit, Protocol};
use crate::{BuildError, Config, Family, Rate, Rule};

pub(super) fn append(
    rules: &mut Vec<Rule>,
    config: &Config,
    family: Family,
    chains: &Chains,
) -> Result<(), BuildError> {
    let throttle = &config.throttle;
    for (list, limits) in [
        (List::ThrottleHard, throttle.hard),
        (List::ThrottleSoft, throttle.soft),
    ] {
        append_list(rules, list, limits, throttle.within_limit, family, chains)?;
    }
    Ok(())
}

fn append_list(
    rules: &mut Vec<Rule>,
    list: List,
    limits: ThrottleLimits,
    within: WithinLimit,
    family: Family,
    chains: &Chains,
) -> Result<(), BuildError> {
    let icmp = match family {
        Family::Ipv4 => Protocol::ICMP,
        Family::Ipv6 => Protocol::ICMPV6,
    };
    let set = member(list, family)?;
    let tcp = |rule: Rule| {
        rule.matching(Protocol::TCP)
            .matching(set.clone())
            .matching(Conntrack::state(CtState::NEW))
    };
    let icmp = |rule: Rule| rule.matching(icmp).matching(set.clone());

    // The limit is the last match, so that only what the rule is about is counted.
    let drop = || Rule::new(chains.log_and_drop.clone());
    rules.push(tcp(drop()).matching(HashLimit::above(
        &budget(list, "tcp", limits.tcp),
        limits.tcp,
    )?));
    rules.push(icmp(drop()).matching(HashLimit::above(
        &budget(list, "icmp", limits.icmp),
        limits.icmp,
    )?));
    if within == WithinLimit::Accept {
        let accept = || Rule::new(chains.log_and_accept.clone());
        rules.push(tcp(accept()));
        rules.push(icmp(accept()));
    }
    Ok(())
}

/// Begins with `throttle-`, which no service's name does.
fn budget(list: List, protocol: &str, rate: Rate) -> String {
    format!(
        "{}-{protocol}-{}-{}",
        list.name(),
        rate.count(),
        rate.unit().name()
    )
}
