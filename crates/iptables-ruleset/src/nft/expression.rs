//! Which attributes of libnftnl an expression has.

use std::ffi::CStr;

use nftnl::nftnl_sys as sys;

use super::allocate::{Attributes, Value, allocate, c_string};
use crate::encoding::{Expression, Extension, MetaKey, PayloadBase, Verdict};
use crate::wire::verdict;

/// An expression of ours, for [`nftnl::Rule::add_expr`].
pub(super) struct Wire<'a>(pub(super) &'a Expression);

impl nftnl::expr::Expression for Wire<'_> {
    fn to_expr(&self, _rule: &nftnl::Rule<'_>) -> std::ptr::NonNull<sys::nftnl_expr> {
        let (name, attributes) = describe(self.0);
        allocate(name, &attributes)
    }
}

fn describe(expression: &Expression) -> (&'static CStr, Attributes<'_>) {
    match expression {
        Expression::Meta(key) => (c"meta", meta(*key)),
        Expression::Payload {
            base,
            offset,
            length,
        } => (c"payload", payload(*base, *offset, *length)),
        Expression::Mask(mask) => (c"bitwise", bitwise(mask)),
        Expression::Compare { inverted, data } => (c"cmp", cmp(*inverted, data)),
        Expression::Range { inverted, from, to } => (c"range", range(*inverted, from, to)),
        Expression::Limit {
            rate,
            unit_seconds,
            burst,
        } => (c"limit", limit(*rate, *unit_seconds, *burst)),
        Expression::Counter => (c"counter", counter()),
        Expression::Match(xt) => (c"match", xt_match(xt)),
        Expression::Target(xt) => (c"target", xt_target(xt)),
        Expression::Log {
            prefix,
            group,
            size,
            threshold,
        } => (c"log", log(prefix, *group, *size, *threshold)),
        Expression::Verdict(verdict) => (c"immediate", immediate(verdict)),
        // No rule that holds one passes its check; the kernel refuses an expression of this name.
        Expression::Other(_) => (c"other", Vec::new()),
    }
}

fn meta(key: MetaKey) -> Attributes<'static> {
    vec![
        (sys::NFTNL_EXPR_META_KEY, Value::U32(key as u32)),
        (sys::NFTNL_EXPR_META_DREG, Value::U32(NFT_REG_1)),
    ]
}

fn payload(base: PayloadBase, offset: u32, length: u32) -> Attributes<'static> {
    vec![
        (sys::NFTNL_EXPR_PAYLOAD_BASE, Value::U32(base as u32)),
        (sys::NFTNL_EXPR_PAYLOAD_OFFSET, Value::U32(offset)),
        (sys::NFTNL_EXPR_PAYLOAD_LEN, Value::U32(length)),
        (sys::NFTNL_EXPR_PAYLOAD_DREG, Value::U32(NFT_REG_1)),
    ]
}

/// The longest mask is an IPv6 address.
fn bitwise(mask: &[u8]) -> Attributes<'_> {
    const ZEROES: [u8; 16] = [0; 16];
    let zeroes = ZEROES.get(..mask.len()).unwrap_or(&ZEROES);
    let length = u32::try_from(mask.len()).unwrap_or(u32::MAX);
    vec![
        (sys::NFTNL_EXPR_BITWISE_SREG, Value::U32(NFT_REG_1)),
        (sys::NFTNL_EXPR_BITWISE_DREG, Value::U32(NFT_REG_1)),
        (sys::NFTNL_EXPR_BITWISE_LEN, Value::U32(length)),
        (sys::NFTNL_EXPR_BITWISE_MASK, Value::Bytes(mask)),
        (sys::NFTNL_EXPR_BITWISE_XOR, Value::Bytes(zeroes)),
    ]
}

/// `NFT_CMP_EQ` is 0 and `NFT_CMP_NEQ` 1.
fn cmp(inverted: bool, data: &[u8]) -> Attributes<'_> {
    vec![
        (sys::NFTNL_EXPR_CMP_SREG, Value::U32(NFT_REG_1)),
        (sys::NFTNL_EXPR_CMP_OP, Value::U32(u32::from(inverted))),
        (sys::NFTNL_EXPR_CMP_DATA, Value::Bytes(data)),
    ]
}

/// `NFT_RANGE_EQ` is 0 and `NFT_RANGE_NEQ` 1.
fn range<'a>(inverted: bool, from: &'a [u8], to: &'a [u8]) -> Attributes<'a> {
    vec![
        (sys::NFTNL_EXPR_RANGE_SREG, Value::U32(NFT_REG_1)),
        (sys::NFTNL_EXPR_RANGE_OP, Value::U32(u32::from(inverted))),
        (sys::NFTNL_EXPR_RANGE_FROM_DATA, Value::Bytes(from)),
        (sys::NFTNL_EXPR_RANGE_TO_DATA, Value::Bytes(to)),
    ]
}

/// `NFT_LIMIT_PKTS` is 0.
fn limit(rate: u64, unit_seconds: u64, burst: u32) -> Attributes<'static> {
    vec![
        (sys::NFTNL_EXPR_LIMIT_RATE, Value::U64(rate)),
        (sys::NFTNL_EXPR_LIMIT_UNIT, Value::U64(unit_seconds)),
        (sys::NFTNL_EXPR_LIMIT_BURST, Value::U32(burst)),
        (sys::NFTNL_EXPR_LIMIT_TYPE, Value::U32(0)),
        (sys::NFTNL_EXPR_LIMIT_FLAGS, Value::U32(0)),
    ]
}

fn counter() -> Attributes<'static> {
    vec![
        (sys::NFTNL_EXPR_CTR_PACKETS, Value::U64(0)),
        (sys::NFTNL_EXPR_CTR_BYTES, Value::U64(0)),
    ]
}

fn xt_match(xt: &Extension) -> Attributes<'_> {
    vec![
        (sys::NFTNL_EXPR_MT_NAME, Value::Text(c_string(xt.name))),
        (sys::NFTNL_EXPR_MT_REV, Value::U32(xt.revision)),
        (sys::NFTNL_EXPR_MT_INFO, Value::Kept(&xt.info)),
    ]
}

fn xt_target(xt: &Extension) -> Attributes<'_> {
    vec![
        (sys::NFTNL_EXPR_TG_NAME, Value::Text(c_string(xt.name))),
        (sys::NFTNL_EXPR_TG_REV, Value::U32(xt.revision)),
        (sys::NFTNL_EXPR_TG_INFO, Value::Kept(&xt.info)),
    ]
}

fn log(prefix: &str, group: u16, size: Option<u32>, threshold: Option<u16>) -> Attributes<'static> {
    let mut attributes = vec![(sys::NFTNL_EXPR_LOG_GROUP, Value::U16(group))];
    if !prefix.is_empty() {
        attributes.push((sys::NFTNL_EXPR_LOG_PREFIX, Value::Text(c_string(prefix))));
    }
    attributes.extend(size.map(|bytes| (sys::NFTNL_EXPR_LOG_SNAPLEN, Value::U32(bytes))));
    attributes
        .extend(threshold.map(|packets| (sys::NFTNL_EXPR_LOG_QTHRESHOLD, Value::U16(packets))));
    attributes
}

fn immediate(verdict: &Verdict) -> Attributes<'static> {
    let mut attributes = vec![
        (sys::NFTNL_EXPR_IMM_DREG, Value::U32(NFT_REG_VERDICT)),
        (
            sys::NFTNL_EXPR_IMM_VERDICT,
            Value::U32(verdict::code(verdict)),
        ),
    ];
    if let Verdict::Jump(chain) = verdict {
        attributes.push((sys::NFTNL_EXPR_IMM_CHAIN, Value::Text(c_string(chain))));
    }
    attributes
}

/// `enum nft_registers`, `linux/netfilter/nf_tables.h`.
const NFT_REG_VERDICT: u32 = 0;
const NFT_REG_1: u32 = 1;
