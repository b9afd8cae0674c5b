use std::fmt;

use super::{Extension, interface};
use crate::encoding::{Encoder, MetaKey};
use crate::{BuildError, Family, InterfaceName};

/// `-o`: the interface that packets leave by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutInterface {
    name: InterfaceName,
    inverted: bool,
}

impl OutInterface {
    /// Packets that leave by `name`.
    pub fn new(name: InterfaceName) -> Self {
        Self {
            name,
            inverted: false,
        }
    }

    /// Packets that leave by any other interface.
    pub fn not(name: InterfaceName) -> Self {
        Self {
            name,
            inverted: true,
        }
    }
}

impl Extension for OutInterface {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        interface::save(f, "-o", &self.name, self.inverted)
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        interface::encode(encoder, MetaKey::OutInterface, &self.name, self.inverted);
        Ok(())
    }
}
