use std::fmt;

use super::{Extension, interface};
use crate::encoding::{Encoder, MetaKey};
use crate::{BuildError, Family, InterfaceName};

/// `-i`: the interface that packets came in by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InInterface {
    name: InterfaceName,
    inverted: bool,
}

impl InInterface {
    /// Packets that came in by `name`.
    pub fn new(name: InterfaceName) -> Self {
        Self {
            name,
            inverted: false,
        }
    }

    /// Packets that came in by any other interface.
    pub fn not(name: InterfaceName) -> Self {
        Self {
            name,
            inverted: true,
        }
    }
}

impl Extension for InInterface {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        interface::save(f, "-i", &self.name, self.inverted)
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        interface::encode(encoder, MetaKey::InInterface, &self.name, self.inverted);
        Ok(())
    }
}
