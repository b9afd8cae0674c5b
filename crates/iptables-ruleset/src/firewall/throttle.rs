//! Sources that were caught asking for too much: beyond their limit they are dropped.

use super::Chains;
use super::budget::Budget;
use super::instant;
use crate::config::{List, PER_V4, PER_V6, ThrottleLimits, WithinLimit};
use crate::match_::{DEFAULT_BURST, Match, Protocol, Tcp};
use crate::{BuildError, Config, Family, Rule};

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
        let mut before: Vec<Match> = Vec::new();
        for set in instant::members(config, list, family)? {
            // Who is in both spends once.
            let of_set: Vec<Match> = [set.clone().into()]
                .into_iter()
                .chain(before.clone())
                .collect();
            append_list(
                rules,
                list,
                &of_set,
                limits,
                throttle.within_limit,
                family,
                chains,
            )?;
            before.push(set.inverted().into());
        }
    }
    Ok(())
}

fn append_list(
    rules: &mut Vec<Rule>,
    list: List,
    set: &[Match],
    limits: ThrottleLimits,
    within: WithinLimit,
    family: Family,
    chains: &Chains,
) -> Result<(), BuildError> {
    let (icmp, prefix) = match family {
        Family::Ipv4 => (Protocol::ICMP, PER_V4),
        Family::Ipv6 => (Protocol::ICMPV6, PER_V6),
    };
    let of_set = |rule: Rule| set.iter().cloned().fold(rule, Rule::matching);
    // Whoever asks for a connection: what opens none is no matter for a limit of connections.
    let tcp = |rule: Rule| of_set(rule.matching(Protocol::TCP)).matching(Tcp::new().opening());
    let icmp = |rule: Rule| of_set(rule.matching(icmp));

    // The limit is the last match, so that only what the rule is about is counted.
    let drop = || Rule::new(chains.log_and_drop.clone());
    for (rule, protocol, rate) in [
        (tcp(drop()), "tcp", limits.tcp),
        (icmp(drop()), "icmp", limits.icmp),
    ] {
        // No service's name begins like this.
        let name = format!("{}-{protocol}", list.name());
        let budget = Budget::new(&name, rate, DEFAULT_BURST, prefix);
        // While more come than each source's could be counted, a network is over the limit when it
        // is as a whole.
        if let Some(crowd) = budget.crowd(&name, family)? {
            let crowded = rule.clone().matching(crowd.guard.clone());
            rules.push(crowded.matching(crowd.above(family)?));
        }
        rules.push(rule.matching(budget.above(family)?));
    }
    if within == WithinLimit::Accept {
        let accept = || Rule::new(chains.log_and_accept.clone());
        rules.push(tcp(accept()));
        rules.push(icmp(accept()));
    }
    Ok(())
}
