//! What it takes to have a ruleset in a table.

use super::ApplyError;
use super::batch::{Action, Change};
use super::plan::{Bypass, Part};
use super::snapshot::{ChainState, Outcome, RuleState, TableState};
use crate::{Hook, Policy};

/// The changes from what is there to what is wanted. Chains of ours are filled anew; in the built-in chains nothing
/// is touched but jumps to ours.
pub(super) fn changes(
    part: &Part,
    table: Option<&TableState>,
    changes: &mut Vec<Change>,
) -> Result<(), ApplyError> {
    let mut push = |action: Action| {
        changes.push(Change {
            family: part.family,
            action,
        });
    };
    match table {
        None => push(Action::Table),
        Some(table) => check_table(part, table)?,
    }
    for hook in Hook::ALL {
        let there = table.and_then(|table| table.chain(hook.chain()));
        let wanted = part.policies.get(&hook).copied();
        let policy = match there {
            // iptables makes all three at once, and others count on finding them.
            None => Some(wanted.unwrap_or(Policy::Accept)),
            Some(chain) => wanted.filter(|policy| chain.policy() != Some(*policy)),
        };
        if let Some(policy) = policy {
            push(Action::Policy(hook, policy));
        }
    }
    for chain in &part.chains {
        match table.and_then(|table| table.chain(&chain.name)) {
            None => push(Action::Chain(chain.name.clone())),
            Some(_) => push(Action::Flush(chain.name.clone())),
        }
    }
    // After all chains, because rules jump to them.
    for chain in &part.chains {
        for (number, (text, rule)) in (1..).zip(&chain.rules) {
            push(Action::Append {
                chain: chain.name.clone(),
                number,
                text: text.clone(),
                rule: rule.clone(),
            });
        }
    }
    for jump in &part.jumps {
        let chain = jump.hook.chain().to_owned();
        let rules = rules_of(table, jump.hook);
        let mut ours = rules.iter().filter(|rule| rule.always_jumps_to(&jump.to));
        match ours.next() {
            Some(_first) => {
                for again in ours {
                    push(Action::Delete {
                        chain: chain.clone(),
                        handle: again.handle,
                    });
                }
            }
            None => push(Action::Append {
                chain,
                number: rules.len() + 1,
                text: jump.text.clone(),
                rule: jump.rule.clone(),
            }),
        }
    }
    Ok(())
}

/// Rules that end every packet's way before it gets to ours.
pub(super) fn bypasses(part: &Part, table: Option<&TableState>) -> Vec<Bypass> {
    let Some(table) = table else {
        return Vec::new();
    };
    let mut found: Vec<Bypass> = Vec::new();
    for jump in &part.jumps {
        let before = rules_of(Some(table), jump.hook)
            .iter()
            .take_while(|rule| !rule.always_jumps_to(&jump.to));
        let verdict = (1..)
            .zip(before)
            .find_map(|(position, rule)| Some((position, ending(part, table, rule, 0)?)));
        if let Some((position, verdict)) = verdict {
            let bypass = Bypass {
                family: part.family,
                hook: jump.hook,
                position,
                verdict,
            };
            if !found.contains(&bypass) {
                found.push(bypass);
            }
        }
    }
    found
}

/// How the rule ends the way of every packet, if it does. Anything that is not understood may be a condition and ends
/// nothing.
fn ending(part: &Part, table: &TableState, rule: &RuleState, depth: u8) -> Option<String> {
    if !rule.unconditional || depth > MAX_DEPTH {
        return None;
    }
    let inside = |to: &str| {
        // Our own chains are the firewall.
        let chain = table.chain(to).filter(|_| !part.owns(to))?;
        let mut rules = chain
            .rules()
            .iter()
            .take_while(|rule| !(rule.unconditional && rule.outcome == Outcome::Return));
        let verdict = rules.find_map(|rule| ending(part, table, rule, depth + 1))?;
        Some(if verdict.contains(" in chain ") {
            verdict
        } else {
            format!("{verdict} in chain {to}")
        })
    };
    match &rule.outcome {
        Outcome::Continue => None,
        Outcome::Accept => Some("ACCEPT".to_owned()),
        Outcome::Drop => Some("DROP".to_owned()),
        Outcome::Reject => Some("REJECT".to_owned()),
        Outcome::Queue => Some("NFQUEUE".to_owned()),
        Outcome::Return => Some("RETURN".to_owned()),
        Outcome::Jump(to) => inside(to),
        // There is no way back from it.
        Outcome::Goto(to) if part.owns(to) => None,
        Outcome::Goto(to) => Some(inside(to).unwrap_or_else(|| format!("GOTO {to}"))),
    }
}

fn check_table(part: &Part, table: &TableState) -> Result<(), ApplyError> {
    if table.flags & NFT_TABLE_F_DORMANT != 0 {
        return Err(part.conflict("it is dormant, so that no rule in it works; `nft` can wake it"));
    }
    if table.flags & NFT_TABLE_F_OWNER != 0 {
        return Err(part.conflict("it belongs to another process, which alone may change it"));
    }
    for hook in Hook::ALL {
        if let Some(chain) = table.chain(hook.chain()) {
            check_built_in(part, hook, chain)?;
        }
    }
    for chain in &part.chains {
        if table
            .chain(&chain.name)
            .is_some_and(|there| there.base.is_some())
        {
            let reason = format!(
                "chain {} has a hook of its own; a firewall chain must not",
                chain.name
            );
            return Err(part.conflict(reason));
        }
    }
    Ok(())
}

fn check_built_in(part: &Part, hook: Hook, chain: &ChainState) -> Result<(), ApplyError> {
    if chain.is_built_in(hook) {
        return Ok(());
    }
    Err(part.conflict(match &chain.base {
        None => format!("chain {hook} has no hook, so no packet ever gets to it; it is not iptables' chain"),
        Some(base) => format!(
            "chain {hook} has type {}, hook {} and priority {} instead of iptables' type filter, hook {} and priority 0",
            base.kind,
            base.hook,
            base.priority,
            super::snapshot::BaseChain::hook_number(hook)
        ),
    }))
}

pub(super) fn rules_of(table: Option<&TableState>, hook: Hook) -> &[RuleState] {
    table
        .and_then(|table| table.chain(hook.chain()))
        .map_or(&[], ChainState::rules)
}

/// `NFT_TABLE_F_DORMANT` and `NFT_TABLE_F_OWNER`, `linux/netfilter/nf_tables.h`.
const NFT_TABLE_F_DORMANT: u32 = 0x1;
const NFT_TABLE_F_OWNER: u32 = 0x2;
/// `NFT_JUMP_STACK_SIZE`, `net/netfilter/nf_tables.h`: the kernel follows no more jumps.
const MAX_DEPTH: u8 = 16;
