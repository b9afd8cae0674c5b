//! `FIREWALL_INSTANT`: who is put into a set by what he sends that is blocked.
//!
//! `LOG_AND_DROP` asks it first, so that what it counts is what is blocked, whatever blocked it.

use super::address::addressed_to;
use super::budget::Budget;
use super::services::only;
use super::{Chains, bans};
use crate::config::{Instant, List, ServiceProtocol};
use crate::match_::{
    AddrType, AddrTypes, Conntrack, CtState, Direction, HashLimit, Match, Multiport, Protocol, Set,
    Source, Tcp,
};
use crate::{BuildError, Config, Family, LeftOut, Network, Rule, Ruleset, Target, target};

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    if config.instants.is_empty() {
        ruleset.leave_out(LeftOut::new(chains.instant.clone()));
        return Ok(());
    }
    let family = ruleset.family();
    let mut rules = exceptions(config, family)?;
    for instant in &config.instants {
        rules.extend(of_one(instant, config, family)?);
    }
    let chain = ruleset.chain(chains.instant.clone());
    for rule in rules {
        chain.append(rule);
    }
    let asks = Rule::new(chains.instant.clone());
    ruleset.chain(chains.log_and_drop.clone()).append(asks);
    Ok(())
}

/// Who is on a list: a member of its set, or of the one beside it that packets fill.
pub(super) fn members(config: &Config, list: List, family: Family) -> Result<Vec<Set>, BuildError> {
    let mut members = vec![list.member(family)?];
    let mut instants = config.instants.iter();
    if instants.any(|instant| instant.list() == Some(list)) {
        let beside = list.instant_set_name(family)?;
        members.push(Set::new(beside, Direction::Source));
    }
    Ok(members)
}

/// The rules for what never counts, whoever led it here.
pub(super) fn exceptions(config: &Config, family: Family) -> Result<Vec<Rule>, BuildError> {
    let left = |packets: Match| Rule::new(Target::Return).matching(packets);
    let begins = CtState::NEW.or(CtState::UNTRACKED);
    let mut rules = vec![
        left(Conntrack::not_state(begins).into()),
        // What is passed on, and what goes to many.
        left(AddrType::destination(AddrTypes::LOCAL).inverted().into()),
        left(AddrType::source(AddrTypes::LOCAL).into()),
    ];
    if family == Family::Ipv6 {
        // Routers and other neighbours are known by these.
        let link_local: Network = "fe80::/10".parse()?;
        rules.push(left(Source::new(link_local).into()));
    }
    rules.push(left(List::Whitelist.member(family)?.into()));
    for member in bans::members(config, family)? {
        rules.push(left(member.into()));
    }
    let mut instants = config.instants.iter();
    if instants.any(|instant| instant.protocol == ServiceProtocol::UDP) {
        // A server's answers that come too late; no field of UDP tells them from questions.
        let servers = [53, 123, 443].map(crate::PortRange::from);
        let answers = left(Protocol::UDP.into()).matching(Multiport::sources(servers)?);
        rules.push(answers);
    }
    Ok(rules)
}

/// The rules of one, which share their budgets.
pub(super) fn of_one(
    instant: &Instant,
    config: &Config,
    family: Family,
) -> Result<Vec<Rule>, BuildError> {
    let Some(set) = config.set_of_instant(instant, family)? else {
        return Ok(Vec::new());
    };
    let bans = target::Set::add(set.clone(), Direction::Source).timeout(instant.removeafter)?;
    // One that is there keeps its end, and costs nothing of what others have to spend.
    let mut then: Vec<Match> = vec![Set::new(set, Direction::Source).inverted().into()];
    // No service's name has a colon.
    let name = format!("instant:{}", instant.name);
    if let Some(rate) = instant.refill() {
        let all = family.address_bits();
        let budget = Budget::new(&name, rate, instant.howmany.saturating_sub(1), all);
        // More than its table has room for are not counted.
        then.extend(budget.uncrowded(family)?.map(Match::from));
        then.push(budget.above(family)?.into());
    }
    let (rate, burst) = instant.share()?;
    let share = format!(
        "{name}-most-{}-{}-b{burst}",
        rate.count(),
        rate.unit().name()
    );
    let share = HashLimit::new(&share, rate, burst, false)?.of_everybody();
    then.push(share.table(1, 1)?.into());
    let whole = vec![vec![instant.protocol.in_family(family).into()]];
    let kinds = if instant.protocol.has_ports() && instant.ports.is_empty() {
        whole
    } else {
        addressed_to(&instant.as_service(), family)?
    };
    let mut rules = Vec::new();
    for counted in kinds {
        let opening = only(&counted, Tcp::opening);
        let all = opening.unwrap_or(counted).into_iter();
        let all = all.chain(then.iter().cloned());
        rules.push(all.fold(Rule::new(bans.clone()), Rule::matching));
    }
    Ok(rules)
}
