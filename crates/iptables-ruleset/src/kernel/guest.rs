//! Jumps to chains of ours in chains of others.

use super::batch::Action;
use super::install::place;
use super::part::Part;
use super::snapshot::{RuleState, Snapshot, TableState, rules_in, rules_of};
use crate::{Guest, Hook, Ruleset};

impl Snapshot {
    /// The chain whose jump leads packets to the guest's: its host, or the built-in chain as long as
    /// that does not jump to the host.
    pub fn stands_in<'g>(&self, ruleset: &Ruleset, guest: &'g Guest) -> &'g str {
        let host = guest.host().as_str();
        if leads_to(self.table_of(ruleset), guest.hook(), host) {
            host
        } else {
            guest.hook().chain()
        }
    }
}

/// Whether every packet that comes to the rule is led to the host.
pub(super) fn leads_to(table: Option<&TableState>, hook: Hook, host: &str) -> bool {
    let mut rules = rules_of(table, hook).iter();
    rules.any(|rule| rule.always_jumps_to(host))
}

/// The changes that have each jump first in its host, and in the built-in chain where that does not
/// lead to the host.
pub(super) fn changes(part: &Part, table: Option<&TableState>, push: &mut impl FnMut(Action)) {
    for guest in &part.guests {
        let (host, jump) = (guest.host.as_str(), &guest.jump);
        if table.is_none_or(|table| table.chain(host).is_none()) {
            push(Action::Chain(host.to_owned()));
        }
        place(host, rules_in(table, host), jump, push);
        let built_in = jump.hook.chain();
        let rules = rules_of(table, jump.hook);
        if leads_to(table, jump.hook, host) {
            let again = |rule: &&RuleState| rule.always_jumps_to(&jump.to);
            for rule in rules.iter().filter(again) {
                push(Action::Delete {
                    chain: built_in.to_owned(),
                    handle: rule.handle,
                });
            }
        } else {
            place(built_in, rules, jump, push);
        }
    }
}
