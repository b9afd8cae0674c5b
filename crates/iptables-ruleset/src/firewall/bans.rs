//! Who is banned, wherever bans hold.

use super::instant;
use crate::config::List;
use crate::match_::Set;
use crate::{BuildError, ChainName, Config, Family, Rule};

/// The rules of the blacklist and of the block lists: what their members send goes to `to`. There
/// is one for each, so that its counters tell which.
pub(super) fn rules(
    config: &Config,
    family: Family,
    to: &ChainName,
) -> Result<Vec<Rule>, BuildError> {
    let rule = |member| Rule::new(to.clone()).matching(member);
    Ok(members(config, family)?.into_iter().map(rule).collect())
}

/// Who is banned: a member of one of these sets.
pub(super) fn members(config: &Config, family: Family) -> Result<Vec<Set>, BuildError> {
    let mut members = instant::members(config, List::Blacklist, family)?;
    for list in &config.blocklists {
        members.push(list.member(family)?);
    }
    Ok(members)
}
