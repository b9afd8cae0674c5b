//! What it takes to have the rules of a chain of ours as they are wanted.

use super::batch::{Action, Place, WrittenRule};
use super::part::{Chain, Part};
use super::snapshot::{ChainState, RuleState};

/// How a chain of ours comes to have the rules that are wanted: those at its beginning and at its
/// end that it has already stay, with what they have counted.
pub(super) struct Filling<'a> {
    wanted: &'a Chain,
    /// `None` where there is no such chain.
    found: Option<&'a ChainState>,
    /// How many rules at the beginning stay.
    first: usize,
    /// How many rules at the end stay.
    last: usize,
}

impl<'a> Filling<'a> {
    pub(super) fn new(part: &Part, wanted: &'a Chain, found: Option<&'a ChainState>) -> Self {
        let there = found.filter(|chain| !chain.unread);
        let there = there.map_or(&[][..], ChainState::rules);
        let pairs = there.iter().zip(&wanted.rules);
        let first = pairs.take_while(|(found, wanted)| is(part, found, wanted));
        let first = first.count();
        let left = there.len().min(wanted.rules.len()) - first;
        let pairs = there.iter().rev().zip(wanted.rules.iter().rev());
        let last = pairs
            .take(left)
            .take_while(|(found, wanted)| is(part, found, wanted));
        let last = last.count();
        // Where most rules go it is quicker to begin with none.
        let (first, last) = if (first + last) * 2 < there.len() {
            (0, 0)
        } else {
            (first, last)
        };
        Self {
            wanted,
            found,
            first,
            last,
        }
    }

    /// Has the chain without the rules that go.
    pub(super) fn clear(&self, push: &mut impl FnMut(Action)) {
        let chain = &self.wanted.name;
        let Some(found) = self.found else {
            return push(Action::Chain(chain.clone()));
        };
        if self.first + self.last == 0 {
            if found.unread || !found.rules().is_empty() {
                push(Action::Flush(chain.clone()));
            }
            return;
        }
        let staying = found.rules().len() - self.last;
        for rule in found.rules().iter().take(staying).skip(self.first) {
            push(Action::Delete {
                chain: chain.clone(),
                handle: rule.handle,
            });
        }
    }

    /// Puts the rules in that are missing; all chains have to be there by then, because rules jump
    /// to them.
    pub(super) fn fill(&self, push: &mut impl FnMut(Action)) {
        let rules = self.found.map_or(&[][..], ChainState::rules);
        let behind = rules.get(rules.len() - self.last..);
        let behind = behind.and_then(|rules| rules.first());
        let place = behind.map_or(Place::Last, |rule| Place::Before(rule.handle));
        let wanted = &self.wanted.rules;
        let staying = wanted.len() - self.last;
        let missing = (1..).zip(wanted).take(staying).skip(self.first);
        for (number, rule) in missing {
            push(Action::Put {
                chain: self.wanted.name.clone(),
                number: Some(number),
                place,
                rule: rule.clone(),
            });
        }
    }
}

/// Whether a rule is the wanted one: what is read encodes to what it was read from, so that the same
/// expressions, or the same text, are the same rule.
fn is(part: &Part, found: &RuleState, wanted: &WrittenRule) -> bool {
    let set_name = |index| part.sets.get(&index).cloned();
    found.decoded() == wanted.encoded.expressions
        || found.text(part.family, set_name) == wanted.text()
}
