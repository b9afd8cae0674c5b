//! Why a line is no event.

use std::fmt;

/// Why a line is not an [`Event`](crate::Event).
///
/// There are three reasons, and exactly one of the predicates holds: [nothing of a firewall in
/// it](Self::is_not_firewall_line), [not written by the kernel](Self::is_rejected), or [written by
/// the kernel but not well formed](Self::is_malformed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError(Reason);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    NotFirewall,
    Rejected {
        offset: usize,
        origin: Origin,
        found: Excerpt,
    },
    Malformed {
        offset: usize,
        expected: &'static str,
        found: Excerpt,
    },
}

/// What shows that a line is not the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The line begins with nothing that a syslog daemon or the kernel writes.
    NoHeader,
    /// Another program wrote it, whose name with its number is so long.
    Program { length: usize },
    /// `<pri>` is not one of the kernel facility.
    Facility,
}

impl ParseError {
    /// The line carries no firewall text: the common case in a log of many sources.
    ///
    /// Firewall text is `IN=` with ` OUT=` somewhere after it, or one of the words `IPTABLES-…` and
    /// `IP6TABLES-…`.
    pub fn is_not_firewall_line(&self) -> bool {
        self.0 == Reason::NotFirewall
    }

    /// The line carries firewall text, but nothing shows that the kernel wrote it, or something
    /// shows that it did not.
    ///
    /// That is what a forged line looks like: a user name or a web address that holds a whole
    /// firewall line, written by the program it was given to.
    pub fn is_rejected(&self) -> bool {
        matches!(self.0, Reason::Rejected { .. })
    }

    /// The kernel wrote the line and it carries firewall text, but it is cut short, run together or
    /// garbled.
    pub fn is_malformed(&self) -> bool {
        matches!(self.0, Reason::Malformed { .. })
    }

    /// Where in the line it went wrong: bytes from its beginning, the first is 0. For a line
    /// without firewall text 0.
    pub fn offset(&self) -> usize {
        match self.0 {
            Reason::NotFirewall => 0,
            Reason::Rejected { offset, .. } | Reason::Malformed { offset, .. } => offset,
        }
    }

    pub(crate) fn not_firewall() -> Self {
        Self(Reason::NotFirewall)
    }

    pub(crate) fn rejected(line: &[u8], at: &[u8], origin: Origin) -> Self {
        Self(Reason::Rejected {
            offset: offset(line, at),
            origin,
            found: Excerpt::new(at),
        })
    }

    pub(crate) fn malformed(line: &[u8], at: &[u8], expected: &'static str) -> Self {
        Self(Reason::Malformed {
            offset: offset(line, at),
            expected,
            found: Excerpt::new(at),
        })
    }
}

/// `at` is always the end of `line`.
fn offset(line: &[u8], at: &[u8]) -> usize {
    line.len().saturating_sub(at.len())
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::NotFirewall => {
                f.write_str("not a firewall line: no IN=… OUT=… and no IPTABLES- prefix")
            }
            Reason::Rejected {
                offset,
                origin,
                found,
            } => {
                f.write_str("carries firewall text but ")?;
                match origin {
                    Origin::NoHeader => f.write_str("its header is not one that is known: expected the time and the tag of a line of the kernel")?,
                    Origin::Program { length } => {
                        let name = found.text();
                        let name = name.get(..*length).unwrap_or(name);
                        let more = if *length > found.text().len() { "…" } else { "" };
                        write!(f, "was written by {}{more}: expected the kernel's tag", name.escape_ascii())?;
                    }
                    Origin::Facility => f.write_str("was written by a program: expected the kernel's facility, a priority below 8,")?,
                }
                write!(f, " at byte {offset}, found {found}")
            }
            Reason::Malformed {
                offset,
                expected,
                found,
            } => {
                write!(
                    f,
                    "malformed firewall line: expected {expected} at byte {offset}, found {found}"
                )
            }
        }
    }
}

/// The first bytes of what was found, so that an error needs no allocation and outlives its line.
#[derive(Clone, PartialEq, Eq)]
struct Excerpt {
    bytes: [u8; 24],
    length: u8,
    more: bool,
}

impl Excerpt {
    fn new(at: &[u8]) -> Self {
        let mut bytes = [0; 24];
        bytes.iter_mut().zip(at).for_each(|(to, from)| *to = *from);
        let length = at.len().min(bytes.len());
        Self {
            bytes,
            length: u8::try_from(length).unwrap_or_default(),
            more: at.len() > bytes.len(),
        }
    }
}

impl Excerpt {
    fn text(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.text();
        if found.is_empty() {
            return f.write_str("the end of the line");
        }
        write!(
            f,
            "`{}{}`",
            found.escape_ascii(),
            if self.more { "…" } else { "" }
        )
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
