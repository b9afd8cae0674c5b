//! Names of hosts, sets and rules, and patterns of names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has no character.
    #[error("a name of a {0} has at least one character")]
    Empty(&'static str),
    /// It has more bytes than such a name may have.
    #[error("a name of a {what} has at most {most} bytes, and this one {length}")]
    TooLong {
        /// What it was to be the name of.
        what: &'static str,
        /// How many there may be.
        most: usize,
        /// How many there are.
        length: usize,
    },
    /// It has a character that a name may not have.
    #[error(
        "{character:?} in a name of a {what}: letters, digits, `.`, `-` and `_` may stand there"
    )]
    Character {
        /// What it was to be the name of.
        what: &'static str,
        /// The first such character.
        character: char,
    },
}

fn check(text: &str, what: &'static str, most: usize, more: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty(what));
    }
    let length = text.len();
    if length > most {
        return Err(NameError::TooLong { what, most, length });
    }
    let mut characters = text.chars();
    let other = characters
        .find(|c| !c.is_ascii_alphanumeric() && !"._-".contains(*c) && !more.contains(*c));
    match other {
        Some(character) => Err(NameError::Character { what, character }),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $most:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// How many bytes it has at most.
            pub const MAX_LEN: usize = $most;

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text, $what, $most, "")?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name! {
    /// A host of the fleet, or an administrator: who decided something. `web1`, `admin-anna`.
    Host, "host", 63
}
name! {
    /// A set of the kernel that bans go into. `blacklist`; that of the other family is the same one
    /// to a fleet, since the address tells the family.
    Set, "set", 28
}
name! {
    /// A rule of a scan. `blocked`.
    Rule, "rule", 32
}

/// Names that begin, end and go on as a text says, in which `*` stands for any characters: `web*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// All names.
    pub fn any() -> Self {
        Self("*".into())
    }

    /// Whether this host is meant.
    pub fn matches(&self, host: &Host) -> bool {
        let Some((begin, rest)) = self.0.split_once('*') else {
            return *self.0 == *host.as_str();
        };
        let Some(mut left) = host.as_str().strip_prefix(begin) else {
            return false;
        };
        let (between, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in between.split('*') {
            match left.split_once(part) {
                Some((_, behind)) => left = behind,
                None => return false,
            }
        }
        left.ends_with(end)
    }
}

impl FromStr for Pattern {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text, "host", Host::MAX_LEN, "*")?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_name() {
        for good in ["a", "web-1.example_x", &"x".repeat(63)] {
            assert_eq!(good.parse::<Host>().expect(good).to_string(), good);
        }
        for bad in ["", "a b", "a*", "a:b", "ä", "a\n", &"x".repeat(64)] {
            assert!(bad.parse::<Host>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(28).parse::<Set>().is_ok());
        assert!("x".repeat(29).parse::<Set>().is_err());
    }

    #[test]
    fn which_hosts_a_pattern_means() {
        for (pattern, host, expected) in [
            ("web1", "web1", true),
            ("web1", "web12", false),
            ("web*", "web", true),
            ("web*", "web12", true),
            ("web*", "xweb", false),
            ("*", "anything", true),
            ("*.example", "a.example", true),
            ("*.example", "a.example.org", false),
            ("w*1", "web1", true),
            ("w*b*1", "web1", true),
            ("w*b*1", "we1", false),
            // No character stands for two parts.
            ("ab*ba", "aba", false),
            ("a*a*a", "aa", false),
            ("**", "x", true),
        ] {
            let pattern: Pattern = pattern.parse().expect(pattern);
            let name = host.parse().expect(host);
            assert_eq!(pattern.matches(&name), expected, "{pattern} {host}");
        }
    }
}
