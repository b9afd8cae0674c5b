//! What it takes to have a ruleset in a table.

use super::batch::{Action, Change, Place};
use super::fill::Filling;
use super::part::{Chain, Jump, Part};
use super::snapshot::{ChainState, RuleState, TableState, rules_of};
use super::{ApplyError, guest, left_out};
use crate::{Hook, LeftOut, Policy};

/// The changes from what is there to what is wanted; none where it is as wanted. Of chains of ours
/// all rules go that are not wanted; in the built-in chains nothing is touched but jumps to ours.
pub(super) fn changes<'p>(
    part: &'p Part,
    table: Option<&'p TableState>,
    changes: &mut Vec<Change>,
) -> Result<(), ApplyError> {
    let mut push = |action: Action| changes.push(part.change(action));
    match table {
        None => push(Action::Table),
        Some(table) => check_table(part, table)?,
    }
    policies(part, table, &mut push);
    let filling = |chain: &'p Chain| {
        let found = table.and_then(|table| table.chain(&chain.name));
        Filling::new(part, chain, found)
    };
    let fillings: Vec<Filling<'_>> = part.chains.iter().map(filling).collect();
    for filling in &fillings {
        filling.clear(&mut push);
    }
    for name in &part.local {
        if table.is_none_or(|table| table.chain(name).is_none()) {
            push(Action::Chain(name.clone()));
        }
    }
    // After all chains, because rules jump to them.
    for filling in &fillings {
        filling.fill(&mut push);
    }
    jumps(part, table, &mut push);
    guest::changes(part, table, &mut push);
    take_out(part, table, &mut push);
    Ok(())
}

fn policies(part: &Part, table: Option<&TableState>, push: &mut impl FnMut(Action)) {
    for hook in part.hooks() {
        let there = table.and_then(|table| table.chain(hook.chain()));
        let wanted = part.policies.get(&hook).copied();
        let policy = match there {
            // iptables makes all of a table at once, and others count on finding them.
            None => Some(wanted.unwrap_or(Policy::Accept)),
            Some(chain) => wanted.filter(|policy| chain.policy() != Some(*policy)),
        };
        if let Some(policy) = policy {
            push(Action::Policy(hook, policy));
        }
    }
}

fn jumps(part: &Part, table: Option<&TableState>, push: &mut impl FnMut(Action)) {
    for jump in &part.jumps {
        place(jump.hook.chain(), rules_of(table, jump.hook), jump, push);
    }
}

/// Has a jump once in a chain of others.
pub(super) fn place(chain: &str, rules: &[RuleState], jump: &Jump, push: &mut impl FnMut(Action)) {
    let is_ours = |rule: &&RuleState| rule.always_jumps_to(&jump.to);
    let mut ours = rules.iter().filter(is_ours);
    let moves = jump.first && !rules.first().is_some_and(|rule| is_ours(&rule));
    let stays = if moves { None } else { ours.next() };
    for elsewhere in ours {
        push(Action::Delete {
            chain: chain.to_owned(),
            handle: elsewhere.handle,
        });
    }
    if stays.is_none() {
        let (number, place) = if jump.first {
            (None, Place::First)
        } else {
            (Some(rules.len() + 1), Place::Last)
        };
        push(Action::Put {
            chain: chain.to_owned(),
            number,
            place,
            rule: jump.rule.clone(),
        });
    }
}

/// Takes away chains of ours that are not wanted.
fn take_out(part: &Part, table: Option<&TableState>, push: &mut impl FnMut(Action)) {
    let Some(table) = table else { return };
    let left_out: Vec<&LeftOut> = part.left_out.iter().collect();
    let all = left_out::of(part.of(), table, &left_out, &|name| part.owns(name));
    left_out::changes(&all, |hook| part.policies.contains_key(&hook), push);
}

fn check_table(part: &Part, table: &TableState) -> Result<(), ApplyError> {
    if table.flags & NFT_TABLE_F_DORMANT != 0 {
        return Err(part.conflict("it is dormant, so that no rule in it works; `nft` can wake it"));
    }
    if table.flags & NFT_TABLE_F_OWNER != 0 {
        return Err(part.conflict("it belongs to another process, which alone may change it"));
    }
    for hook in part.hooks() {
        if let Some(chain) = table.chain(hook.chain()) {
            check_built_in(part, hook, chain)?;
        }
    }
    let ours = part.chains.iter().map(|chain| &chain.name);
    let hosts = part.guests.iter().map(|guest| &guest.host);
    for name in ours.chain(&part.local).chain(hosts) {
        let there = table.chain(name);
        if there.is_some_and(|there| there.base.is_some()) {
            let reason = format!("chain {name} has a hook of its own; a firewall chain must not");
            return Err(part.conflict(reason));
        }
    }
    Ok(())
}

fn check_built_in(part: &Part, hook: Hook, chain: &ChainState) -> Result<(), ApplyError> {
    if chain.is_built_in(part.table, hook) {
        return Ok(());
    }
    Err(part.conflict(match &chain.base {
        None => format!("chain {hook} has no hook, so no packet ever gets to it; it is not iptables' chain"),
        Some(base) => format!(
            "chain {hook} has type {}, hook {} and priority {} instead of iptables' type {}, hook {} and priority {}",
            base.kind,
            base.hook,
            base.priority,
            part.table.chain_type(hook).name(),
            hook.number(),
            part.table.priority(hook)
        ),
    }))
}

/// `NFT_TABLE_F_DORMANT` and `NFT_TABLE_F_OWNER`, `linux/netfilter/nf_tables.h`.
const NFT_TABLE_F_DORMANT: u32 = 0x1;
const NFT_TABLE_F_OWNER: u32 = 0x2;
