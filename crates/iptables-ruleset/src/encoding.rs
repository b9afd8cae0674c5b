//! Rules as the kernel keeps them: `nf_tables` expressions, not yet bytes of a message.
//!
//! Which expression iptables uses for which option, and every layout, is what iptables-nft 1.8.9
//! sends: anything else it would not list as its own.

use crate::{BuildError, Family};

/// What a match or target needs to know to become expressions.
pub(crate) struct Encoder<'a> {
    pub(crate) family: Family,
    set_index: &'a mut dyn FnMut(&str) -> Result<u16, BuildError>,
    pub(crate) expressions: Vec<Expression>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(
        family: Family,
        set_index: &'a mut dyn FnMut(&str) -> Result<u16, BuildError>,
    ) -> Self {
        Self {
            family,
            set_index,
            expressions: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, expression: Expression) {
        self.expressions.push(expression);
    }

    /// The index that the kernel knows the set by.
    pub(crate) fn set_index(&mut self, set: &str) -> Result<u16, BuildError> {
        (self.set_index)(set)
    }

    /// `load` must equal `data`, or differ from it.
    pub(crate) fn compare(&mut self, load: Expression, inverted: bool, data: Vec<u8>) {
        self.push(load);
        self.push(Expression::Compare { inverted, data });
    }
}

/// A rule as the kernel will keep it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EncodedRule {
    pub(crate) expressions: Vec<Expression>,
    /// What the xt matches are told about `-p`; they refuse to work without.
    pub(crate) protocol: u8,
    pub(crate) protocol_inverted: bool,
}

/// One `nf_tables` expression. Loads go to, and comparisons read from, register 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    Meta(MetaKey),
    Payload {
        base: PayloadBase,
        offset: u32,
        length: u32,
    },
    /// Register and `mask`, exclusive-or zero.
    Mask(Vec<u8>),
    Compare {
        inverted: bool,
        data: Vec<u8>,
    },
    Range {
        inverted: bool,
        from: Vec<u8>,
        to: Vec<u8>,
    },
    Limit {
        rate: u64,
        unit_seconds: u64,
        burst: u32,
    },
    Counter,
    Match(Extension),
    Target(Extension),
    Log {
        prefix: String,
        group: u16,
        size: Option<u32>,
        threshold: Option<u16>,
    },
    Verdict(Verdict),
    /// What is not known here, as the kernel sent it.
    #[cfg_attr(
        not(feature = "nft"),
        expect(dead_code, reason = "only the real kernel has them")
    )]
    Other {
        name: String,
        data: Vec<u8>,
    },
}

/// An xtables match or target: its name, its revision and its C structure, padded as `XT_ALIGN`
/// does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) name: &'static str,
    pub(crate) revision: u32,
    pub(crate) info: Vec<u8>,
}

/// What happens to the packet; `Jump` to a chain of the same table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    Drop,
    Return,
    Jump(String),
}

/// enum `nft_meta_keys`, `linux/netfilter/nf_tables.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetaKey {
    Mark = 3,
    InInterface = 6,
    OutInterface = 7,
    L4Protocol = 16,
}

/// enum `nft_payload_bases`, `linux/netfilter/nf_tables.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadBase {
    Network = 1,
    Transport = 2,
}

/// A C structure of `size` zero bytes, written field by field.
pub(crate) struct Info(Vec<u8>);

impl Info {
    /// `size` must be a multiple of 8: `XT_ALIGN` on 64-bit systems.
    pub(crate) fn new(size: usize) -> Self {
        debug_assert!(size % 8 == 0, "XT_ALIGN");
        Self(vec![0; size])
    }

    /// Puts `bytes` at `offset`; what does not fit is a mistake of ours and is left out.
    pub(crate) fn put(mut self, offset: usize, bytes: &[u8]) -> Self {
        let field = self
            .0
            .get_mut(offset..)
            .and_then(|rest| rest.get_mut(..bytes.len()));
        debug_assert!(field.is_some(), "a field beyond the end of its structure");
        if let Some(field) = field {
            field.copy_from_slice(bytes);
        }
        self
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}
