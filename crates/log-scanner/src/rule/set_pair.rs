//! `--ipset`: the set for each family.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ban_sets::names::{V6, WHITELIST};
use ban_sets::{SetName, SetNameError};

/// The two sets that `--ipset` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetPair {
    pub(crate) inet: SetName,
    pub(crate) inet6: SetName,
}

impl FromStr for SetPair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ROOM: usize = SetName::MAX_LEN - V6.len();
        if text.len() > ROOM {
            return Err(format!(
                "{} bytes are too many: {ROOM} leave room for the {V6} of the IPv6 set",
                text.len()
            ));
        }
        if text == WHITELIST {
            return Err("its members are accepted before anything else".to_owned());
        }
        let name = |text: &str| {
            text.parse()
                .map_err(|error: SetNameError| error.to_string())
        };
        Ok(Self {
            inet: name(text)?,
            inet6: name(&format!("{text}{V6}"))?,
        })
    }
}

impl SetPair {
    /// The set of IPv4 and that of IPv6.
    pub(crate) fn both(&self) -> [&SetName; 2] {
        [&self.inet, &self.inet6]
    }

    /// The set for addresses like this one.
    pub(crate) fn of(&self, address: IpAddr) -> &SetName {
        match address {
            IpAddr::V4(_) => &self.inet,
            IpAddr::V6(_) => &self.inet6,
        }
    }
}

impl fmt::Display for SetPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.inet.as_str())
    }
}
