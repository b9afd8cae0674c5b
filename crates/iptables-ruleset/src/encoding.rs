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

    /// The xt match of this name and revision, with its structure.
    pub(crate) fn extension(&mut self, name: &'static str, revision: u32, info: Vec<u8>) {
        self.push(Expression::Match(Extension {
            name,
            revision,
            info,
        }));
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

    /// The bits of `mask` of what is loaded must equal `data`, or differ from it.
    pub(crate) fn compare_bits(
        &mut self,
        load: Expression,
        mask: Vec<u8>,
        inverted: bool,
        data: Vec<u8>,
    ) {
        self.push(load);
        self.push(Expression::Mask(mask));
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
    Other(Box<Unknown>),
}

/// An expression that iptables does not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// What the kernel calls it: `lookup`, or `match` and the name of an xt match.
    pub(crate) name: String,
    /// Its attributes, or the structure of an xt match or target.
    pub(crate) data: Vec<u8>,
    pub(crate) native: Native,
}

/// What an expression does that iptables has no words for, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Native {
    /// Asks for something that cannot be read.
    Asks,
    /// Loads the state of connection tracking.
    LoadsState,
    /// Loads something else.
    Loads,
    /// The xt match `tcp` or `udp`: ports of both ends, first and last.
    AsksForPorts {
        source: (u16, u16),
        destination: (u16, u16),
    },
    /// Asks for nothing and decides nothing.
    DoesNothing,
    /// Does something with the packet that may end its way or not.
    Acts,
    /// Gives the packet another destination.
    ChangesDestination,
    /// Drops the packet and tells its sender.
    Rejects,
    /// Hands the packet to a program.
    Queues,
    /// Leads to a chain from which there is no way back.
    GoesTo(String),
    /// Takes its verdict from a map.
    LooksUpVerdict,
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
    NfProto = 15,
    L4Protocol = 16,
}

/// enum `nft_payload_bases`, `linux/netfilter/nf_tables.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadBase {
    Network = 1,
    Transport = 2,
}

/// A field of a C structure of `SIZE` bytes: `N` bytes at an offset. What writes the structure and
/// what reads it have the same constant.
#[derive(Clone, Copy)]
pub(crate) struct Field<const SIZE: usize, const N: usize>(usize);

impl<const SIZE: usize, const N: usize> Field<SIZE, N> {
    /// A constant that lies beyond the end of its structure does not compile.
    pub(crate) const fn at(offset: usize) -> Self {
        assert!(SIZE % 8 == 0, "XT_ALIGN on 64-bit systems");
        assert!(offset + N <= SIZE, "beyond the end of the structure");
        Self(offset)
    }

    /// Its bytes in a structure, if that is long enough.
    pub(crate) fn of(self, structure: &[u8]) -> Option<&[u8; N]> {
        structure.get(self.0..)?.first_chunk()
    }
}

/// A C structure of zero bytes, written field by field.
pub(crate) struct Info<const SIZE: usize>([u8; SIZE]);

impl<const SIZE: usize> Info<SIZE> {
    pub(crate) fn new() -> Self {
        Self([0; SIZE])
    }

    pub(crate) fn put<const N: usize>(mut self, field: Field<SIZE, N>, bytes: [u8; N]) -> Self {
        let places = self.0.iter_mut().skip(field.0);
        places.zip(bytes).for_each(|(place, byte)| *place = byte);
        self
    }

    /// Puts `bytes` at the beginning of a field; zeros follow.
    ///
    /// # Errors
    /// When there are more bytes than the field has.
    pub(crate) fn put_start<const N: usize>(
        self,
        field: Field<SIZE, N>,
        bytes: &[u8],
    ) -> Result<Self, BuildError> {
        let mut whole = [0; N];
        let start = whole.get_mut(..bytes.len()).ok_or_else(|| {
            let reason = format!("the kernel has only {N} bytes for it");
            BuildError::value("field", String::from_utf8_lossy(bytes), reason)
        })?;
        start.copy_from_slice(bytes);
        Ok(self.put(field, whole))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_into_its_field_is_refused() {
        const NAME: Field<8, 3> = Field::at(2);
        let info = |name: &[u8]| Info::<8>::new().put_start(NAME, name).map(Info::finish);
        assert_eq!(info(b"abc").unwrap(), b"\0\0abc\0\0\0");
        assert_eq!(info(b"a").unwrap(), b"\0\0a\0\0\0\0\0");
        assert!(info(b"abcd").is_err());
        assert_eq!(NAME.of(b"12345678"), Some(b"345"));
        assert_eq!(NAME.of(b"1234"), None);
    }
}
