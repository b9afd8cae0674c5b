//! `protect`: which of those are never banned whom this host cannot do without.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What somebody can be to this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// A gateway of its routes.
    Gateways,
    /// A server that it asks for names.
    Resolvers,
    /// A server that it asks for the time.
    TimeServers,
    /// The other end of a session that somebody is logged in by.
    Ssh,
}

const ROLES: [(&str, Role); 4] = [
    ("gateways", Role::Gateways),
    ("resolvers", Role::Resolvers),
    ("time-servers", Role::TimeServers),
    ("ssh", Role::Ssh),
];

/// The word for no role at all, on the command line.
const NONE: &str = "none";

/// The roles that protect from bans; all, unless it is said.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Protect(BTreeSet<Role>);

impl Protect {
    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

impl Default for Protect {
    fn default() -> Self {
        Self(ROLES.iter().map(|(_, role)| *role).collect())
    }
}

impl FromStr for Protect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == NONE {
            return Ok(Self(BTreeSet::new()));
        }
        let role = |word: &str| {
            let mut roles = ROLES.iter();
            let role = roles.find(|(known, _)| *known == word.trim());
            role.map(|(_, role)| *role)
                .ok_or_else(|| format!("{word:?} is none of them; known are {KNOWN}"))
        };
        text.split(',')
            .map(role)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

const KNOWN: &str = "gateways, resolvers, time-servers, ssh, and none alone";

impl fmt::Display for Protect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = ROLES.iter().filter(|(_, role)| self.has(*role));
        let words: Vec<_> = words.map(|(word, _)| *word).collect();
        f.write_str(if words.is_empty() { NONE } else { "" })?;
        f.write_str(&words.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_it_is_written() {
        for text in [
            "none",
            "ssh",
            "gateways,ssh",
            "gateways,resolvers,time-servers,ssh",
        ] {
            let protect: Protect = text.parse().expect(text);
            assert_eq!(protect.to_string(), text);
        }
        assert_eq!("ssh, gateways".parse(), "gateways,ssh".parse::<Protect>());
        for text in ["", "gateway", "none,ssh", "ssh,"] {
            assert!(text.parse::<Protect>().is_err(), "{text}");
        }
        assert_eq!(
            Protect::default().to_string(),
            "gateways,resolvers,time-servers,ssh"
        );
    }
}
