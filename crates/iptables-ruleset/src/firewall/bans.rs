//! Who is banned, wherever bans hold.

use crate::config::List;
use crate::{BuildError, ChainName, Config, Family, Rule};

/// The rules of the blacklist and of the block lists: what their members send goes to `to`. There
/// is one for each, so that its counters tell which.
pub(super) fn rules(
    config: &Config,
    family: Family,
    to: &ChainName,
) -> Result<Vec<Rule>, BuildError> {
    let rule = |member| Rule::new(to.clone()).matching(member);
    let mut rules = vec![rule(List::Blacklist.member(family)?)];
    for list in &config.blocklists {
        rules.push(rule(list.member(family)?));
    }
    Ok(rules)
}
