//! The tables as the kernel lists them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::mark::{self, NFTA_RULE_USERDATA};
use super::message::request;
use super::socket::Socket;
use crate::kernel::snapshot::{BaseChain, ChainState, KernelTable, RuleState, TableState};
use crate::wire::attributes::Attributes;
use crate::{ApplyError, Family, Policy, Table};

/// The kernel's count of changes to the tables.
pub(super) fn generation(socket: &mut Socket) -> Result<u32, ApplyError> {
    const OPERATION: &str = "ask for the generation of the tables";
    let sequence = socket.reserve(1);
    // With an acknowledgement, so that the answer has an end.
    let request = request(NFT_MSG_GETGEN, NLM_F_ACK, sequence, AF_UNSPEC, &[]);
    let mut found = None;
    socket.dump(&request, sequence, OPERATION, |message| {
        found = found.or(message.attributes().u32(NFTA_GEN_ID));
    })?;
    found.ok_or(ApplyError::UnexpectedReply {
        operation: OPERATION,
        reason: "there is no number in it",
    })
}

/// The kernel's number of the family.
pub(super) fn protocol_family(family: Family) -> u8 {
    match family {
        Family::Ipv4 => NFPROTO_IPV4,
        Family::Ipv6 => NFPROTO_IPV6,
    }
}

/// Which rules are read with a table.
#[derive(Clone, Copy)]
pub(super) enum Rules<'a> {
    /// Those of every chain.
    All,
    /// Those of the built-in chains and of the chains of these names.
    BuiltInAnd(&'a BTreeSet<String>),
}

/// The tables of iptables that `family` has. `torn` becomes true where others changed them while
/// the rules of a named chain were read.
pub(super) fn tables(
    socket: &mut Socket,
    family: Family,
    which: Rules<'_>,
    torn: &mut bool,
) -> Result<BTreeMap<Table, TableState>, ApplyError> {
    let number = protocol_family(family);
    let mut found: BTreeMap<Table, TableState> = BTreeMap::new();
    list(socket, number, TABLES, &[], |attributes| {
        let name = attributes.string(NFTA_TABLE_NAME);
        if let Some(table) = name.and_then(|name| Table::named(&name)) {
            let state = TableState {
                flags: attributes.u32(NFTA_TABLE_FLAGS).unwrap_or(0),
                handle: attributes.u64(NFTA_TABLE_HANDLE).unwrap_or(0),
                ..TableState::default()
            };
            found.insert(table, state);
        }
    })?;
    if found.is_empty() {
        return Ok(found);
    }
    list(socket, number, CHAINS, &[], |attributes| {
        if let Some((table, name)) = chain_place(attributes) {
            let table = Table::named(&table);
            if let Some(table) = table.and_then(|table| found.get_mut(&table)) {
                table.chains.insert(name, chain(attributes));
            }
        }
    })?;
    for (name, table) in &mut found {
        match which {
            Rules::All => rules(socket, number, *name, table, None)?,
            Rules::BuiltInAnd(names) => {
                let is_read = |chain: &str| name.hook(chain).is_some() || names.contains(chain);
                for (chain, state) in &mut table.chains {
                    state.unread = !is_read(chain);
                }
                for hook in name.hooks() {
                    if table.chains.contains_key(hook.chain()) {
                        rules(socket, number, *name, table, Some(hook.chain()))?;
                    }
                }
                for named in names {
                    let is_built_in = name.hook(named).is_some();
                    if is_built_in || table.chain(named).is_none() {
                        continue;
                    }
                    match rules(socket, number, *name, table, Some(named)) {
                        Err(error) if error.is_stale() => *torn = true,
                        other => other?,
                    }
                }
            }
        }
    }
    Ok(found)
}

/// The tables of this family, whoever made them.
pub(super) fn every_table(
    socket: &mut Socket,
    family: &'static str,
    number: u8,
) -> Result<Vec<KernelTable>, ApplyError> {
    let mut found: BTreeMap<String, TableState> = BTreeMap::new();
    list(socket, number, CHAINS, &[], |attributes| {
        if let Some((table, name)) = chain_place(attributes) {
            let chains = &mut found.entry(table).or_default().chains;
            chains.insert(name, chain(attributes));
        }
    })?;
    list(socket, number, RULES, &[], |attributes| {
        let Some((table, chain)) = place(attributes) else {
            return;
        };
        let table = found.get_mut(&table);
        let chain = table.and_then(|table| table.chains.get_mut(&chain));
        if let (Some(chain), Some(rule)) = (chain, rule(attributes)) {
            Arc::make_mut(&mut chain.rules).push(rule);
        }
    })?;
    let table = |(name, state)| KernelTable {
        family,
        name,
        state,
    };
    Ok(found.into_iter().map(table).collect())
}

/// Reads the rules of all chains of a table, or of one.
fn rules(
    socket: &mut Socket,
    number: u8,
    of: Table,
    table: &mut TableState,
    only: Option<&str>,
) -> Result<(), ApplyError> {
    rules_in(socket, number, of.name(), only, |attributes| {
        let chain = attributes.string(NFTA_RULE_CHAIN);
        let chain = chain.filter(|chain| only.is_none_or(|only| chain == only));
        let chain = chain.and_then(|chain| table.chains.get_mut(&*chain));
        // A chain that came after the list of chains: the batch will be stale.
        if let (Some(chain), Some(rule)) = (chain, rule(attributes)) {
            Arc::make_mut(&mut chain.rules).push(rule);
        }
    })
}

/// Lists the rules of a table, whoever made it.
pub(super) fn rules_of(
    socket: &mut Socket,
    family: u8,
    table: &str,
    each: impl FnMut(&Attributes<'_>),
) -> Result<(), ApplyError> {
    rules_in(socket, family, table, None, each)
}

fn rules_in(
    socket: &mut Socket,
    family: u8,
    table: &str,
    chain: Option<&str>,
    mut each: impl FnMut(&Attributes<'_>),
) -> Result<(), ApplyError> {
    let text = |name: &str| [name.as_bytes(), &[0]].concat();
    let (of_table, name) = (text(table), chain.map(text));
    // Kernels that know the filter leave the others out, the rest lists them too.
    let mut filter: Vec<(u16, &[u8])> = vec![(NFTA_RULE_TABLE, &of_table)];
    filter.extend(name.as_deref().map(|name| (NFTA_RULE_CHAIN, name)));
    list(socket, family, RULES, &filter, |attributes| {
        if attributes.string(NFTA_RULE_TABLE).as_deref() == Some(table) {
            each(attributes);
        }
    })
}

/// What can be listed: the kernel's number of the request, and what it is for.
#[derive(Clone, Copy)]
pub(super) struct Listed(u16, &'static str);

const TABLES: Listed = Listed(NFT_MSG_GETTABLE, "list the tables");
pub(super) const CHAINS: Listed = Listed(NFT_MSG_GETCHAIN, "list the chains");
const RULES: Listed = Listed(NFT_MSG_GETRULE, "list the rules");

/// Lists what `family` has, of all tables or as the attributes of the request say.
pub(super) fn list(
    socket: &mut Socket,
    family: u8,
    Listed(kind, operation): Listed,
    filter: &[(u16, &[u8])],
    mut each: impl FnMut(&Attributes<'_>),
) -> Result<(), ApplyError> {
    let sequence = socket.reserve(1);
    let request = request(kind, NLM_F_DUMP, sequence, family, filter);
    socket.dump(&request, sequence, operation, |message| {
        if message.payload.first() == Some(&family) {
            each(&message.attributes());
        }
    })
}

/// The table and the chain of a rule.
pub(super) fn place(rule: &Attributes<'_>) -> Option<(String, String)> {
    names(rule, NFTA_RULE_TABLE, NFTA_RULE_CHAIN)
}

/// The table and the name of a chain.
pub(super) fn chain_place(chain: &Attributes<'_>) -> Option<(String, String)> {
    names(chain, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME)
}

fn names(of: &Attributes<'_>, first: u16, second: u16) -> Option<(String, String)> {
    let name = |attribute| of.string(attribute).map(Cow::into_owned);
    name(first).zip(name(second))
}

/// A chain, without its rules.
fn chain(attributes: &Attributes<'_>) -> ChainState {
    ChainState {
        base: base_chain(attributes),
        handle: attributes.u64(NFTA_CHAIN_HANDLE).unwrap_or(0),
        ..ChainState::default()
    }
}

pub(super) fn base_chain(attributes: &Attributes<'_>) -> Option<BaseChain> {
    attributes.find(NFTA_CHAIN_HOOK)?;
    let hook = attributes.nested(NFTA_CHAIN_HOOK);
    let drop = attributes.u32(NFTA_CHAIN_POLICY) == Some(0);
    Some(BaseChain {
        kind: attributes
            .string(NFTA_CHAIN_TYPE)
            .unwrap_or_default()
            .into_owned(),
        hook: hook.u32(NFTA_HOOK_HOOKNUM).unwrap_or(u32::MAX),
        priority: hook.u32(NFTA_HOOK_PRIORITY).map_or(i32::MAX, |priority| {
            i32::from_ne_bytes(priority.to_ne_bytes())
        }),
        policy: if drop { Policy::Drop } else { Policy::Accept },
    })
}

pub(super) fn rule(attributes: &Attributes<'_>) -> Option<RuleState> {
    let expressions = attributes.find(NFTA_RULE_EXPRESSIONS).unwrap_or(&[]);
    let user_data = attributes.find(NFTA_RULE_USERDATA).unwrap_or(&[]);
    let rule = RuleState::sent(
        attributes.u64(NFTA_RULE_HANDLE)?,
        expressions,
        mark::is_marked(user_data),
    );
    Some(rule.with_user_data(user_data))
}

/// linux/netlink.h, linux/netfilter.h.
const NLM_F_ACK: u16 = 0x4;
const NLM_F_DUMP: u16 = 0x300;
const AF_UNSPEC: u8 = 0;
const NFPROTO_IPV4: u8 = 2;
const NFPROTO_IPV6: u8 = 10;
/// `linux/netfilter/nf_tables.h`: enum `nf_tables_msg_types`.
const NFT_MSG_GETTABLE: u16 = 1;
const NFT_MSG_GETCHAIN: u16 = 4;
const NFT_MSG_GETRULE: u16 = 7;
const NFT_MSG_GETGEN: u16 = 16;
/// enum `nft_gen_attributes`, `nft_table_attributes`, `nft_chain_attributes`,
/// `nft_hook_attributes`, `nft_rule_attributes`.
const NFTA_GEN_ID: u16 = 1;
const NFTA_TABLE_NAME: u16 = 1;
const NFTA_TABLE_FLAGS: u16 = 2;
const NFTA_TABLE_HANDLE: u16 = 4;
const NFTA_CHAIN_TABLE: u16 = 1;
const NFTA_CHAIN_HANDLE: u16 = 2;
const NFTA_CHAIN_NAME: u16 = 3;
const NFTA_CHAIN_HOOK: u16 = 4;
const NFTA_CHAIN_POLICY: u16 = 5;
const NFTA_CHAIN_TYPE: u16 = 7;
const NFTA_HOOK_HOOKNUM: u16 = 1;
const NFTA_HOOK_PRIORITY: u16 = 2;
const NFTA_RULE_TABLE: u16 = 1;
const NFTA_RULE_CHAIN: u16 = 2;
const NFTA_RULE_HANDLE: u16 = 3;
const NFTA_RULE_EXPRESSIONS: u16 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nft::datagram::Messages;

    /// Nothing that a socket can deliver stops us, whatever it says about itself.
    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for length in (0..600).cycle().take(20_000) {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    // Small numbers make lengths and types that fit.
                    if state % 3 == 0 {
                        0
                    } else {
                        state.to_le_bytes()[3] % 24
                    }
                })
                .collect();
            let attributes = Attributes(&bytes);
            let _ = (
                rule(&attributes),
                base_chain(&attributes),
                RuleState::sent(1, &bytes, mark::is_marked(&bytes)).counters(),
            );
            for family in Family::BOTH {
                let _ = RuleState::sent(1, &bytes, false).describe(family);
            }
            for message in Messages(&bytes) {
                let _ = (message.errno(), message.attributes().u32(NFTA_GEN_ID));
            }
        }
    }
}
