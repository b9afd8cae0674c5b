//! What a match or target needs to know to be read from the expressions of a rule.

use crate::Family;
use crate::encoding::{Expression, Field};

/// What a match is read from: the expressions of a rule that have not been read yet.
#[derive(Clone, Copy)]
pub(crate) struct Decoder<'a> {
    pub(crate) family: Family,
    /// `-p` of the rule, once that has been read; `None` also for `! -p`.
    pub(crate) protocol: Option<u8>,
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
    /// For what a rule of `family` asks; `set_name` tells the names of sets by their index.
    pub(crate) fn new(
        family: Family,
        set_name: &'a dyn Fn(u16) -> Option<String>,
        rest: &'a [Expression],
    ) -> Self {
        Self {
            family,
            protocol: None,
            set_name,
            rest,
        }
    }

    /// Whether everything has been read.
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// What `ahead`, which went on from here, has read.
    pub(crate) fn read_by(&self, ahead: &Self) -> Option<&'a [Expression]> {
        self.rest
            .get(..self.rest.len().checked_sub(ahead.rest.len())?)
    }

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
}

/// A C structure, read field by field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn bytes<const S: usize, const N: usize>(
        self,
        field: Field<S, N>,
    ) -> Option<&'a [u8; N]> {
        field.of(self.0)
    }

    pub(crate) fn u8<const S: usize>(self, field: Field<S, 1>) -> Option<u8> {
        self.bytes(field).map(|[byte]| *byte)
    }

    pub(crate) fn u16<const S: usize>(self, field: Field<S, 2>) -> Option<u16> {
        self.bytes(field).copied().map(u16::from_ne_bytes)
    }

    pub(crate) fn u32<const S: usize>(self, field: Field<S, 4>) -> Option<u32> {
        self.bytes(field).copied().map(u32::from_ne_bytes)
    }

    pub(crate) fn u64<const S: usize>(self, field: Field<S, 8>) -> Option<u64> {
        self.bytes(field).copied().map(u64::from_ne_bytes)
    }

    /// Text up to its NUL.
    pub(crate) fn text<const S: usize, const N: usize>(
        self,
        field: Field<S, N>,
    ) -> Option<&'a str> {
        let text = self.bytes(field)?.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(text).ok()
    }
}
