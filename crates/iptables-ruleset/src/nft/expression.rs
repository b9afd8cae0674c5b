//! Expressions as libnftnl keeps them.

use std::ffi::{CStr, CString};
use std::ptr::NonNull;

use nftnl::nftnl_sys as sys;

use super::message::c_string;
use crate::encoding::{Expression, Extension, Verdict};

/// An expression of ours, for [`nftnl::Rule::add_expr`].
pub(super) struct Wire<'a>(pub(super) &'a Expression);

impl nftnl::expr::Expression for Wire<'_> {
    fn to_expr(&self, _rule: &nftnl::Rule<'_>) -> NonNull<sys::nftnl_expr> {
        let (name, attributes) = describe(self.0);
        build(name, &attributes)
    }
}

/// What an attribute holds. Numbers are in host order; libnftnl turns them round.
enum Value<'a> {
    U16(u16),
    U32(u32),
    U64(u64),
    Bytes(&'a [u8]),
    Text(CString),
    /// A structure that libnftnl keeps and frees.
    Kept(&'a [u8]),
}

type Attributes<'a> = Vec<(u32, Value<'a>)>;

fn describe(expression: &Expression) -> (&'static CStr, Attributes<'_>) {
    match expression {
        Expression::Meta(key) => (
            c"meta",
            vec![(sys::NFTNL_EXPR_META_KEY, Value::U32(*key as u32)), (sys::NFTNL_EXPR_META_DREG, Value::U32(REGISTER))],
        ),
        Expression::Payload { base, offset, length } => (
            c"payload",
            vec![
                (sys::NFTNL_EXPR_PAYLOAD_BASE, Value::U32(*base as u32)),
                (sys::NFTNL_EXPR_PAYLOAD_OFFSET, Value::U32(*offset)),
                (sys::NFTNL_EXPR_PAYLOAD_LEN, Value::U32(*length)),
                (sys::NFTNL_EXPR_PAYLOAD_DREG, Value::U32(REGISTER)),
            ],
        ),
        Expression::Mask(mask) => (
            c"bitwise",
            vec![
                (sys::NFTNL_EXPR_BITWISE_SREG, Value::U32(REGISTER)),
                (sys::NFTNL_EXPR_BITWISE_DREG, Value::U32(REGISTER)),
                (sys::NFTNL_EXPR_BITWISE_LEN, Value::U32(u32::try_from(mask.len()).unwrap_or(u32::MAX))),
                (sys::NFTNL_EXPR_BITWISE_MASK, Value::Bytes(mask)),
                (sys::NFTNL_EXPR_BITWISE_XOR, Value::Bytes(ZEROES.get(..mask.len()).unwrap_or(&ZEROES))),
            ],
        ),
        Expression::Compare { inverted, data } => (
            c"cmp",
            vec![
                (sys::NFTNL_EXPR_CMP_SREG, Value::U32(REGISTER)),
                (sys::NFTNL_EXPR_CMP_OP, Value::U32(u32::from(*inverted))),
                (sys::NFTNL_EXPR_CMP_DATA, Value::Bytes(data)),
            ],
        ),
        Expression::Range { inverted, from, to } => (
            c"range",
            vec![
                (sys::NFTNL_EXPR_RANGE_SREG, Value::U32(REGISTER)),
                (sys::NFTNL_EXPR_RANGE_OP, Value::U32(u32::from(*inverted))),
                (sys::NFTNL_EXPR_RANGE_FROM_DATA, Value::Bytes(from)),
                (sys::NFTNL_EXPR_RANGE_TO_DATA, Value::Bytes(to)),
            ],
        ),
        Expression::Limit { rate, unit_seconds, burst } => (
            c"limit",
            vec![
                (sys::NFTNL_EXPR_LIMIT_RATE, Value::U64(*rate)),
                (sys::NFTNL_EXPR_LIMIT_UNIT, Value::U64(*unit_seconds)),
                (sys::NFTNL_EXPR_LIMIT_BURST, Value::U32(*burst)),
                (sys::NFTNL_EXPR_LIMIT_TYPE, Value::U32(0)),
                (sys::NFTNL_EXPR_LIMIT_FLAGS, Value::U32(0)),
            ],
        ),
        Expression::Counter => (
            c"counter",
            vec![(sys::NFTNL_EXPR_CTR_PACKETS, Value::U64(0)), (sys::NFTNL_EXPR_CTR_BYTES, Value::U64(0))],
        ),
        Expression::Match(xt) => (
            c"match",
            extension(xt, sys::NFTNL_EXPR_MT_NAME, sys::NFTNL_EXPR_MT_REV, sys::NFTNL_EXPR_MT_INFO),
        ),
        Expression::Target(xt) => (
            c"target",
            extension(xt, sys::NFTNL_EXPR_TG_NAME, sys::NFTNL_EXPR_TG_REV, sys::NFTNL_EXPR_TG_INFO),
        ),
        Expression::Log { prefix, group, size, threshold } => {
            let mut attributes = vec![(sys::NFTNL_EXPR_LOG_GROUP, Value::U16(*group))];
            if !prefix.is_empty() {
                attributes.push((sys::NFTNL_EXPR_LOG_PREFIX, Value::Text(c_string(prefix))));
            }
            attributes.extend(size.map(|size| (sys::NFTNL_EXPR_LOG_SNAPLEN, Value::U32(size))));
            attributes.extend(threshold.map(|packets| (sys::NFTNL_EXPR_LOG_QTHRESHOLD, Value::U16(packets))));
            (c"log", attributes)
        }
        Expression::Verdict(verdict) => (c"immediate", immediate(verdict)),
    }
}

fn extension(xt: &Extension, name: u32, revision: u32, info: u32) -> Attributes<'_> {
    vec![
        (name, Value::Text(c_string(xt.name))),
        (revision, Value::U32(xt.revision)),
        (info, Value::Kept(&xt.info)),
    ]
}

fn immediate(verdict: &Verdict) -> Attributes<'static> {
    let code = match verdict {
        Verdict::Accept => NF_ACCEPT,
        Verdict::Drop => NF_DROP,
        Verdict::Return => NFT_RETURN,
        Verdict::Jump(_) => NFT_JUMP,
    };
    let mut attributes = vec![
        (sys::NFTNL_EXPR_IMM_DREG, Value::U32(NFT_REG_VERDICT)),
        (sys::NFTNL_EXPR_IMM_VERDICT, Value::U32(code.cast_unsigned())),
    ];
    if let Verdict::Jump(chain) = verdict {
        attributes.push((sys::NFTNL_EXPR_IMM_CHAIN, Value::Text(c_string(chain))));
    }
    attributes
}

/// The only place where libnftnl is called by hand.
#[expect(clippy::cast_possible_truncation, reason = "attribute numbers are below 20; the binding has them as u32")]
fn build(name: &CStr, attributes: &[(u32, Value<'_>)]) -> NonNull<sys::nftnl_expr> {
    // SAFETY: `name` ends with a NUL and is only read during the call.
    let Some(expression) = NonNull::new(unsafe { sys::nftnl_expr_alloc(name.as_ptr()) }) else {
        out_of_memory();
    };
    let raw = expression.as_ptr();
    for (attribute, value) in attributes {
        let attribute = *attribute as u16;
        match value {
            // SAFETY (the next four): `raw` was just allocated and is ours alone; libnftnl copies what it is given, and each
            // attribute is given the width that `describe` takes from libnftnl's own setters.
            Value::U16(number) => unsafe { sys::nftnl_expr_set_u16(raw, attribute, *number) },
            Value::U32(number) => unsafe { sys::nftnl_expr_set_u32(raw, attribute, *number) },
            Value::U64(number) => unsafe { sys::nftnl_expr_set_u64(raw, attribute, *number) },
            Value::Text(text) => unsafe {
                sys::nftnl_expr_set_str(raw, attribute, text.as_ptr());
            },
            Value::Bytes(bytes) => {
                let length = u32::try_from(bytes.len()).unwrap_or(0);
                // SAFETY: as above; `length` bytes are readable.
                unsafe { sys::nftnl_expr_set(raw, attribute, bytes.as_ptr().cast(), length) };
            }
            Value::Kept(bytes) => {
                let length = u32::try_from(bytes.len()).unwrap_or(0);
                let copy = malloced(bytes);
                // SAFETY: libnftnl takes the buffer and frees it with the expression (libnftnl src/expr/match.c and
                // target.c), which is why it comes from calloc and is not touched by us again.
                unsafe { sys::nftnl_expr_set(raw, attribute, copy.as_ptr().cast(), length) };
            }
        }
    }
    expression
}

/// A copy that C may free.
fn malloced(bytes: &[u8]) -> NonNull<u8> {
    // SAFETY: calloc takes any numbers; the result is checked.
    let Some(copy) = NonNull::new(unsafe { libc::calloc(1, bytes.len().max(1)) }.cast::<u8>()) else {
        out_of_memory();
    };
    // SAFETY: both are valid for `bytes.len()` bytes, and a new allocation does not overlap with anything.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy.as_ptr(), bytes.len()) };
    copy
}

/// As the nftnl crate does: the allocations are small, so there is no going on without them.
fn out_of_memory() -> ! {
    std::process::abort()
}

/// linux/netfilter/nf_tables.h.
const NFT_REG_VERDICT: u32 = 0;
const REGISTER: u32 = 1;
const NFT_JUMP: i32 = -3;
const NFT_RETURN: i32 = -5;
/// linux/netfilter.h.
const NF_DROP: i32 = 0;
const NF_ACCEPT: i32 = 1;
/// The longest mask is an IPv6 address.
const ZEROES: [u8; 16] = [0; 16];
