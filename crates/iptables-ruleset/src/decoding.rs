//! Rules read back: from expressions to the model they were written from.
//!
//! What is read must encode to the very expressions it was read from; whatever does not is kept as
//! it is and shown, so that nothing of a rule is dropped or guessed.

use crate::encoding::{Encoder, Expression};
use crate::{Family, Match, Rule, Target, match_, target};

/// What a match is read from: the expressions of a rule that have not been read yet.
#[derive(Clone, Copy)]
pub(crate) struct Decoder<'a> {
    pub(crate) family: Family,
    /// `-p` of the rule, once that has been read.
    protocol: Option<u8>,
    set_name: &'a dyn Fn(u16) -> Option<String>,
    rest: &'a [Expression],
}

/// A comparison with what was loaded from a packet.
pub(crate) struct Comparison<'a> {
    /// The bits that are compared; `None` for all.
    pub(crate) mask: Option<&'a [u8]>,
    pub(crate) inverted: bool,
    pub(crate) data: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// The next expression, which then counts as read.
    pub(crate) fn next(&mut self) -> Option<&'a Expression> {
        let (next, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(next)
    }

    /// Whether the rule is for this protocol alone.
    pub(crate) fn is_only(&self, protocol: u8) -> bool {
        self.protocol == Some(protocol)
    }

    /// The name of the set that the kernel knows by this index.
    pub(crate) fn set_name(&self, index: u16) -> Option<String> {
        (self.set_name)(index)
    }

    /// The structure of the xt match `name`, if it is next.
    pub(crate) fn extension(&mut self, name: &str) -> Option<Fields<'a>> {
        match self.next()? {
            Expression::Match(xt) if xt.name == name => Some(Fields(&xt.info)),
            _ => None,
        }
    }

    /// A comparison for equality, behind a load.
    pub(crate) fn comparison(&mut self) -> Option<Comparison<'a>> {
        let mut next = self.next()?;
        let mut mask = None;
        if let Expression::Mask(bits) = next {
            mask = Some(bits.as_slice());
            next = self.next()?;
        }
        match next {
            Expression::Compare { inverted, data } => Some(Comparison {
                mask,
                inverted: *inverted,
                data,
            }),
            _ => None,
        }
    }

    /// Reads with `decode`, or leaves everything unread: also where what was read is not all there
    /// is to say.
    pub(crate) fn attempt<M>(
        &mut self,
        decode: impl FnOnce(&mut Self) -> Option<M>,
    ) -> Option<Match>
    where
        M: Into<Match>,
    {
        let mut ahead = *self;
        let found = decode(&mut ahead)?.into();
        let read = self.rest.len().checked_sub(ahead.rest.len())?;
        let read = self.rest.get(..read)?;
        // The kernel's index of a set is not in the match.
        let mut set_index = |_: &str| Ok(set_index(read));
        let mut encoder = Encoder::new(self.family, &mut set_index);
        found.encode(&mut encoder).ok()?;
        (encoder.expressions == read).then_some(())?;
        self.rest = ahead.rest;
        Some(found)
    }
}

/// The index in the first field of `struct xt_set_info_match_v4`, `linux/netfilter/xt_set.h`.
fn set_index(expressions: &[Expression]) -> u16 {
    match expressions {
        [Expression::Match(xt)] => Fields(&xt.info).u16(0).unwrap_or_default(),
        _ => 0,
    }
}

/// A rule made of these expressions; `set_name` tells the names of sets by their index.
pub(crate) fn rule(
    family: Family,
    expressions: &[Expression],
    set_name: &dyn Fn(u16) -> Option<String>,
) -> Rule {
    let (conditions, action) = parts(expressions);
    let mut decoder = Decoder {
        family,
        protocol: None,
        set_name,
        rest: &conditions,
    };
    let target = action.map_or(Target::None, |action| Target::decode(action, family));
    let mut rule = Rule::new(target);
    while !decoder.rest.is_empty() {
        let Some(one) = match_::decode(&mut decoder) else {
            break;
        };
        if let Match::Protocol(protocol) = &one {
            decoder.protocol = (!protocol.is_inverted()).then(|| protocol.number());
        }
        rule = rule.matching(one);
    }
    rule
}

/// What a rule asks for, and what it does. iptables counts between the two; without a counter only
/// what is known to be a target is one.
fn parts(expressions: &[Expression]) -> (Vec<Expression>, Option<&Expression>) {
    let counted = |expression: &Expression| matches!(expression, Expression::Counter);
    let action = expressions
        .split_last()
        .filter(|(last, before)| before.iter().any(counted) || target::is_target(last));
    let (action, conditions) = match action {
        Some((last, _)) if counted(last) => (None, expressions),
        Some((last, before)) => (Some(last), before),
        None => (None, expressions),
    };
    let conditions = conditions.iter().filter(|one| !counted(one));
    (conditions.cloned().collect(), action)
}

/// A C structure, read field by field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    fn field<const N: usize>(self, offset: usize) -> Option<[u8; N]> {
        self.0.get(offset..)?.first_chunk().copied()
    }

    pub(crate) fn u8(self, offset: usize) -> Option<u8> {
        self.field::<1>(offset).map(|[byte]| byte)
    }

    pub(crate) fn u16(self, offset: usize) -> Option<u16> {
        self.field(offset).map(u16::from_ne_bytes)
    }

    pub(crate) fn u32(self, offset: usize) -> Option<u32> {
        self.field(offset).map(u32::from_ne_bytes)
    }

    pub(crate) fn u64(self, offset: usize) -> Option<u64> {
        self.field(offset).map(u64::from_ne_bytes)
    }

    /// Text up to its NUL.
    pub(crate) fn text(self, offset: usize, size: usize) -> Option<&'a str> {
        let field = self.0.get(offset..)?.get(..size)?;
        std::str::from_utf8(field.split(|byte| *byte == 0).next()?).ok()
    }
}
