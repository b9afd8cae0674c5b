//! Expressions as the kernel lists them.

use std::borrow::Cow;

use super::attributes::{Attributes, bytes};
use super::verdict::{self, NFT_CONTINUE, NFT_GOTO};
use crate::encoding::{Expression, Extension, MetaKey, Native, PayloadBase, Unknown};

/// The expressions of a rule: the content of `NFTA_RULE_EXPRESSIONS`.
pub(crate) fn expressions(list: &[u8]) -> Vec<Expression> {
    elements(list)
        .map(|(name, data)| expression(&name, &data))
        .collect()
}

/// Packets and bytes of the first `counter` among the expressions of a rule.
pub(crate) fn counted(list: &[u8]) -> (u64, u64) {
    let counter = elements(list).find(|(name, _)| name == "counter");
    let number = |attribute| counter.as_ref().and_then(|(_, data)| data.u64(attribute));
    (
        number(NFTA_COUNTER_PACKETS).unwrap_or(0),
        number(NFTA_COUNTER_BYTES).unwrap_or(0),
    )
}

/// What a rule asks of the protocol, as its xt matches are told: the number, 0 for none, and
/// whether it is the one not meant.
#[cfg_attr(not(feature = "nft"), expect(dead_code, reason = "nothing is sent"))]
pub(crate) fn protocol(list: &[u8]) -> (u8, bool) {
    let expressions = expressions(list);
    let mut pairs = expressions.iter().zip(expressions.iter().skip(1));
    let found = pairs.find_map(|(load, compared)| match (load, compared) {
        (
            Expression::Meta(MetaKey::L4Protocol)
            // The field of an IPv4 header, which iptables asked for before version 1.8.3.
            | Expression::Payload {
                base: PayloadBase::Network,
                offset: 9,
                length: 1,
            },
            Expression::Compare { inverted, data },
        ) => match data[..] {
            [number] => Some((number, *inverted)),
            _ => None,
        },
        _ => None,
    });
    found.unwrap_or_default()
}

/// Where the expressions of a rule have the indexes of ipsets, two bytes each in the order of the
/// machine.
pub(crate) fn set_places(list: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    for (_, element_at, element) in Attributes(list).located() {
        let name = Attributes(element).string(NFTA_EXPR_NAME);
        let inside = |(kind, at, data)| (kind == NFTA_EXPR_DATA).then_some((at, data));
        let Some((data_at, data)) = Attributes(element).located().find_map(inside) else {
            continue;
        };
        let attributes = Attributes(data);
        let xt = attributes.string(NFTA_XT_NAME).unwrap_or_default();
        let fields: &[usize] = match (name.as_deref(), &*xt, attributes.u32(NFTA_XT_REV)) {
            (Some("match"), "set", _) => &[0],
            (Some("target"), "SET", Some(1 | 2)) => &[0, 4],
            (Some("target"), "SET", Some(3)) => &[0, 4, 8],
            _ => continue,
        };
        let info = attributes
            .located()
            .find_map(|(kind, at, info)| (kind == NFTA_XT_INFO).then_some((at, info)));
        let Some((info_at, info)) = info else {
            continue;
        };
        places.extend(
            fields
                .iter()
                .filter(|field| bytes(info, **field).is_some_and(|index| index != NO_SET))
                .map(|field| element_at + data_at + info_at + field),
        );
    }
    places
}

/// `IPSET_INVALID_ID`, `linux/netfilter/ipset/ip_set.h`. In struct `xt_set_info_match_v*` and
/// `xt_set_info_target_v1` to 3, `linux/netfilter/xt_set.h`, an index begins each `xt_set_info`.
const NO_SET: [u8; 2] = [0xff; 2];

/// The name and the attributes of each expression.
fn elements(list: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Attributes<'_>)> {
    Attributes(list).map(|(_, element)| {
        let element = Attributes(element);
        let name = element.string(NFTA_EXPR_NAME).unwrap_or_default();
        (name, element.nested(NFTA_EXPR_DATA))
    })
}

/// What is not made as iptables makes it keeps its bytes.
fn expression(name: &str, data: &Attributes<'_>) -> Expression {
    let known = match name {
        "meta" => meta(data),
        "payload" => payload(data),
        "bitwise" => mask(data),
        "cmp" => compare(data),
        "range" => range(data),
        "limit" => limit(data),
        "counter" => Some(Expression::Counter),
        "log" => log(data),
        "immediate" => immediate(data),
        "match" => extension(data).map(Expression::Match),
        "target" => extension(data).map(Expression::Target),
        _ => None,
    };
    known.unwrap_or_else(|| other(name, data))
}

fn other(name: &str, data: &Attributes<'_>) -> Expression {
    let (name_of, data_of) = match data.string(NFTA_XT_NAME) {
        Some(xt) if matches!(name, "match" | "target") => {
            let info = data.find(NFTA_XT_INFO).unwrap_or_default();
            (format!("{name} {xt}"), info)
        }
        _ => (name.to_owned(), data.0),
    };
    Expression::Other(Box::new(Unknown {
        name: name_of,
        data: data_of.to_vec(),
        native: native(name, data),
    }))
}

/// What iptables has no words for, as far as it matters here.
fn native(name: &str, data: &Attributes<'_>) -> Native {
    let xt = data.string(NFTA_XT_NAME).unwrap_or_default();
    match name {
        "ct" if data.u32(NFTA_CT_KEY) == Some(NFT_CT_STATE) => Native::LoadsState,
        // A load of meta alone is no condition, nor is what sets it.
        "meta" | "log" => Native::DoesNothing,
        "payload" | "ct" => Native::Loads,
        "lookup" if data.u32(NFTA_LOOKUP_DREG) == Some(NFT_REG_VERDICT) => Native::LooksUpVerdict,
        "nat" if data.u32(NFTA_NAT_TYPE) == Some(NFT_NAT_DNAT) => Native::ChangesDestination,
        "target" if xt == "DNAT" => Native::ChangesDestination,
        "target" if xt == "NFQUEUE" => Native::Queues,
        "reject" => Native::Rejects,
        "queue" => Native::Queues,
        "immediate" => native_verdict(data),
        "match" if matches!(&*xt, "tcp" | "udp") => ports(data).unwrap_or(Native::Asks),
        "target" | "nat" | "redir" | "masq" | "notrack" | "flow_offload" => Native::Acts,
        _ => Native::Asks,
    }
}

/// A verdict without a target of iptables, or a value for another register.
fn native_verdict(data: &Attributes<'_>) -> Native {
    if data.u32(NFTA_IMMEDIATE_DREG) != Some(NFT_REG_VERDICT) {
        return Native::DoesNothing;
    }
    let verdict = data.nested(NFTA_IMMEDIATE_DATA).nested(NFTA_DATA_VERDICT);
    match (
        verdict.u32(NFTA_VERDICT_CODE),
        verdict.string(NFTA_VERDICT_CHAIN),
    ) {
        (Some(NFT_CONTINUE), _) => Native::DoesNothing,
        (Some(NFT_GOTO), Some(chain)) => Native::GoesTo(chain.into_owned()),
        _ => Native::Acts,
    }
}

/// struct `xt_tcp` and `xt_udp`, `linux/netfilter/xt_tcpudp.h`: both begin with the ports, first
/// and last, of the source and of the destination.
fn ports(data: &Attributes<'_>) -> Option<Native> {
    let info = Attributes::find(data, NFTA_XT_INFO)?;
    let port = |at| bytes(info, at).map(u16::from_ne_bytes);
    Some(Native::AsksForPorts {
        source: (port(0)?, port(2)?),
        destination: (port(4)?, port(6)?),
    })
}

fn meta(data: &Attributes<'_>) -> Option<Expression> {
    is_register_1(data, NFTA_META_DREG)?;
    let key = data.u32(NFTA_META_KEY)?;
    [
        MetaKey::Mark,
        MetaKey::InInterface,
        MetaKey::OutInterface,
        MetaKey::NfProto,
        MetaKey::L4Protocol,
    ]
    .into_iter()
    .find(|known| *known as u32 == key)
    .map(Expression::Meta)
}

fn payload(data: &Attributes<'_>) -> Option<Expression> {
    is_register_1(data, NFTA_PAYLOAD_DREG)?;
    let base = data.u32(NFTA_PAYLOAD_BASE)?;
    Some(Expression::Payload {
        base: [PayloadBase::Network, PayloadBase::Transport]
            .into_iter()
            .find(|known| *known as u32 == base)?,
        offset: data.u32(NFTA_PAYLOAD_OFFSET)?,
        length: data.u32(NFTA_PAYLOAD_LEN)?,
    })
}

fn mask(data: &Attributes<'_>) -> Option<Expression> {
    is_register_1(data, NFTA_BITWISE_SREG)?;
    is_register_1(data, NFTA_BITWISE_DREG)?;
    let bits = data.nested(NFTA_BITWISE_MASK).find(NFTA_DATA_VALUE)?;
    let xor = data.nested(NFTA_BITWISE_XOR).find(NFTA_DATA_VALUE)?;
    let is_and = data.u32(NFTA_BITWISE_OP).unwrap_or(0) == 0 && xor.iter().all(|byte| *byte == 0);
    is_and.then(|| Expression::Mask(bits.to_vec()))
}

fn compare(data: &Attributes<'_>) -> Option<Expression> {
    is_register_1(data, NFTA_CMP_SREG)?;
    Some(Expression::Compare {
        inverted: is_inverted(data.u32(NFTA_CMP_OP)?)?,
        data: data.nested(NFTA_CMP_DATA).find(NFTA_DATA_VALUE)?.to_vec(),
    })
}

fn range(data: &Attributes<'_>) -> Option<Expression> {
    is_register_1(data, NFTA_RANGE_SREG)?;
    let end = |attribute| Some(data.nested(attribute).find(NFTA_DATA_VALUE)?.to_vec());
    Some(Expression::Range {
        inverted: is_inverted(data.u32(NFTA_RANGE_OP)?)?,
        from: end(NFTA_RANGE_FROM_DATA)?,
        to: end(NFTA_RANGE_TO_DATA)?,
    })
}

/// Packets, within the limit.
fn limit(data: &Attributes<'_>) -> Option<Expression> {
    let plain = |attribute| data.u32(attribute).unwrap_or(0) == 0;
    if !plain(NFTA_LIMIT_TYPE) || !plain(NFTA_LIMIT_FLAGS) {
        return None;
    }
    Some(Expression::Limit {
        rate: data.u64(NFTA_LIMIT_RATE)?,
        unit_seconds: data.u64(NFTA_LIMIT_UNIT)?,
        burst: data.u32(NFTA_LIMIT_BURST)?,
    })
}

/// The NFLOG target; `log` without a group is nft's own way to the kernel's log.
fn log(data: &Attributes<'_>) -> Option<Expression> {
    if data.find(NFTA_LOG_LEVEL).is_some() || data.find(NFTA_LOG_FLAGS).is_some() {
        return None;
    }
    let prefix = data.find(NFTA_LOG_PREFIX).unwrap_or_default();
    let prefix = prefix.split(|byte| *byte == 0).next()?;
    Some(Expression::Log {
        prefix: String::from_utf8(prefix.to_vec()).ok()?,
        group: data.u16(NFTA_LOG_GROUP)?,
        size: data.u32(NFTA_LOG_SNAPLEN).filter(|size| *size != 0),
        threshold: data
            .u16(NFTA_LOG_QTHRESHOLD)
            .filter(|packets| *packets != 0),
    })
}

fn immediate(data: &Attributes<'_>) -> Option<Expression> {
    if data.u32(NFTA_IMMEDIATE_DREG) != Some(NFT_REG_VERDICT) {
        return None;
    }
    let verdict = data.nested(NFTA_IMMEDIATE_DATA).nested(NFTA_DATA_VERDICT);
    let chain = verdict.string(NFTA_VERDICT_CHAIN).map(Cow::into_owned);
    verdict::verdict(verdict.u32(NFTA_VERDICT_CODE)?, chain).map(Expression::Verdict)
}

/// The xt extensions that there is a match or a target for.
const EXTENSIONS: [&str; 17] = [
    "addrtype",
    "comment",
    "connlimit",
    "conntrack",
    "hashlimit",
    "icmp",
    "icmp6",
    "iprange",
    "multiport",
    "set",
    "socket",
    "time",
    "DNAT",
    "LOG",
    "MASQUERADE",
    "REJECT",
    "SET",
];

fn extension(data: &Attributes<'_>) -> Option<Extension> {
    let name = data.string(NFTA_XT_NAME)?;
    Some(Extension {
        name: EXTENSIONS.into_iter().find(|known| *known == name)?,
        revision: data.u32(NFTA_XT_REV)?,
        info: data.find(NFTA_XT_INFO)?.to_vec(),
    })
}

/// `NFT_CMP_EQ`, `NFT_CMP_NEQ`; `NFT_RANGE_EQ`, `NFT_RANGE_NEQ`.
fn is_inverted(operation: u32) -> Option<bool> {
    match operation {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn is_register_1(data: &Attributes<'_>, attribute: u16) -> Option<()> {
    (data.u32(attribute)? == NFT_REG_1).then_some(())
}

/// `linux/netfilter/nf_tables.h`: enum `nft_registers`.
const NFT_REG_VERDICT: u32 = 0;
const NFT_REG_1: u32 = 1;
/// enum `nft_expr_attributes`, `nft_data_attributes`, `nft_verdict_attributes`.
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_DATA_VALUE: u16 = 1;
const NFTA_DATA_VERDICT: u16 = 2;
const NFTA_VERDICT_CODE: u16 = 1;
const NFTA_VERDICT_CHAIN: u16 = 2;
/// `nft_meta_attributes`, `nft_payload_attributes`, `nft_bitwise_attributes`, `nft_cmp_attributes`,
/// `nft_range_attributes`.
const NFTA_META_DREG: u16 = 1;
const NFTA_META_KEY: u16 = 2;
const NFTA_PAYLOAD_DREG: u16 = 1;
const NFTA_PAYLOAD_BASE: u16 = 2;
const NFTA_PAYLOAD_OFFSET: u16 = 3;
const NFTA_PAYLOAD_LEN: u16 = 4;
const NFTA_BITWISE_SREG: u16 = 1;
const NFTA_BITWISE_DREG: u16 = 2;
const NFTA_BITWISE_MASK: u16 = 4;
const NFTA_BITWISE_XOR: u16 = 5;
const NFTA_BITWISE_OP: u16 = 6;
const NFTA_CMP_SREG: u16 = 1;
const NFTA_CMP_OP: u16 = 2;
const NFTA_CMP_DATA: u16 = 3;
const NFTA_RANGE_SREG: u16 = 1;
const NFTA_RANGE_OP: u16 = 2;
const NFTA_RANGE_FROM_DATA: u16 = 3;
const NFTA_RANGE_TO_DATA: u16 = 4;
/// `nft_limit_attributes`, `nft_log_attributes`, `nft_immediate_attributes`.
const NFTA_LIMIT_RATE: u16 = 1;
const NFTA_LIMIT_UNIT: u16 = 2;
const NFTA_LIMIT_BURST: u16 = 3;
const NFTA_LIMIT_TYPE: u16 = 4;
const NFTA_LIMIT_FLAGS: u16 = 5;
const NFTA_LOG_GROUP: u16 = 1;
const NFTA_LOG_PREFIX: u16 = 2;
const NFTA_LOG_SNAPLEN: u16 = 3;
const NFTA_LOG_QTHRESHOLD: u16 = 4;
const NFTA_LOG_LEVEL: u16 = 5;
const NFTA_LOG_FLAGS: u16 = 6;
const NFTA_IMMEDIATE_DREG: u16 = 1;
const NFTA_IMMEDIATE_DATA: u16 = 2;
/// `nft_counter_attributes`, `nft_ct_attributes`, `nft_lookup_attributes`, `nft_nat_attributes`;
/// enum `nft_ct_keys`, `nft_nat_types`.
const NFTA_COUNTER_BYTES: u16 = 1;
const NFTA_COUNTER_PACKETS: u16 = 2;
const NFTA_CT_KEY: u16 = 2;
const NFTA_LOOKUP_DREG: u16 = 3;
const NFTA_NAT_TYPE: u16 = 1;
const NFT_CT_STATE: u32 = 0;
const NFT_NAT_DNAT: u32 = 1;
/// `nft_match_attributes` and `nft_target_attributes`, `linux/netfilter/nf_tables_compat.h`.
const NFTA_XT_NAME: u16 = 1;
const NFTA_XT_REV: u16 = 2;
const NFTA_XT_INFO: u16 = 3;
