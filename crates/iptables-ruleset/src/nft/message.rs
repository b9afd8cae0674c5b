//! A batch as one datagram.

use nftnl::{ChainType, FinalizedBatch, MsgType, ProtoFamily};

use super::allocate::c_string;
use super::datagram::{Messages, NLMSGHDR};
use super::expression::Wire;
use super::mark::{MARK, NFTA_RULE_USERDATA};
use crate::kernel::batch::{Action, Change, Place, ReadRule};
use crate::wire::decode;
use crate::{Batch, Family, Hook, Policy, model};

/// A batch as a datagram, whose first message has the first sequence number.
pub(super) fn encode(batch: &Batch, first_sequence: u32) -> Vec<u8> {
    let mut messages = nftnl::Batch::new();
    for change in batch.changes().iter() {
        add(&mut messages, change);
    }
    finish(&messages.finalize(), first_sequence, batch)
}

/// What one of the messages is about, the first being number 0.
pub(super) fn item(changes: &[Change], number: usize) -> String {
    match number.checked_sub(1) {
        None => "the transaction".to_owned(),
        Some(at) => match changes.get(at) {
            Some(change) => change.to_string(),
            None => "the end of the transaction".to_owned(),
        },
    }
}

/// Makes it the same batch worked out from another generation, which is the last four bytes of its
/// first message.
pub(super) fn set_generation(datagram: &mut [u8], generation: u32) {
    if let Some(place) = datagram.get_mut(BEGIN_SIZE - 4..BEGIN_SIZE) {
        place.copy_from_slice(&generation.to_be_bytes());
    }
}

/// What libnftnl cannot write behind a rule.
fn put_rest(bytes: &mut Vec<u8>, action: &Action) {
    match action {
        Action::Put { rule, place, .. } => {
            let encoded = &rule.encoded;
            put_compat(bytes, encoded.protocol, encoded.protocol_inverted);
            put_place(bytes, *place);
            put_value(bytes, NFTA_RULE_USERDATA, MARK);
        }
        Action::PutBack { rule, place, .. } => put_read(bytes, rule, *place),
        _ => {}
    }
}

fn add(messages: &mut nftnl::Batch, change: &Change) {
    let table = nftnl::Table::new(c_string(change.table.name()), proto_family(change.family));
    let chain = |name: &str| nftnl::Chain::new(c_string(name), &table);
    match &change.action {
        Action::Table => messages.add(&table, MsgType::Add),
        Action::Policy(hook, policy) => {
            let mut chain = chain(hook.chain());
            chain.set_hook(nftnl_hook(*hook), change.table.priority(*hook));
            chain.set_type(nftnl_type(change.table.chain_type(*hook)));
            chain.set_policy(nftnl_policy(*policy));
            messages.add(&chain, MsgType::Add);
        }
        Action::Chain(name) => messages.add(&chain(name), MsgType::Add),
        // A deletion without a handle is for all rules of the chain.
        Action::Flush(name) => messages.add(&nftnl::Rule::new(&chain(name)), MsgType::Del),
        Action::Put {
            chain: name, rule, ..
        } => {
            let chain = chain(name);
            let mut message = nftnl::Rule::new(&chain);
            for expression in &rule.encoded.expressions {
                message.add_expr(&Wire(expression));
            }
            messages.add(&message, MsgType::Add);
        }
        // Without its expressions, which are bytes already.
        Action::PutBack { chain: name, .. } => {
            messages.add(&nftnl::Rule::new(&chain(name)), MsgType::Add);
        }
        Action::Delete {
            chain: name,
            handle,
        } => {
            let chain = chain(name);
            let mut message = nftnl::Rule::new(&chain);
            message.set_handle(*handle);
            messages.add(&message, MsgType::Del);
        }
        Action::DeleteChain(name) => messages.add(&chain(name), MsgType::Del),
        Action::DeleteTable => messages.add(&table, MsgType::Del),
    }
}

/// Puts the pages together and adds what nftnl cannot say: the generation that the batch was worked
/// out from, that a rule goes to the beginning of its chain, what the xt matches of a rule are told
/// about its `-p`, and whose rule it is.
///
/// Only the ends ask for an acknowledgement: errors come anyway, and an acknowledgement for each of
/// many rules would overrun the socket.
fn finish(messages: &FinalizedBatch, first_sequence: u32, batch: &Batch) -> Vec<u8> {
    let changes = batch.changes();
    let pages: Vec<&[u8]> = messages.iter().collect();
    let written = pages.concat();
    let mut bytes = begin(first_sequence, batch.generation());
    let mut sequence = first_sequence;
    // The first message is nftnl's own beginning.
    for message in Messages(&written).skip(1) {
        sequence += 1;
        let at = (sequence - first_sequence - 1) as usize;
        let change = changes.get(at);
        let mut flags = message.flags;
        if let Some(change) = change {
            flags &= !ACK;
            match change.action {
                Action::Put { place, .. } | Action::PutBack { place, .. }
                    if matches!(place, Place::First | Place::Before(_)) =>
                {
                    flags &= !APPEND;
                }
                // What others have in it would go with it.
                Action::DeleteTable => flags |= NONREC,
                _ => {}
            }
        }
        put_message(&mut bytes, message.kind, flags, sequence, |bytes| {
            bytes.extend_from_slice(message.payload);
            if let Some(change) = change {
                put_rest(bytes, &change.action);
            }
        });
    }
    bytes
}

/// `NFNL_MSG_BATCH_BEGIN` with the attribute `NFNL_BATCH_GENID`, linux/netfilter/nfnetlink.h.
pub(super) fn begin(sequence: u32, generation: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_message(&mut bytes, BATCH_BEGIN, REQUEST, sequence, |bytes| {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&NFNL_SUBSYS_NFTABLES.to_be_bytes());
        put_value(bytes, NFNL_BATCH_GENID, &generation.to_be_bytes());
    });
    bytes
}

/// `NFTA_RULE_COMPAT`, `linux/netfilter/nf_tables.h`: the protocol, and whether it is the one not
/// meant.
fn put_compat(bytes: &mut Vec<u8>, protocol: u8, inverted: bool) {
    let flags = if inverted { NFT_RULE_COMPAT_F_INV } else { 0 };
    put_attribute(bytes, NFTA_RULE_COMPAT | NLA_F_NESTED, |bytes| {
        let protocol = u32::from(protocol);
        put_value(bytes, NFTA_RULE_COMPAT_PROTO, &protocol.to_be_bytes());
        put_value(bytes, NFTA_RULE_COMPAT_FLAGS, &flags.to_be_bytes());
    });
}

/// A rule as it was listed. What its xt matches were told about `-p` the kernel does not list.
fn put_read(bytes: &mut Vec<u8>, rule: &ReadRule, place: Place) {
    put_value(
        bytes,
        NFTA_RULE_EXPRESSIONS | NLA_F_NESTED,
        &rule.expressions,
    );
    let (protocol, inverted) = decode::protocol(&rule.expressions);
    put_compat(bytes, protocol, inverted);
    put_place(bytes, place);
    if !rule.user_data.is_empty() {
        put_value(bytes, NFTA_RULE_USERDATA, &rule.user_data);
    }
}

/// The rule that a place is told by. On which side of it the place is says `NLM_F_APPEND`.
fn put_place(bytes: &mut Vec<u8>, place: Place) {
    if let Place::Before(handle) | Place::Behind(handle) = place {
        put_value(bytes, NFTA_RULE_POSITION, &handle.to_be_bytes());
    }
}

/// A struct nlmsghdr and what `content` writes behind it, whose length it tells.
pub(super) fn put_message(
    bytes: &mut Vec<u8>,
    kind: u16,
    flags: u16,
    sequence: u32,
    content: impl FnOnce(&mut Vec<u8>),
) {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&sequence.to_ne_bytes());
    bytes.extend_from_slice(&0u32.to_ne_bytes());
    content(bytes);
    let length = u32::try_from(bytes.len() - start).unwrap_or(u32::MAX);
    finish_part(bytes, start, length.to_ne_bytes());
}

/// A struct nlattr and what `content` writes behind it, whose length it tells.
pub(super) fn put_attribute(bytes: &mut Vec<u8>, kind: u16, content: impl FnOnce(&mut Vec<u8>)) {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&kind.to_ne_bytes());
    content(bytes);
    let length = u16::try_from(bytes.len() - start).unwrap_or(u16::MAX);
    finish_part(bytes, start, length.to_ne_bytes());
}

pub(super) fn put_value(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    put_attribute(bytes, kind, |bytes| bytes.extend_from_slice(value));
}

/// Puts the length at the beginning of a part, and the next part at a multiple of 4.
fn finish_part<const N: usize>(bytes: &mut Vec<u8>, start: usize, length: [u8; N]) {
    if let Some(place) = bytes.get_mut(start..start + N) {
        place.copy_from_slice(&length);
    }
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// A request of the `nf_tables` subsystem, for what is read.
pub(super) fn request(
    kind: u16,
    flags: u16,
    sequence: u32,
    family: u8,
    attributes: &[(u16, &[u8])],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let kind = (NFNL_SUBSYS_NFTABLES << 8) | kind;
    put_message(&mut bytes, kind, REQUEST | flags, sequence, |bytes| {
        bytes.extend_from_slice(&[family, 0, 0, 0]);
        for (kind, value) in attributes {
            put_value(bytes, *kind, value);
        }
    });
    bytes
}

fn proto_family(family: Family) -> ProtoFamily {
    match family {
        Family::Ipv4 => ProtoFamily::Ipv4,
        Family::Ipv6 => ProtoFamily::Ipv6,
    }
}

fn nftnl_hook(hook: Hook) -> nftnl::Hook {
    match hook {
        Hook::Prerouting => nftnl::Hook::PreRouting,
        Hook::Input => nftnl::Hook::In,
        Hook::Forward => nftnl::Hook::Forward,
        Hook::Output => nftnl::Hook::Out,
        Hook::Postrouting => nftnl::Hook::PostRouting,
    }
}

fn nftnl_type(of: model::ChainType) -> ChainType {
    match of {
        model::ChainType::Filter => ChainType::Filter,
        model::ChainType::Route => ChainType::Route,
        model::ChainType::Nat => ChainType::Nat,
    }
}

fn nftnl_policy(policy: Policy) -> nftnl::Policy {
    match policy {
        Policy::Accept => nftnl::Policy::Accept,
        Policy::Drop => nftnl::Policy::Drop,
    }
}

/// linux/netlink.h.
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const APPEND: u16 = 0x800;
const NONREC: u16 = 0x100;
const NLA_F_NESTED: u16 = 0x8000;
/// linux/netfilter/nfnetlink.h.
const NFNL_SUBSYS_NFTABLES: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
/// Size of the first message with its attribute.
const BEGIN_SIZE: usize = NLMSGHDR + 12;
const NFNL_BATCH_GENID: u16 = 1;
/// `linux/netfilter/nf_tables.h` and `nf_tables_compat.h`.
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_RULE_COMPAT: u16 = 5;
const NFTA_RULE_POSITION: u16 = 6;
const NFTA_RULE_COMPAT_PROTO: u16 = 1;
const NFTA_RULE_COMPAT_FLAGS: u16 = 2;
const NFT_RULE_COMPAT_F_INV: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::attributes::Attributes;

    #[test]
    fn a_length_is_that_of_what_is_inside_and_the_next_part_is_aligned() {
        let mut bytes = Vec::new();
        put_attribute(&mut bytes, 1, |bytes| {
            put_value(bytes, 2, b"abcde");
            put_value(bytes, 3, b"f");
        });
        put_value(&mut bytes, 4, b"g");
        let outer: Vec<_> = Attributes(&bytes).collect();
        assert_eq!(outer.len(), 2);
        assert_eq!(outer[1], (4, &b"g"[..]));
        let inner: Vec<_> = Attributes(outer[0].1).collect();
        assert_eq!(inner, [(2, &b"abcde"[..]), (3, &b"f"[..])]);
    }

    #[test]
    fn a_request_says_how_long_it_is() {
        let bytes = request(7, 0x300, 9, 2, &[(1, b"filter\0")]);
        let messages: Vec<_> = Messages(&bytes).collect();
        assert_eq!(messages.len(), 1);
        assert_eq!((messages[0].kind, messages[0].sequence), (0x0a07, 9));
        assert_eq!(messages[0].payload.len() + NLMSGHDR, bytes.len());
        let name = messages[0].attributes().string(1);
        assert_eq!(name.as_deref(), Some("filter"));
    }
}
