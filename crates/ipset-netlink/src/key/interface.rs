//! Network interfaces, as an element of a key.

use std::fmt;
use std::str::FromStr;

use crate::bytes::Text;

/// A network interface, in a `hash:net,iface`.
///
/// As text it is `eth0`, or `physdev:eth0` for the port of a bridge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Interface {
    name: Text,
    /// It is the port of a bridge that the packet came through, not the bridge.
    pub bridge_port: bool,
    /// Every interface whose name begins so (`wildcard`, Linux 5.5).
    pub wildcard: bool,
}

impl Interface {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = IFNAMSIZ - 1;

    /// The interface of that name, which need not exist.
    ///
    /// # Errors
    ///
    /// An empty name, one of more than [`Interface::MAX_LEN`] bytes, or one with white space,
    /// control characters, `/` or `,`.
    pub fn new(name: &str) -> Result<Self, InterfaceError> {
        let wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ',');
        if name.is_empty() || name.len() > Self::MAX_LEN || name.contains(wrong) {
            return Err(InterfaceError(name.into()));
        }
        Ok(Self::from_kernel(name.as_bytes()))
    }

    /// A name as it is, empty, with spaces, or not even text: for programs that must reach every
    /// entry there is, also one that no interface can ever match.
    ///
    /// # Errors
    ///
    /// More than [`Interface::MAX_LEN`] bytes, or a NUL: no entry can have such a name.
    pub fn verbatim(name: impl AsRef<[u8]>) -> Result<Self, InterfaceError> {
        let name = name.as_ref();
        if name.len() > Self::MAX_LEN || name.contains(&0) {
            return Err(InterfaceError(String::from_utf8_lossy(name).into()));
        }
        Ok(Self::from_kernel(name))
    }

    /// The port of a bridge.
    pub fn bridge_port(self) -> Self {
        Self {
            bridge_port: true,
            ..self
        }
    }

    /// Every interface whose name begins so.
    pub fn wildcard(self) -> Self {
        Self {
            wildcard: true,
            ..self
        }
    }

    /// The name, or the beginning of it, to be shown. Where it is not UTF-8 stands U+FFFD: what is
    /// to be the name again is [`name_bytes`](Self::name_bytes).
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The name, or the beginning of it, as the kernel has it.
    pub fn name_bytes(&self) -> &[u8] {
        self.name.as_bytes()
    }

    /// An interface as the kernel reports it, whoever named it.
    pub(crate) fn from_kernel(name: &[u8]) -> Self {
        Self {
            name: Text::new(name),
            bridge_port: false,
            wildcard: false,
        }
    }
}

impl FromStr for Interface {
    type Err = InterfaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("physdev:") {
            Some(name) => Self::new(name).map(Self::bridge_port),
            None => Self::new(text),
        }
    }
}

/// Without the wildcard, which `ipset` writes behind the whole entry.
impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.bridge_port { "physdev:" } else { "" };
        write!(f, "{prefix}{}", self.name)
    }
}

/// Why a text is not an [`Interface`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of an interface (1 to {max} bytes, no spaces, `/` or `,`)", max = Interface::MAX_LEN)]
pub struct InterfaceError(Box<str>);

// linux/if.h; the final NUL is counted.
const IFNAMSIZ: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaches_every_entry_there_can_be() {
        for odd in ["", "a b", "a,b", "abcdefghijklmno"] {
            assert_eq!(Interface::verbatim(odd).unwrap().name(), odd);
        }
        assert!(Interface::verbatim("abcdefghijklmnop").is_err());
        assert!(Interface::verbatim("a\0b").is_err());
        assert!(Interface::new("a b").is_err());
    }
}
