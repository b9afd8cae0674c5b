//! Ports and ranges of them.

use std::fmt;
use std::str::FromStr;

use crate::BuildError;

/// A port, or all ports from one to another.
///
/// ```
/// use iptables_ruleset::PortRange;
///
/// let passive: PortRange = "8000:8100".parse()?;
/// assert_eq!((passive.first(), passive.last()), (8000, 8100));
/// assert_eq!(PortRange::from(22).to_string(), "22");
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// The ports `first` to `last`, both included.
    ///
    /// # Errors
    /// When `last` is less than `first`.
    pub fn new(first: u16, last: u16) -> Result<Self, BuildError> {
        if last < first {
            return Err(BuildError::value(
                "port range",
                format!("{first}:{last}"),
                "ends before it begins",
            ));
        }
        Ok(Self { first, last })
    }

    /// The lowest port.
    pub fn first(self) -> u16 {
        self.first
    }

    /// The highest port.
    pub fn last(self) -> u16 {
        self.last
    }

    /// Whether `port` is among them.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// Whether it is one port.
    pub fn is_single(self) -> bool {
        self.first == self.last
    }
}

impl From<u16> for PortRange {
    fn from(port: u16) -> Self {
        Self {
            first: port,
            last: port,
        }
    }
}

impl FromStr for PortRange {
    type Err = BuildError;

    fn from_str(text: &str) -> Result<Self, BuildError> {
        let port = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            part.parse::<u16>().ok().filter(|_| digits)
        };
        // "-" is what other tools write.
        let ends = match text.split_once([':', '-']) {
            None => port(text).map(|port| (port, port)),
            Some((first, last)) => port(first).zip(port(last)),
        };
        let (first, last) = ends.ok_or_else(|| {
            BuildError::value("port", text, "expected PORT or FIRST:LAST, each 0 to 65535")
        })?;
        Self::new(first, last)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}:{}", self.first, self.last)
        }
    }
}
