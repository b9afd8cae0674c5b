//! `-m mark`.

use std::fmt;

use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression, MetaKey};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family};

/// `-m mark`: the firewall mark that something else put on the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    value: u32,
    mask: u32,
    /// Any other mark: what others ask for is read, and is not asked for here.
    inverted: bool,
}

impl Mark {
    /// Packets with this mark.
    pub fn new(value: u32) -> Self {
        Self {
            value,
            mask: u32::MAX,
            inverted: false,
        }
    }

    /// Compares the bits of `mask` only.
    pub fn mask(self, mask: u32) -> Self {
        Self { mask, ..self }
    }
}

impl MatchKind for Mark {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        let not = if self.inverted { "! " } else { "" };
        match self.mask {
            u32::MAX => write!(f, "-m mark {not}--mark {:#x} ", self.value),
            mask => write!(f, "-m mark {not}--mark {:#x}/{mask:#x} ", self.value),
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let load = Expression::Meta(MetaKey::Mark);
        let value = self.value.to_ne_bytes().to_vec();
        match self.mask {
            u32::MAX => encoder.compare(load, self.inverted, value),
            mask => encoder.compare_bits(load, mask.to_ne_bytes().to_vec(), self.inverted, value),
        }
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        if *decoder.next()? != Expression::Meta(MetaKey::Mark) {
            return None;
        }
        let compared = decoder.comparison()?;
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_ne_bytes);
        Some(Self {
            value: number(compared.data)?,
            mask: compared.mask.map_or(Some(u32::MAX), number)?,
            inverted: compared.inverted,
        })
    }

    fn ask(&self, _packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        Answer::perhaps("the mark that something put on it")
    }

    fn check(&self, _protocol: Option<&Protocol>, _family: Family) -> Result<(), String> {
        if self.value & !self.mask != 0 {
            return Err(
                "the mark has bits that its mask leaves out, so it never matches".to_owned(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{expressions, refusal, text};
    use super::*;

    #[test]
    fn marks_are_hexadecimal_and_in_host_order() {
        assert_eq!(text(Mark::new(1), Family::Ipv4), "-m mark --mark 0x1");
        let masked = Mark::new(0x10).mask(0xf0);
        assert_eq!(text(masked, Family::Ipv4), "-m mark --mark 0x10/0xf0");
        assert_eq!(
            expressions(masked, Family::Ipv4),
            [
                Expression::Meta(MetaKey::Mark),
                Expression::Mask(0xf0u32.to_ne_bytes().to_vec()),
                Expression::Compare {
                    inverted: false,
                    data: 0x10u32.to_ne_bytes().to_vec()
                },
            ]
        );
        assert!(refusal(Mark::new(1).mask(2), vec![], Family::Ipv4).contains("never matches"));
    }
}
