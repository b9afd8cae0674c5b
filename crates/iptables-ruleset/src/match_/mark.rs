use std::fmt;

use super::Extension;
use crate::decoding::{Decoder, Fields};
use crate::encoding::{Encoder, Expression, MetaKey};
use crate::{BuildError, Family, Rule};

/// `-m mark`: the firewall mark that something else put on the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    value: u32,
    mask: u32,
}

impl Mark {
    /// Packets with this mark.
    pub fn new(value: u32) -> Self {
        Self {
            value,
            mask: u32::MAX,
        }
    }

    /// Compares the bits of `mask` only.
    pub fn mask(self, mask: u32) -> Self {
        Self { mask, ..self }
    }
}

impl Extension for Mark {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        match self.mask {
            u32::MAX => write!(f, "-m mark --mark {:#x} ", self.value),
            mask => write!(f, "-m mark --mark {:#x}/{mask:#x} ", self.value),
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        encoder.push(Expression::Meta(MetaKey::Mark));
        if self.mask != u32::MAX {
            encoder.push(Expression::Mask(self.mask.to_ne_bytes().to_vec()));
        }
        encoder.push(Expression::Compare {
            inverted: false,
            data: self.value.to_ne_bytes().to_vec(),
        });
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        if *decoder.next()? != Expression::Meta(MetaKey::Mark) {
            return None;
        }
        let compared = decoder.comparison()?;
        let number = |bytes: &[u8]| Fields(bytes).u32(0);
        Some(Self {
            value: number(compared.data)?,
            mask: compared.mask.map_or(Some(u32::MAX), number)?,
        })
    }

    fn check(&self, _rule: &Rule, _family: Family) -> Result<(), String> {
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
