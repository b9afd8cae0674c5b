//! Rules read back: from expressions to the model they were written from.
//!
//! What is read must encode to the very expressions it was read from; whatever does not is kept as
//! it is and shown, so that nothing of a rule is dropped or guessed.

use std::borrow::Cow;

use crate::decoding::Decoder;
use crate::encoding::Expression;
use crate::{Family, Match, Rule, Target, match_, target};

/// A rule made of these expressions; `set_name` tells the names of sets by their index.
pub(crate) fn rule(
    family: Family,
    expressions: &[Expression],
    set_name: &dyn Fn(u16) -> Option<String>,
) -> Rule {
    let (conditions, action) = parts(expressions);
    let mut decoder = Decoder::new(family, set_name, &conditions);
    let target = action.map_or(Target::None, |action| {
        Target::decode(action, family, set_name)
    });
    let mut rule = Rule::new(target);
    while !decoder.is_done() {
        let Some(one) = match_::decode(&mut decoder) else {
            break;
        };
        if let Match::Protocol(protocol) = &one {
            decoder.protocol = (!protocol.is_inverted()).then(|| protocol.number());
        }
        rule = rule.matching(one);
    }
    rule
}

/// What a rule asks for, and what it does. iptables counts between the two; without a counter only
/// what is known to be a target is one.
fn parts(expressions: &[Expression]) -> (Cow<'_, [Expression]>, Option<&Expression>) {
    let counted = |expression: &Expression| matches!(expression, Expression::Counter);
    let action = expressions
        .split_last()
        .filter(|(last, before)| before.iter().any(counted) || target::is_target(last));
    let (action, conditions) = match action {
        Some((last, _)) if counted(last) => (None, expressions),
        Some((last, before)) => (Some(last), before),
        None => (None, expressions),
    };
    let conditions = match conditions.split_last() {
        Some((last, before)) if counted(last) => before,
        _ => conditions,
    };
    if conditions.iter().any(counted) {
        let uncounted = conditions.iter().filter(|one| !counted(one));
        return (uncounted.cloned().collect(), action);
    }
    (conditions.into(), action)
}
