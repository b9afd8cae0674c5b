//! `FIREWALL_FORWARD_BANS`: who is banned from what is passed on.

use super::{Chains, bans};
use crate::config::List;
use crate::match_::{Conntrack, CtState};
use crate::{BuildError, Config, Hook, LeftOut, Rule, Ruleset, Target};

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    let (bans, host) = (&chains.forward_bans, &chains.docker_user);
    if !config.forward.protect {
        ruleset.leave_out(LeftOut::new(bans.clone()).guest_of(host.clone()));
        return Ok(());
    }
    let family = ruleset.family();
    ruleset.jump_through(Hook::Forward, host.clone(), bans.clone());
    let chain = ruleset.chain(bans.clone());
    chain.append(known());
    let whitelisted = Rule::new(Target::Return).matching(List::Whitelist.member(family)?);
    chain.append(whitelisted);
    for rule in bans::rules(config, family, &chains.log_and_drop)? {
        chain.append(rule);
    }
    Ok(())
}

/// The rule for what belongs to a connection, which others decide about: who is banned may answer
/// what is asked from inside.
pub(super) fn known() -> Rule {
    let known = Conntrack::state(CtState::RELATED.or(CtState::ESTABLISHED));
    Rule::new(Target::Return).matching(known)
}
