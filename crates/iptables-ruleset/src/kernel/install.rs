//! What it takes to have a ruleset in a table.

use super::ApplyError;
use super::batch::{Action, Change};
use super::part::Part;
use super::snapshot::{ChainState, RuleState, TableState, rules_of};
use crate::{Hook, Policy};

/// The changes from what is there to what is wanted. Chains of ours are filled anew; in the
/// built-in chains nothing is touched but jumps to ours.
pub(super) fn changes(
    part: &Part,
    table: Option<&TableState>,
    changes: &mut Vec<Change>,
) -> Result<(), ApplyError> {
    let mut push = |action: Action| changes.push(part.change(action));
    match table {
        None => push(Action::Table),
        Some(table) => check_table(part, table)?,
    }
    policies(part, table, &mut push);
    for chain in &part.chains {
        match table.and_then(|table| table.chain(&chain.name)) {
            None => push(Action::Chain(chain.name.clone())),
            Some(_) => push(Action::Flush(chain.name.clone())),
        }
    }
    for name in &part.local {
        if table.is_none_or(|table| table.chain(name).is_none()) {
            push(Action::Chain(name.clone()));
        }
    }
    // After all chains, because rules jump to them.
    for chain in &part.chains {
        for (number, (text, rule)) in (1..).zip(&chain.rules) {
            push(Action::Put {
                chain: chain.name.clone(),
                number: Some(number),
                text: text.clone(),
                rule: rule.clone(),
            });
        }
    }
    jumps(part, table, &mut push);
    Ok(())
}

/// Whether the built-in chains are as wanted: all are there, with the policies and the jumps.
pub(super) fn built_in_as_wanted(part: &Part, table: &TableState) -> bool {
    let mut changes = 0;
    let mut push = |_: Action| changes += 1;
    policies(part, Some(table), &mut push);
    jumps(part, Some(table), &mut push);
    check_table(part, table).is_ok() && changes == 0
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
        let chain = jump.hook.chain().to_owned();
        let rules = rules_of(table, jump.hook);
        let is_ours = |rule: &&RuleState| rule.always_jumps_to(&jump.to);
        let mut ours = rules.iter().filter(is_ours);
        if jump.first && !rules.first().is_some_and(|rule| is_ours(&rule)) {
            for elsewhere in ours {
                push(Action::Delete {
                    chain: chain.clone(),
                    handle: elsewhere.handle,
                });
            }
            push(Action::Put {
                chain,
                number: None,
                text: jump.text.clone(),
                rule: jump.rule.clone(),
            });
            continue;
        }
        match ours.next() {
            Some(_first) => {
                for again in ours {
                    push(Action::Delete {
                        chain: chain.clone(),
                        handle: again.handle,
                    });
                }
            }
            None => push(Action::Put {
                chain,
                number: Some(rules.len() + 1),
                text: jump.text.clone(),
                rule: jump.rule.clone(),
            }),
        }
    }
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
    for name in ours.chain(&part.local) {
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
