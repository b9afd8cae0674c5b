//! AH and ESP over IPv4: the security parameters index.

use nom::Parser;

use crate::input::{Parsed, field, prefixed_hexadecimal};
use crate::render::put;

/// `SPI=`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Spi(pub u32);

impl Spi {
    pub(crate) fn parse(input: &[u8]) -> Parsed<'_, Self> {
        field("SPI=", prefixed_hexadecimal).map(Self).parse(input)
    }

    pub(crate) fn render(self, out: &mut Vec<u8>) {
        put!(out, "SPI=0x{:x} ", self.0);
    }
}
