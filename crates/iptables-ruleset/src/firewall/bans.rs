//! Who is banned, wherever bans hold.

use crate::config::List;
use crate::{BuildError, ChainName, Family, Rule};

/// The rules of the blacklist and of its kind: what their members send goes to `to`.
pub(super) fn rules(family: Family, to: &ChainName) -> Result<Vec<Rule>, BuildError> {
    Ok(vec![
        Rule::new(to.clone()).matching(List::Blacklist.member(family)?),
    ])
}
