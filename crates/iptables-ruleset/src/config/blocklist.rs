//! `[[blocklist]]`: lists of networks that others keep, whose members are blocked.

use std::path::PathBuf;

use super::set_name;
use crate::match_::{Direction, Set};
use crate::{BuildError, Family, SetName};

/// A list whose members are dropped and logged, right behind the blacklist. It is a set of networks
/// for each family.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blocklist {
    /// `name`: the name of its set for IPv4; that for IPv6 ends in `_v6`.
    pub name: SetName,
    /// `file`: what fills it, as the file names it.
    pub files: Vec<PathBuf>,
    /// `max-shrink`, in per cent: a file that would take more of its networks than this out of it is
    /// refused; by default 50.
    pub max_shrink: u8,
}

impl Blocklist {
    /// A list that these files fill.
    pub fn new(name: SetName, files: Vec<PathBuf>) -> Self {
        Self {
            name,
            files,
            max_shrink: MAX_SHRINK,
        }
    }

    /// Its set of that family.
    ///
    /// # Errors
    /// When the name has no room for `_v6`, which [`Config::parse`](crate::Config::parse) sees to.
    pub fn set_name(&self, family: Family) -> Result<SetName, BuildError> {
        set_name::in_family(&self.name, family)
    }

    /// Whether a packet's source is on it.
    pub(crate) fn member(&self, family: Family) -> Result<Set, BuildError> {
        Ok(Set::new(self.set_name(family)?, Direction::Source))
    }
}

/// `50%`.
pub(super) fn percent(text: &str) -> Result<u8, BuildError> {
    let number = text.strip_suffix('%').unwrap_or_default();
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let percent = number.parse().ok().filter(|percent| *percent <= 100);
    percent.filter(|_| digits).ok_or_else(|| {
        BuildError::value(
            "percentage",
            text,
            "expected \"0%\" to \"100%\", like \"50%\"",
        )
    })
}

/// `max-shrink` unless the file says otherwise.
const MAX_SHRINK: u8 = 50;
