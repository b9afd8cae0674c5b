//! Which table a part of a checkpoint is of.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kernel::snapshot::{Snapshot, TableState};
use crate::{Family, Hook, Table};

/// A table of a family; as text `ip filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct OfTable(pub(super) Family, pub(super) Table);

impl OfTable {
    /// The table as it is in `snapshot`.
    pub(super) fn find(self, snapshot: &Snapshot) -> Option<&TableState> {
        snapshot.find(self.1, self.0)
    }

    /// The hooks of its built-in chains.
    pub(super) fn hooks(self) -> impl Iterator<Item = Hook> {
        self.1.hooks().iter().copied()
    }

    /// Whether it is one of its built-in chains.
    pub(super) fn has_built_in(self, chain: &str) -> bool {
        self.1.hook(chain).is_some()
    }
}

impl From<OfTable> for String {
    fn from(OfTable(family, table): OfTable) -> Self {
        format!("{} {table}", family.nft_name())
    }
}

impl TryFrom<String> for OfTable {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let known = || {
            let (family, table) = text.split_once(' ')?;
            let mut families = Family::BOTH.into_iter();
            let family = families.find(|one| one.nft_name() == family)?;
            Some(Self(family, Table::named(table)?))
        };
        known().ok_or_else(|| format!("there is no table {text:?}"))
    }
}

/// `IPv4`, or `IPv4 raw` for another table than `filter`.
impl fmt::Display for OfTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.of(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_text_and_back() {
        for family in Family::BOTH {
            for table in Table::ALL {
                let of = OfTable(family, table);
                assert_eq!(OfTable::try_from(String::from(of)), Ok(of));
            }
        }
        for wrong in ["", "ip", "ip broute", "inet filter", "ip  raw"] {
            assert!(OfTable::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
