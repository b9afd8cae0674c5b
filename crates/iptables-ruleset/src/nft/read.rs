//! The `filter` tables as the kernel lists them.

use super::attribute::{Attributes, Message};
use super::condition::condition;
use super::message::request;
use super::socket::Socket;
use crate::kernel::snapshot::{
    BaseChain, ChainState, Content, Outcome, RuleCounters, RuleState, TableState,
};
use crate::{ApplyError, Family, Hook, Policy};

/// The number of changes so far.
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

/// Which rules are read with a table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Those of every chain.
    All,
    /// Those of the built-in chains.
    BuiltIn,
}

/// The `filter` table of `family`, if there is one.
pub(super) fn table(
    socket: &mut Socket,
    family: Family,
    which: Rules,
) -> Result<Option<TableState>, ApplyError> {
    let mut found: Option<TableState> = None;
    list(
        socket,
        family,
        NFT_MSG_GETTABLE,
        &[],
        "list the tables",
        |attributes| {
            if attributes.string(NFTA_TABLE_NAME).as_deref() == Some("filter") {
                let flags = attributes.u32(NFTA_TABLE_FLAGS).unwrap_or(0);
                found = Some(TableState {
                    flags,
                    ..TableState::default()
                });
            }
        },
    )?;
    let Some(mut table) = found else {
        return Ok(None);
    };

    list(
        socket,
        family,
        NFT_MSG_GETCHAIN,
        &[],
        "list the chains",
        |attributes| {
            if attributes.string(NFTA_CHAIN_TABLE).as_deref() == Some("filter") {
                if let Some(name) = attributes.string(NFTA_CHAIN_NAME) {
                    table.chains.insert(
                        name,
                        ChainState {
                            base: base_chain(&attributes),
                            rules: Vec::new(),
                        },
                    );
                }
            }
        },
    )?;

    // Kernels that know the filter leave the others out, the rest lists them too.
    match which {
        Rules::All => rules(socket, family, &mut table, None)?,
        Rules::BuiltIn => {
            for hook in Hook::ALL {
                rules(socket, family, &mut table, Some(hook.chain()))?;
            }
        }
    }
    Ok(Some(table))
}

/// Reads the rules of all chains, or of one.
fn rules(
    socket: &mut Socket,
    family: Family,
    table: &mut TableState,
    only: Option<&str>,
) -> Result<(), ApplyError> {
    let name = only.map(|name| [name.as_bytes(), &[0]].concat());
    let mut filter: Vec<(u16, &[u8])> = vec![(NFTA_RULE_TABLE, b"filter\0")];
    filter.extend(name.as_deref().map(|name| (NFTA_RULE_CHAIN, name)));
    list(
        socket,
        family,
        NFT_MSG_GETRULE,
        &filter,
        "list the rules",
        |attributes| {
            if attributes.string(NFTA_RULE_TABLE).as_deref() != Some("filter") {
                return;
            }
            let chain = attributes.string(NFTA_RULE_CHAIN);
            let chain = chain.filter(|chain| only.is_none_or(|only| chain == only));
            let chain = chain.and_then(|chain| table.chains.get_mut(&chain));
            // A chain that came after the list of chains: the batch will be stale.
            if let (Some(chain), Some(rule)) = (chain, rule(&attributes)) {
                chain.rules.push(rule);
            }
        },
    )
}

/// What can be listed of all tables.
#[derive(Clone, Copy)]
pub(super) enum Listed {
    Chains,
    Rules,
}

/// The chains or rules of all tables of a family.
pub(super) fn everything(
    socket: &mut Socket,
    family: u8,
    what: Listed,
    mut each: impl FnMut(&Attributes<'_>),
) -> Result<(), ApplyError> {
    let (kind, operation) = match what {
        Listed::Chains => (NFT_MSG_GETCHAIN, "list the chains"),
        Listed::Rules => (NFT_MSG_GETRULE, "list the rules"),
    };
    list_number(socket, family, kind, &[], operation, |attributes| {
        each(&attributes);
    })
}

/// The table and the chain of a rule.
pub(super) fn place(rule: &Attributes<'_>) -> Option<(String, String)> {
    Some((rule.string(NFTA_RULE_TABLE)?, rule.string(NFTA_RULE_CHAIN)?))
}

/// The table and the name of a chain.
pub(super) fn chain_place(chain: &Attributes<'_>) -> Option<(String, String)> {
    Some((
        chain.string(NFTA_CHAIN_TABLE)?,
        chain.string(NFTA_CHAIN_NAME)?,
    ))
}

/// Whether packets get another destination.
pub(super) fn changes_destination(expressions: &Attributes<'_>) -> bool {
    expressions.clone().any(|(_, element)| {
        let element = Attributes(element);
        let data = element.nested(NFTA_EXPR_DATA);
        match element.string(NFTA_EXPR_NAME).as_deref() {
            Some("target") => data.string(NFTA_XT_NAME).as_deref() == Some("DNAT"),
            Some("nat") => data.u32(NFTA_NAT_TYPE) == Some(NFT_NAT_DNAT),
            _ => false,
        }
    })
}

fn list(
    socket: &mut Socket,
    family: Family,
    kind: u16,
    attributes: &[(u16, &[u8])],
    operation: &'static str,
    each: impl FnMut(Attributes<'_>),
) -> Result<(), ApplyError> {
    let number = match family {
        Family::Ipv4 => NFPROTO_IPV4,
        Family::Ipv6 => NFPROTO_IPV6,
    };
    list_number(socket, number, kind, attributes, operation, each)
}

fn list_number(
    socket: &mut Socket,
    number: u8,
    kind: u16,
    attributes: &[(u16, &[u8])],
    operation: &'static str,
    mut each: impl FnMut(Attributes<'_>),
) -> Result<(), ApplyError> {
    let sequence = socket.reserve(1);
    let request = request(kind, NLM_F_DUMP, sequence, number, attributes);
    let of_family = |message: &Message<'_>| message.payload.first() == Some(&number);
    socket.dump(&request, sequence, operation, |message| {
        if of_family(&message) {
            each(message.attributes());
        }
    })
}

pub(super) fn base_chain(attributes: &Attributes<'_>) -> Option<BaseChain> {
    attributes.find(NFTA_CHAIN_HOOK)?;
    let hook = attributes.nested(NFTA_CHAIN_HOOK);
    let drop = attributes.u32(NFTA_CHAIN_POLICY) == Some(0);
    Some(BaseChain {
        kind: attributes.string(NFTA_CHAIN_TYPE).unwrap_or_default(),
        hook: hook.u32(NFTA_HOOK_HOOKNUM).unwrap_or(u32::MAX),
        priority: hook.u32(NFTA_HOOK_PRIORITY).map_or(i32::MAX, |priority| {
            i32::from_ne_bytes(priority.to_ne_bytes())
        }),
        policy: if drop { Policy::Drop } else { Policy::Accept },
    })
}

pub(super) fn rule(attributes: &Attributes<'_>) -> Option<RuleState> {
    let expressions = attributes.find(NFTA_RULE_EXPRESSIONS).unwrap_or(&[]);
    let (unconditional, outcome) = effect(Attributes(expressions));
    Some(RuleState {
        handle: attributes.u64(NFTA_RULE_HANDLE)?,
        unconditional,
        outcome,
        condition: condition(Attributes(expressions)),
        counters: counters(Attributes(expressions)),
        content: Content::Sent(expressions.to_vec()),
    })
}

/// Those of its `counter` expression.
fn counters(mut expressions: Attributes<'_>) -> RuleCounters {
    let counter = expressions.find_map(|(_, element)| {
        let element = Attributes(element);
        (element.string(NFTA_EXPR_NAME).as_deref() == Some("counter"))
            .then(|| element.nested(NFTA_EXPR_DATA))
    });
    counter.map_or(RuleCounters::default(), |data| RuleCounters {
        packets: data.u64(NFTA_COUNTER_PACKETS).unwrap_or(0),
        bytes: data.u64(NFTA_COUNTER_BYTES).unwrap_or(0),
    })
}

/// Whether the rule is for every packet, and what it does. What is not known here may be a
/// condition.
fn effect(expressions: Attributes<'_>) -> (bool, Outcome) {
    let mut unconditional = true;
    for (_, element) in expressions {
        let element = Attributes(element);
        let data = element.nested(NFTA_EXPR_DATA);
        match element.string(NFTA_EXPR_NAME).as_deref() {
            // A load is no condition yet: iptables makes one without a comparison of `-i +`.
            Some("counter" | "log" | "meta") => {}
            Some("match") if data.string(NFTA_XT_NAME).as_deref() == Some("comment") => {}
            Some("reject") => return (unconditional, Outcome::Reject),
            Some("queue") => return (unconditional, Outcome::Queue),
            Some("target") => match data.string(NFTA_XT_NAME).as_deref() {
                Some("REJECT") => return (unconditional, Outcome::Reject),
                Some("NFQUEUE") => return (unconditional, Outcome::Queue),
                Some("LOG") => {}
                _ => unconditional = false,
            },
            Some("immediate") => match verdict(&data) {
                Some(Outcome::Continue) => {}
                Some(outcome) => return (unconditional, outcome),
                None => unconditional = false,
            },
            _ => unconditional = false,
        }
    }
    (unconditional, Outcome::Continue)
}

/// `None` for a verdict that is not known here.
fn verdict(immediate: &Attributes<'_>) -> Option<Outcome> {
    if immediate.u32(NFTA_IMMEDIATE_DREG) != Some(0) {
        return Some(Outcome::Continue);
    }
    let data = immediate
        .nested(NFTA_IMMEDIATE_DATA)
        .nested(NFTA_DATA_VERDICT);
    super::verdict::outcome(
        data.u32(NFTA_VERDICT_CODE)?,
        data.string(NFTA_VERDICT_CHAIN),
    )
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
const NFTA_CHAIN_TABLE: u16 = 1;
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
/// enum `nft_counter_attributes`.
const NFTA_COUNTER_BYTES: u16 = 1;
const NFTA_COUNTER_PACKETS: u16 = 2;
/// enum `nft_expr_attributes`, `nft_immediate_attributes`, `nft_data_attributes`,
/// `nft_verdict_attributes`; `NFTA_MATCH_NAME` and `NFTA_TARGET_NAME`.
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_XT_NAME: u16 = 1;
const NFTA_IMMEDIATE_DREG: u16 = 1;
const NFTA_IMMEDIATE_DATA: u16 = 2;
const NFTA_DATA_VERDICT: u16 = 2;
const NFTA_VERDICT_CODE: u16 = 1;
const NFTA_VERDICT_CHAIN: u16 = 2;
/// `NFTA_NAT_TYPE` of enum `nft_nat_attributes`, and enum `nft_nat_types`.
const NFTA_NAT_TYPE: u16 = 1;
const NFT_NAT_DNAT: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nft::attribute::Messages;

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
                effect(attributes.clone()),
                counters(attributes.clone()),
                crate::nft::decode::expressions(&bytes),
                condition(attributes.clone()),
                verdict(&attributes),
            );
            for message in Messages(&bytes) {
                let _ = (message.errno(), message.attributes().u32(NFTA_GEN_ID));
            }
        }
    }
}
