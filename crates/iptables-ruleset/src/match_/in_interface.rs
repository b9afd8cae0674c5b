use std::fmt;

use super::Extension;
use super::interface::Interface;
use crate::decoding::Decoder;
use crate::encoding::{Encoder, MetaKey};
use crate::{BuildError, Family, InterfaceName};

/// `-i`: the interface that packets came in by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InInterface(Interface);

impl InInterface {
    /// Packets that came in by `name`.
    pub fn new(name: InterfaceName) -> Self {
        Self(Interface::named(name))
    }

    /// Packets that came in by any other interface.
    pub fn not(name: InterfaceName) -> Self {
        Self(Interface::other_than(name))
    }
}

impl Extension for InInterface {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        self.0.save(f, "-i")
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        self.0.encode(encoder, MetaKey::InInterface);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        Interface::decode(decoder, MetaKey::InInterface).map(Self)
    }
}
