use std::fmt;

use super::Extension;
use super::interface::Interface;
use crate::decoding::Decoder;
use crate::encoding::{Encoder, MetaKey};
use crate::{BuildError, Family, InterfaceName};

/// `-o`: the interface that packets leave by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutInterface(Interface);

impl OutInterface {
    /// Packets that leave by `name`.
    pub fn new(name: InterfaceName) -> Self {
        Self(Interface::named(name))
    }

    /// Packets that leave by any other interface.
    pub fn not(name: InterfaceName) -> Self {
        Self(Interface::other_than(name))
    }
}

impl Extension for OutInterface {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        self.0.save(f, "-o")
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        self.0.encode(encoder, MetaKey::OutInterface);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        Interface::decode(decoder, MetaKey::OutInterface).map(Self)
    }
}
