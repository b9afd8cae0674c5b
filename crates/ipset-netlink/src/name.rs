//! Names of sets.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::bytes::Text;

/// The name of a set: 1 to 31 bytes of UTF-8 without white space or control characters.
///
/// The kernel itself takes anything of up to 31 bytes, the empty name too; such names cannot be
/// written in a rule or a save file, so parsing refuses them; [`SetName::verbatim`] makes them all
/// the same. A name that was *read* from the kernel is kept as it is, byte for byte. Names are
/// equal when their bytes are.
///
/// Cloning is cheap: clones share the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetName(Arc<Text>);

impl SetName {
    /// The longest name the kernel takes, in bytes.
    pub const MAX_LEN: usize = IPSET_MAXNAMELEN - 1;

    /// The name as text, to be shown. Where it is not UTF-8 stands U+FFFD: what is to be the name
    /// again is [`as_bytes`](Self::as_bytes).
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name as the kernel has it.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// A name as it is, empty, with spaces, or not even text: for programs that must reach every
    /// set there is, also one that should not have been given its name.
    ///
    /// # Errors
    ///
    /// More than [`SetName::MAX_LEN`] bytes, or a NUL: no set can have such a name.
    pub fn verbatim(name: impl AsRef<[u8]>) -> Result<Self, SetNameError> {
        let name = name.as_ref();
        let fault = if name.len() > Self::MAX_LEN {
            Fault::TooLong
        } else if name.contains(&0) {
            Fault::Character('\0')
        } else {
            return Ok(Self::from_kernel(name));
        };
        Err(SetNameError {
            name: String::from_utf8_lossy(name).into(),
            fault,
        })
    }

    /// A name as the kernel reports it, whoever gave it.
    pub(crate) fn from_kernel(name: &[u8]) -> Self {
        Self(Arc::new(Text::new(name)))
    }

    /// The name in double quotes, fit for a line of an error message.
    pub(crate) fn quoted(&self) -> impl fmt::Display + '_ {
        struct Quoted<'a>(&'a str);
        impl fmt::Display for Quoted<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "\"{}\"", self.0.escape_debug())
            }
        }
        Quoted(self.as_str())
    }
}

impl FromStr for SetName {
    type Err = SetNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let refuse = |fault| {
            Err(SetNameError {
                name: name.into(),
                fault,
            })
        };
        if name.is_empty() {
            return refuse(Fault::Empty);
        }
        if name.len() > Self::MAX_LEN {
            return refuse(Fault::TooLong);
        }
        if let Some(character) = name.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return refuse(Fault::Character(character));
        }
        Ok(Self::from_kernel(name.as_bytes()))
    }
}

impl TryFrom<&str> for SetName {
    type Error = SetNameError;

    fn try_from(name: &str) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl TryFrom<String> for SetName {
    type Error = SetNameError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl AsRef<str> for SetName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for SetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not a [`SetName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a set name: {fault}")]
pub struct SetNameError {
    name: Box<str>,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {} bytes", SetName::MAX_LEN)]
    TooLong,
    #[error("it contains {0:?}")]
    Character(char),
}

// linux/netfilter/ipset/ip_set.h; the final NUL is counted.
const IPSET_MAXNAMELEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_a_rule_can_name() {
        for good in [
            "a",
            "blacklist_v6",
            "ünï-1.x",
            "0123456789012345678901234567890",
        ] {
            assert_eq!(good.parse::<SetName>().unwrap().to_string(), good);
        }
    }

    #[test]
    fn reaches_every_set_there_can_be() {
        for odd in ["", "a b", "a\tb\n", &"x".repeat(31)] {
            assert_eq!(SetName::verbatim(odd).unwrap().as_str(), odd);
        }
        let odd = SetName::verbatim(b"caf\xe9").unwrap();
        assert_eq!(
            (odd.as_bytes(), odd.as_str()),
            (&b"caf\xe9"[..], "caf\u{fffd}")
        );
        assert_ne!(odd, SetName::verbatim("caf\u{fffd}").unwrap());
        assert!(SetName::verbatim("a\0b").is_err());
        assert!(SetName::verbatim("x".repeat(32)).is_err());
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for (bad, why) in [
            ("", "\"\" is not a set name: it is empty"),
            ("a b", "\"a b\" is not a set name: it contains ' '"),
            ("a\n", "\"a\\n\" is not a set name: it contains '\\n'"),
            ("a\0", "\"a\\0\" is not a set name: it contains '\\0'"),
            (
                "01234567890123456789012345678901",
                "\"01234567890123456789012345678901\" is not a set name: it is longer than 31 bytes",
            ),
        ] {
            assert_eq!(bad.parse::<SetName>().unwrap_err().to_string(), why);
        }
    }
}
